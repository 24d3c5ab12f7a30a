-- Functions of doubles
CREATE TABLE t (id INT, d DOUBLE, x DECIMAL(10, 3), n BIGINT, b TINYINT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 DOUBLE, c2 DOUBLE, c3 DOUBLE, c4 DOUBLE, c5 DOUBLE, c6 DOUBLE, c7 DOUBLE, c8 DOUBLE, c9 DOUBLE, c10 DOUBLE, c11 DOUBLE, c12 BIGINT, c13 DECIMAL(10, 3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  SQRT(ABS(d)),
  POWER(d, 2),
  LOG10(ABS(d) + 1),
  LOG2(8),
  LOG(2, 8),
  LN(E()),
  DEGREES(d),
  RADIANS(90),
  PI(),
  ATAN2(0, 1),
  COS(0),
  MOD(n, 10),
  MOD(x, 5)
FROM t;
