-- A view of two tables without windows; texts of different lengths
CREATE TABLE l (k CHAR(2), n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (k STRING, v STRING, m INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, n DOUBLE, c STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW u AS SELECT k, CAST(n AS DOUBLE) AS n FROM l UNION ALL SELECT v, m FROM r;
INSERT INTO o SELECT k, n, k || '!' FROM u WHERE n > 3;
