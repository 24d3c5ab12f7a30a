-- Rounding
CREATE TABLE t (id INT, d DOUBLE, x DECIMAL(10, 3), n BIGINT, b TINYINT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 DECIMAL(10, 3), c2 DECIMAL(10, 3), c3 DOUBLE, c4 BIGINT, c5 DECIMAL(10, 3), c6 DECIMAL(10, 3), c7 DOUBLE, c8 BIGINT, c9 DECIMAL(10, 0), c10 DECIMAL(10, 0), c11 DOUBLE, c12 DOUBLE, c13 DECIMAL(10, 3), c14 BIGINT, c15 TINYINT, c16 DECIMAL(10, 3), c17 DOUBLE, c18 INT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  ROUND(x, 2),
  ROUND(x),
  ROUND(d, 1),
  ROUND(n, -2),
  TRUNCATE(x, 1),
  TRUNCATE(x),
  TRUNCATE(d, 1),
  TRUNCATE(n, -1),
  CEIL(x),
  FLOOR(x),
  CEIL(d),
  FLOOR(d),
  ABS(x),
  ABS(n),
  ABS(b),
  SIGN(x),
  SIGN(d),
  SIGN(CAST(b AS INT))
FROM t;
