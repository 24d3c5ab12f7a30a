-- Aggregates over a table that is read by its changes: rows are replaced and removed
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, c BIGINT, n BIGINT, total BIGINT, low BIGINT, high BIGINT, mean BIGINT, x DECIMAL(38, 2), m DECIMAL(38, 6), PRIMARY KEY (g) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(g, 'none'), COUNT(*), COUNT(n), SUM(n), MIN(n), MAX(n), AVG(n), SUM(x), AVG(x) FROM u GROUP BY g;
