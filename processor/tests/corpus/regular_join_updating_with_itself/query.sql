-- A table whose rows are replaced and removed, joined with itself
CREATE TABLE u (k STRING, g STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (a STRING, b STRING, g STRING, PRIMARY KEY (a, b) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT a.k, COALESCE(b.k, 'none'), a.g FROM u AS a LEFT JOIN u AS b ON a.g = b.g AND a.n < b.n;
