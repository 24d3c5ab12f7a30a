-- DISTINCT inside of functions, some of it with FILTER
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, COUNT(DISTINCT i) AS kinds, SUM(DISTINCT i) AS total, COUNT(DISTINCT s) FILTER (WHERE i > 2) AS texts FROM t GROUP BY k;
