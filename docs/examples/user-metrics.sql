-- Clicks of each user in windows of five seconds: how many, and how many bytes they fetched.
--
-- The same text runs in Apache Flink SQL 2.2 once 'properties.bootstrap.servers' is added to both tables.

CREATE TABLE website_clicks (
  user_id    STRING,
  url        STRING,
  `method`   STRING,
  status     INT,
  `bytes`    BIGINT,
  referrer   STRING,
  agent      STRING,
  event_time BIGINT,
  -- Event time, from milliseconds since 1970. A window closes two seconds after its end.
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'website-clicks',
  'properties.group.id' = 'user-metrics',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE user_metrics (
  user_id      STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  clicks       BIGINT,
  `bytes`      BIGINT,
  max_bytes    BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = 'user-metrics',
  'format' = 'json'
);

INSERT INTO user_metrics
SELECT
  user_id,
  window_start,
  window_end,
  COUNT(*)     AS clicks,
  SUM(`bytes`) AS `bytes`,
  MAX(`bytes`) AS max_bytes
FROM TABLE(TUMBLE(TABLE website_clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY user_id, window_start, window_end;
