-- CASE and its like
CREATE TABLE t (id INT, a INT, b BIGINT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BIGINT, c2 INT, c3 STRING, c4 BIGINT, c5 BIGINT, c6 BIGINT, c7 STRING, c8 INT, c9 BOOLEAN, c10 BOOLEAN, c11 BOOLEAN, c12 BOOLEAN, c13 BOOLEAN, c14 BOOLEAN, c15 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  COALESCE(a, b),
  NULLIF(a, 2),
  IF(a > 1, s, 'no'),
  IFNULL(b, 7),
  GREATEST(a, b),
  LEAST(a, b, 2),
  CASE WHEN a = b THEN 'same' WHEN a IS NULL THEN 'none' ELSE s END,
  CASE s WHEN 'x' THEN 1 WHEN 'y' THEN 2 END,
  a IN (1, 3),
  a NOT IN (1, 3),
  a BETWEEN 1 AND 2,
  a IS DISTINCT FROM b,
  a = b IS UNKNOWN,
  a > 1 AND s = 'y',
  a > 1 OR s = 'x'
FROM t;
