-- A table joined with itself
CREATE TABLE l (id BIGINT, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (a BIGINT, b BIGINT, k STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT a.id, b.id, a.k FROM l AS a JOIN l AS b ON a.k = b.k AND a.n < b.n;
