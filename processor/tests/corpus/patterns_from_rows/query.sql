-- LIKE with a pattern from the row
CREATE TABLE t (id INT, s STRING, p STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BOOLEAN, c2 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  s LIKE p,
  s NOT LIKE p
FROM t;
