-- Precision and scale of decimals
CREATE TABLE t (id INT, a DECIMAL(10, 2), b DECIMAL(20, 5), c DECIMAL(38, 10), n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 DECIMAL(38, 10), c2 DECIMAL(38, 10), c3 DECIMAL(38, 10), c4 DECIMAL(38, 10), c5 DECIMAL(38, 16), c6 DECIMAL(38, 16), c7 DECIMAL(38, 10), c8 DECIMAL(38, 10), c9 DOUBLE, c10 BOOLEAN, c11 DECIMAL(38, 10))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  a + b,
  a - c,
  a * b,
  c * c,
  a / b,
  a / n,
  b % a,
  c / c,
  a * CAST(2 AS DOUBLE),
  a < b,
  -b
FROM t;
