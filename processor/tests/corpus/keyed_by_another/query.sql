-- Groups by one key in a table with another: a group that goes lets another one be the row again
-- rows: by key
CREATE TABLE u (k STRING, g STRING, n BIGINT, x DECIMAL(10, 2), s STRING, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, c BIGINT, total BIGINT, PRIMARY KEY (c) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT g, c, n FROM (SELECT COALESCE(g, 'none') AS g, COUNT(*) AS c, SUM(n) AS n FROM u GROUP BY g);
