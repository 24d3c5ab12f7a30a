-- CAST of times
CREATE TABLE t (id INT, ts TIMESTAMP(3), dt DATE, tm TIME)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 DATE, c2 TIME, c3 STRING, c4 STRING, c5 STRING, c6 TIMESTAMP(3), c7 TIMESTAMP_LTZ(3), c8 TIMESTAMP(0), c9 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  CAST(ts AS DATE),
  CAST(ts AS TIME),
  CAST(ts AS STRING),
  CAST(dt AS STRING),
  CAST(tm AS STRING),
  CAST(dt AS TIMESTAMP(3)),
  CAST(ts AS TIMESTAMP_LTZ(3)),
  CAST(ts AS TIMESTAMP(0)),
  CAST(CAST(ts AS TIMESTAMP(9)) AS STRING)
FROM t;
