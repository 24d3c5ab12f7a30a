-- What the tests run over the shop's clicks: as docs/examples/user-metrics.sql, with events up to a minute out of order.
CREATE TABLE website_clicks (
  user_id    STRING,
  `bytes`    BIGINT,
  event_time BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '60' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'website-clicks',
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
SELECT user_id, window_start, window_end, COUNT(*) AS clicks, SUM(`bytes`) AS `bytes`, MAX(`bytes`) AS max_bytes
FROM TABLE(TUMBLE(TABLE website_clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY user_id, window_start, window_end;
