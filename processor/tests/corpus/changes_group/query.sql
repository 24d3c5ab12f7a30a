-- What groups were and are, record by record
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, COUNT(*) AS c, SUM(i) AS total, MIN(i) AS low, MAX(i) AS high, AVG(i) AS mean FROM t GROUP BY k;
