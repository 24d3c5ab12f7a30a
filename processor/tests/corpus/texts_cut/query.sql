-- Parts of texts
CREATE TABLE t (id INT, s STRING, u STRING, n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING, c10 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  LEFT(s, n),
  RIGHT(s, n),
  SUBSTRING(s FROM n),
  SUBSTRING(s, 2, 3),
  SPLIT_INDEX(s, u, n),
  TRIM(s),
  BTRIM(s, u),
  LTRIM(s),
  RTRIM(s),
  TRIM(LEADING 'x' FROM s)
FROM t;
