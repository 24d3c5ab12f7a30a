-- Machines whose temperature of ten minutes is too high, with the time of the worst.

CREATE TABLE readings (
  machine STRING,
  celsius DOUBLE,
  read_at BIGINT,
  ts AS TO_TIMESTAMP_LTZ(read_at, 3),
  WATERMARK FOR ts AS ts - INTERVAL '30' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'readings',
  'properties.group.id' = 'machine-temperature',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE alarms (
  machine      STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  readings     BIGINT,
  highest      DOUBLE,
  too_hot      BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = 'alarms',
  'format' = 'json'
);

-- One hot reading is noise; three of ten minutes are an alarm.
INSERT INTO alarms
SELECT
  machine,
  window_start,
  window_end,
  COUNT(*)                              AS readings,
  MAX(celsius)                          AS highest,
  COUNT(*) FILTER (WHERE celsius >= 90) AS too_hot
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY machine, window_start, window_end
HAVING COUNT(*) FILTER (WHERE celsius >= 90) >= 3;
