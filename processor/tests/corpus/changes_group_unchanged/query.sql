-- A row that changes nothing in its group says nothing
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, MAX(n) FILTER (WHERE i > 3) AS high, MIN(s) AS s, COUNT(x) > 2 AS enough FROM t GROUP BY k;
