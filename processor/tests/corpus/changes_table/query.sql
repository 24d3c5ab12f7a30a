-- A table that is read by its changes says what its rows were
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, g, n, CAST(x AS STRING) AS x, s FROM u;
