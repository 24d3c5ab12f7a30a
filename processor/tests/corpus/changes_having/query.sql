-- Groups that begin to pass HAVING, and cease to
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, COUNT(*) AS c, SUM(i) AS total FROM t GROUP BY k HAVING COUNT(*) > 2 AND MOD(SUM(i), 3) <> 0;
