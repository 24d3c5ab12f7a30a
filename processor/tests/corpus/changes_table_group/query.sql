-- Groups of such a table
-- compared: states
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT g, COUNT(*) AS c, SUM(n) AS total, AVG(n) AS mean, MIN(n) AS low, MAX(s) AS high FROM u GROUP BY g;
