-- By processing time over all rows so far, and the value of the row before
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), pt AS PROCTIME())
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, k STRING, total BIGINT, m BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, k, SUM(n) OVER (PARTITION BY k ORDER BY pt), LAG(n) OVER (PARTITION BY k ORDER BY pt) FROM t;
