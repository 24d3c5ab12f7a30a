-- CAST of numbers
CREATE TABLE t (id INT, s STRING, n BIGINT, d DOUBLE)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TINYINT, c2 SMALLINT, c3 INT, c4 DOUBLE, c5 FLOAT, c6 DECIMAL(10, 2), c7 STRING, c8 BOOLEAN, c9 INT, c10 BIGINT, c11 TINYINT, c12 DECIMAL(10, 2), c13 STRING, c14 FLOAT, c15 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  CAST(n AS TINYINT),
  CAST(n AS SMALLINT),
  CAST(n AS INT),
  CAST(n AS DOUBLE),
  CAST(n AS FLOAT),
  CAST(n AS DECIMAL(10, 2)),
  CAST(n AS STRING),
  CAST(n AS BOOLEAN),
  CAST(d AS INT),
  CAST(d AS BIGINT),
  CAST(d AS TINYINT),
  CAST(d AS DECIMAL(10, 2)),
  CAST(d AS STRING),
  CAST(d AS FLOAT),
  CAST(CAST(d AS FLOAT) AS STRING)
FROM t;
