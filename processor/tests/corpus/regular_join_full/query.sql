-- Both sides keep rows without a match; a condition besides the key
CREATE TABLE l (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (lid BIGINT, rid BIGINT, lk STRING, rk STRING, PRIMARY KEY (lid, rid) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(l.id, -1), COALESCE(r.id, -1), l.k, r.k FROM l FULL JOIN r ON l.k = r.k AND l.n <> r.n AND l.n > 1;
