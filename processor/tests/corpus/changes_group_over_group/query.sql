-- Groups of groups
-- compared: states
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT c, COUNT(*) AS ks, SUM(total) AS total, MIN(total) AS low, MAX(total) AS high FROM (SELECT k, i, COUNT(*) AS c, SUM(id) AS total FROM t GROUP BY k, i) GROUP BY c;
