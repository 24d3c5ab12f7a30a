-- Cards that are used in three cities within a minute, or for more than 5,000 within a minute.

CREATE TABLE payments (
  card    STRING,
  city    STRING,
  amount  DECIMAL(10, 2),
  paid_at BIGINT,
  -- Event time, from milliseconds since 1970. Terminals deliver up to three seconds late.
  ts AS TO_TIMESTAMP_LTZ(paid_at, 3),
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'payments',
  'properties.group.id' = 'card-fraud',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE alerts (
  card         STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  payments     BIGINT,
  cities       BIGINT,
  amount       DECIMAL(38, 2)
) WITH (
  'connector' = 'kafka',
  'topic' = 'alerts',
  'format' = 'json'
);

-- Each minute is looked at every twenty seconds, so a burst is seen wherever it begins.
INSERT INTO alerts
SELECT
  card,
  window_start,
  window_end,
  COUNT(*)             AS payments,
  COUNT(DISTINCT city) AS cities,
  SUM(amount)          AS amount
FROM TABLE(HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE))
GROUP BY card, window_start, window_end
HAVING COUNT(DISTINCT city) >= 3 OR SUM(amount) > 5000;
