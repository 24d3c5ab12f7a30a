-- TO_TIMESTAMP and its like
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TIMESTAMP(3), c2 DATE, c3 BIGINT, c4 DATE, c5 TIMESTAMP(3), c6 TIMESTAMP_LTZ(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TO_TIMESTAMP(s),
  TO_DATE(s),
  UNIX_TIMESTAMP(s),
  TRY_CAST(s AS DATE),
  TRY_CAST(s AS TIMESTAMP(3)),
  TO_TIMESTAMP_LTZ(UNIX_TIMESTAMP('2024-01-01 00:00:00'), 0)
FROM t;
