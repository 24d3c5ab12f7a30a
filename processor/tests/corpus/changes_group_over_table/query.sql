-- Groups of groups of a table that is read by its changes
-- compared: states
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT c, COUNT(*) AS gs, MIN(total) AS low, MAX(total) AS high FROM (SELECT g, s, COUNT(*) AS c, SUM(n) AS total FROM u GROUP BY g, s) GROUP BY c;
