-- Groups joined with groups
CREATE TABLE l (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, lc BIGINT, rc BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(a.k, b.k, 'none'), a.c, b.c FROM (SELECT k, COUNT(*) AS c FROM l WHERE k IS NOT NULL GROUP BY k) a
  FULL JOIN (SELECT k, SUM(n) AS c FROM r WHERE k IS NOT NULL GROUP BY k) b ON a.k = b.k;
