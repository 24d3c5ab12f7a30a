-- JSON_VALUE
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING, c10 STRING, c11 STRING, c12 STRING, c13 STRING, c14 STRING, c15 STRING, c16 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  JSON_VALUE(s, '$.a'),
  JSON_VALUE(s, '$.b'),
  JSON_VALUE(s, '$.c'),
  JSON_VALUE(s, '$.d'),
  JSON_VALUE(s, 'lax $.e'),
  JSON_VALUE(s, '$.f[0]'),
  JSON_VALUE(s, 'lax $.f[-1]'),
  JSON_VALUE(s, '$.g'),
  JSON_VALUE(s, '$.o.x.y'),
  JSON_VALUE(s, '$'),
  JSON_VALUE(s, '$.f'),
  JSON_VALUE(s, '$[0]'),
  JSON_VALUE(s, '$[''a b'']'),
  JSON_VALUE(s, '$.a' DEFAULT 'none' ON EMPTY DEFAULT 'error' ON ERROR),
  JSON_VALUE(s, 'lax $.a' DEFAULT 'none' ON EMPTY DEFAULT 'error' ON ERROR),
  JSON_VALUE(s, 'lax $.o.x' DEFAULT 'none' ON EMPTY)
FROM t;
