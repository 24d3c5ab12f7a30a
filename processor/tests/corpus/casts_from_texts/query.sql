-- TRY_CAST of texts
CREATE TABLE t (id INT, s STRING, n BIGINT, d DOUBLE)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TINYINT, c2 INT, c3 BIGINT, c4 DOUBLE, c5 FLOAT, c6 DECIMAL(5, 1), c7 BOOLEAN, c8 DATE, c9 TIME, c10 TIMESTAMP(3), c11 CHAR(3), c12 VARCHAR(2))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TRY_CAST(s AS TINYINT),
  TRY_CAST(s AS INT),
  TRY_CAST(s AS BIGINT),
  TRY_CAST(s AS DOUBLE),
  TRY_CAST(s AS FLOAT),
  TRY_CAST(s AS DECIMAL(5, 1)),
  TRY_CAST(s AS BOOLEAN),
  TRY_CAST(s AS DATE),
  TRY_CAST(s AS TIME),
  TRY_CAST(s AS TIMESTAMP(3)),
  TRY_CAST(s AS CHAR(3)),
  TRY_CAST(s AS VARCHAR(2))
FROM t;
