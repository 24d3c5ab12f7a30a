-- Rows of such a table that pass a condition for a while
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, g, n * 2 AS n, CAST(x AS STRING) AS x, s FROM u WHERE n > 1 OR s = 'p';
