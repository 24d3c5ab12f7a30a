-- The first row of each key of a table that is read by its changes, by time-less order
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, k STRING, n BIGINT, x DECIMAL(10, 2), PRIMARY KEY (g) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(g, 'none'), k, n, x FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g ORDER BY x, k DESC) AS rn FROM u) WHERE rn = 1;
