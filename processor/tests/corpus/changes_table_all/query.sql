-- One group of such a table
-- compared: states
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT COUNT(*) AS c, SUM(n) AS total, COUNT(DISTINCT s) AS kinds FROM u;
