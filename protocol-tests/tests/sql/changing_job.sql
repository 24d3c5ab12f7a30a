-- Joins of clicks with the views that led to them, and results that change: a user's totals, and how many users are of each level.
SET 'table.exec.source.idle-timeout' = '0';

CREATE TABLE clicks (
  user_id    STRING,
  event_time BIGINT,
  `bytes`    BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '70' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'website-clicks', 'format' = 'json');

CREATE TABLE views (
  user_id    STRING,
  event_time BIGINT,
  ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR ts AS ts - INTERVAL '70' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'views', 'format' = 'json');

CREATE TABLE near (user_id STRING, click BIGINT, seen BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'near', 'format' = 'json');

INSERT INTO near
SELECT c.user_id, c.event_time, v.event_time
FROM clicks c JOIN views v
  ON c.user_id = v.user_id AND v.ts BETWEEN c.ts - INTERVAL '2' SECOND AND c.ts + INTERVAL '1' SECOND;

CREATE TABLE together (user_id STRING, click BIGINT, seen BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'together', 'format' = 'json');

INSERT INTO together
SELECT c.user_id, c.event_time, v.event_time
FROM (SELECT * FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '2' SECOND))) c
LEFT JOIN (SELECT * FROM TABLE(TUMBLE(TABLE views, DESCRIPTOR(ts), INTERVAL '2' SECOND))) v
  ON c.user_id = v.user_id AND c.window_start = v.window_start AND c.window_end = v.window_end;

CREATE TABLE totals (user_id STRING, clicks BIGINT, total BIGINT, latest BIGINT, PRIMARY KEY (user_id) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO totals SELECT user_id, COUNT(*), SUM(`bytes`), MAX(event_time) FROM clicks GROUP BY user_id;

CREATE TABLE levels (user_id STRING, level BIGINT, PRIMARY KEY (user_id) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'levels', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE census (level BIGINT, users BIGINT, first_user STRING, PRIMARY KEY (level) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'census', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO census SELECT level, COUNT(*), MIN(user_id) FROM levels GROUP BY level HAVING COUNT(*) <> 2;
