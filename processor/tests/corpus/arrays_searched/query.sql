-- What arrays hold
CREATE TABLE t (id INT, l ARRAY<STRING>, n ARRAY<INT>, s STRING, i INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 INT, c5 INT, c6 STRING, c7 STRING, c8 INT, c9 INT, c10 STRING, c11 STRING, c12 INT, c13 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id,
  ARRAY_CONTAINS(l, s), ARRAY_CONTAINS(n, i), ARRAY_CONTAINS(l, 'a'), ARRAY_POSITION(l, s), ARRAY_POSITION(n, 2),
  ARRAY_JOIN(l, ','), ARRAY_JOIN(l, ' | ', '-'), ARRAY_MAX(n), ARRAY_MIN(n), ARRAY_MAX(l), ARRAY_MIN(l),
  ELEMENT(ARRAY[i]), ARRAY_CONTAINS(ARRAY[n], n)
FROM t;
