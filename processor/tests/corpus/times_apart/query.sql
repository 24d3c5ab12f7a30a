-- TIMESTAMPDIFF
CREATE TABLE t (id INT, a TIMESTAMP(3), b TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 INT, c2 INT, c3 INT, c4 INT, c5 INT, c6 INT, c7 INT, c8 INT, c9 INT, c10 INT, c11 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TIMESTAMPDIFF(SECOND, a, b),
  TIMESTAMPDIFF(MINUTE, a, b),
  TIMESTAMPDIFF(HOUR, a, b),
  TIMESTAMPDIFF(DAY, a, b),
  TIMESTAMPDIFF(WEEK, a, b),
  TIMESTAMPDIFF(MONTH, a, b),
  TIMESTAMPDIFF(QUARTER, a, b),
  TIMESTAMPDIFF(YEAR, a, b),
  TIMESTAMPDIFF(DAY, CAST(a AS DATE), CAST(b AS DATE)),
  TIMESTAMPDIFF(MONTH, CAST(a AS DATE), CAST(b AS DATE)),
  a < b
FROM t;
