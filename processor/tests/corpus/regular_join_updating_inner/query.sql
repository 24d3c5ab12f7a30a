-- One side is a table whose rows are replaced and removed
CREATE TABLE u (k STRING, g STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, id BIGINT, un BIGINT, rn BIGINT, PRIMARY KEY (k, id) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT u.k, r.id, u.n, r.n FROM u JOIN r ON u.g = r.k;
