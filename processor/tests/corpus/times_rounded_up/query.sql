-- CEIL TO
CREATE TABLE t (id INT, ts TIMESTAMP(3), dt DATE, tm TIME)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TIMESTAMP(3), c2 TIMESTAMP(3), c3 TIMESTAMP(3), c4 TIMESTAMP(3), c5 TIMESTAMP(3), c6 TIMESTAMP(3), c7 TIMESTAMP(3), c8 TIMESTAMP(3), c9 TIMESTAMP(3), c10 DATE, c11 DATE)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  CEIL(ts TO YEAR),
  CEIL(ts TO QUARTER),
  CEIL(ts TO MONTH),
  CEIL(ts TO DAY),
  CEIL(ts TO HOUR),
  CEIL(ts TO MINUTE),
  CEIL(ts TO SECOND),
  CEIL(ts TO CENTURY),
  CEIL(ts TO MILLENNIUM),
  CEIL(dt TO MONTH),
  CEIL(dt TO YEAR)
FROM t;
