-- The first rows of a table that is read by its changes: what goes lets others come
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, r BIGINT, k STRING, n BIGINT, PRIMARY KEY (g, r) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(g, 'none'), rn, k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY g ORDER BY n DESC, k) AS rn FROM u) WHERE rn <= 2;
