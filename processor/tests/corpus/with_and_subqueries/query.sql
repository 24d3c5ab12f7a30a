-- WITH, a view and a subquery one in the other
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, w TIMESTAMP(3), n BIGINT, share DOUBLE)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW big AS SELECT id, k, n * 10 AS n10, ts FROM t WHERE n IS NOT NULL;
INSERT INTO o
WITH named AS (SELECT COALESCE(k, 'nobody') AS who, n10, ts FROM big),
  windows AS (SELECT who, window_start AS w, SUM(n10) AS total, COUNT(*) AS rows_in
    FROM TABLE(TUMBLE(TABLE named, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY who, window_start, window_end)
SELECT who, w, total, total / CAST(rows_in AS DOUBLE) FROM (SELECT * FROM windows WHERE total > 0) AS x;
