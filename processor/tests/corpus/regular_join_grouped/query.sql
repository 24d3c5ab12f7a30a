-- Groups over what a join makes and takes back
CREATE TABLE l (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE u (k STRING, g STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, c BIGINT, total BIGINT, low BIGINT, PRIMARY KEY (g) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(u.g, 'none'), COUNT(*), SUM(l.n), MIN(u.n) FROM l LEFT JOIN u ON l.k = u.k GROUP BY COALESCE(u.g, 'none');
