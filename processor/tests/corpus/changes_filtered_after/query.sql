-- A condition and an expression behind groups
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, c * 10 AS c FROM (SELECT k, COUNT(*) AS c FROM t GROUP BY k) WHERE c <> 2;
