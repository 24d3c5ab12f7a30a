-- The different values of such a table
-- compared: states
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT DISTINCT g FROM u;
