-- Rows of which there is one, each once
CREATE TABLE l (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id BIGINT, k STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, k FROM l WHERE EXISTS (SELECT * FROM r WHERE r.k = l.k AND r.n < l.n);
