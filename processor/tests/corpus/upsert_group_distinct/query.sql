-- DISTINCT, FILTER and texts over a table that is read by its changes
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, c BIGINT, total BIGINT, odd BIGINT, low STRING, high STRING, PRIMARY KEY (g) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(g, 'none'), COUNT(DISTINCT n), SUM(DISTINCT n), COUNT(*) FILTER (WHERE n > 2), MIN(s), MAX(s) FROM u GROUP BY g;
