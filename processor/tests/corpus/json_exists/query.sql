-- JSON_EXISTS and IS JSON
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN, c5 BOOLEAN, c6 BOOLEAN, c7 BOOLEAN, c8 BOOLEAN, c9 BOOLEAN, c10 BOOLEAN, c11 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  JSON_EXISTS(s, '$.a'),
  JSON_EXISTS(s, 'lax $.d'),
  JSON_EXISTS(s, 'strict $.d'),
  JSON_EXISTS(s, '$.f[1]'),
  JSON_EXISTS(s, 'strict $.nope' TRUE ON ERROR),
  JSON_EXISTS(s, 'strict $.nope' UNKNOWN ON ERROR),
  s IS JSON,
  s IS JSON OBJECT,
  s IS JSON ARRAY,
  s IS JSON SCALAR,
  s IS NOT JSON
FROM t;
