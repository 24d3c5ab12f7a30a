-- The job of benches/run --only state: every user's clicks of a day and the greatest of its user agents, so that all of them are state at once.

SET 'forebay.state.memory' = '512 mb';

CREATE TABLE website_clicks (
  user_id    STRING,
  agent      STRING,
  event_time BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'website-clicks',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE daily (
  user_id STRING,
  clicks  BIGINT,
  agent   STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'daily',
  'format' = 'json'
);

INSERT INTO daily
SELECT user_id, COUNT(*), MAX(agent)
FROM TABLE(TUMBLE(TABLE website_clicks, DESCRIPTOR(ts), INTERVAL '1' DAY))
GROUP BY user_id, window_start, window_end;
