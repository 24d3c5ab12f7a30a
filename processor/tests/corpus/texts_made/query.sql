-- Texts made of others
CREATE TABLE t (id INT, s STRING, u STRING, n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING, c10 STRING, c11 STRING, c12 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  REPEAT(u, n),
  LPAD(s, 8, u),
  RPAD(s, 8, u),
  REVERSE(s),
  INITCAP(s),
  CONCAT(s, '-', u),
  CONCAT_WS('/', s, u, CAST(n AS STRING)),
  s || u,
  TRANSLATE(s, 'lo', 'L'),
  OVERLAY(s PLACING u FROM 2),
  OVERLAY(s PLACING u FROM 3 FOR 2),
  REPLACE(s, u, '_')
FROM t;
