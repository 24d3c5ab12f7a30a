-- One job, four ways to treat the same clicks: hopping windows, sessions, windows whose late rows are kept, and rows that may fail.
SET 'forebay.on-error' = 'skip';
SET 'table.exec.source.idle-timeout' = '0';

CREATE TABLE patient (
  user_id    STRING,
  event_time BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '70' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'website-clicks', 'format' = 'json');

CREATE TABLE hops (user_id STRING, window_end TIMESTAMP(3), clicks BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'hops', 'format' = 'json');

INSERT INTO hops
SELECT user_id, window_end, COUNT(*)
FROM TABLE(HOP(TABLE patient, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
GROUP BY user_id, window_start, window_end;

CREATE TABLE sessions (user_id STRING, window_end TIMESTAMP(3), clicks BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'sessions', 'format' = 'json');

INSERT INTO sessions
SELECT user_id, window_end, COUNT(*)
FROM TABLE(SESSION(TABLE patient PARTITION BY user_id, DESCRIPTOR(ts), INTERVAL '4' SECOND))
GROUP BY user_id, window_start, window_end;

CREATE TABLE strict (
  user_id    STRING,
  event_time BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'website-clicks', 'format' = 'json',
  'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late-clicks');

CREATE TABLE tumbles (user_id STRING, window_end TIMESTAMP(3), clicks BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'tumbles', 'format' = 'json');

INSERT INTO tumbles
SELECT user_id, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE strict, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY user_id, window_start, window_end;

CREATE TABLE fragile (user_id STRING, `bytes` BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'website-clicks', 'format' = 'json',
  'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = 'dead-clicks');

CREATE TABLE shares (user_id STRING, share BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'shares', 'format' = 'json');

INSERT INTO shares SELECT user_id, 1000000 / `bytes` FROM fragile;
