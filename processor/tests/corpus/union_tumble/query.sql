-- Rows of two tables in one window; an INT and a BIGINT make a BIGINT
CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (k STRING, v STRING, m INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, e TIMESTAMP(3), c BIGINT, total BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW u AS SELECT k, n, ts FROM l UNION ALL SELECT k, m, ts FROM r;
INSERT INTO o SELECT k, window_end, COUNT(*), SUM(n)
  FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
