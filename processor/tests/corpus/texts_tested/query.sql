-- Tests of texts
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN, c5 BOOLEAN, c6 BOOLEAN, c7 BOOLEAN, c8 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  IS_ALPHA(s),
  IS_DIGIT(s),
  IS_DECIMAL(s),
  s LIKE '%1%',
  s NOT LIKE '_',
  s SIMILAR TO '[a-z]+',
  s SIMILAR TO '(a|b)%',
  s NOT SIMILAR TO '_'
FROM t;
