-- Groups of groups that pass HAVING for a while
-- compared: states
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT MOD(total, 2) AS odd, COUNT(*) AS ks, MAX(total) AS high, COUNT(DISTINCT c) AS kinds FROM (SELECT k, COUNT(*) AS c, SUM(i) AS total FROM t GROUP BY k HAVING MOD(COUNT(*), 3) <> 0) GROUP BY MOD(total, 2);
