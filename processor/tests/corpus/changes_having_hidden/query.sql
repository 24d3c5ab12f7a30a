-- HAVING on what does not come out
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, MAX(i) AS high FROM t GROUP BY k HAVING MOD(COUNT(*), 3) <> 0;
