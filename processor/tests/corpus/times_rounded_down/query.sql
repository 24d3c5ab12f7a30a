-- FLOOR TO
CREATE TABLE t (id INT, ts TIMESTAMP(3), dt DATE, tm TIME)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TIMESTAMP(3), c2 TIMESTAMP(3), c3 TIMESTAMP(3), c4 TIMESTAMP(3), c5 TIMESTAMP(3), c6 TIMESTAMP(3), c7 TIMESTAMP(3), c8 TIMESTAMP(3), c9 TIMESTAMP(3), c10 TIMESTAMP(3), c11 TIMESTAMP(3), c12 DATE, c13 DATE, c14 TIME)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  FLOOR(ts TO YEAR),
  FLOOR(ts TO QUARTER),
  FLOOR(ts TO MONTH),
  FLOOR(ts TO WEEK),
  FLOOR(ts TO DAY),
  FLOOR(ts TO HOUR),
  FLOOR(ts TO MINUTE),
  FLOOR(ts TO SECOND),
  FLOOR(ts TO DECADE),
  FLOOR(ts TO CENTURY),
  FLOOR(ts TO MILLENNIUM),
  FLOOR(dt TO MONTH),
  FLOOR(dt TO WEEK),
  FLOOR(tm TO HOUR)
FROM t;
