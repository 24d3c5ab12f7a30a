-- JSON_QUERY
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING, c10 STRING, c11 STRING, c12 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  JSON_QUERY(s, '$'),
  JSON_QUERY(s, '$.a'),
  JSON_QUERY(s, 'lax $.o'),
  JSON_QUERY(s, '$.f'),
  JSON_QUERY(s, '$.a' WITH WRAPPER),
  JSON_QUERY(s, 'lax $.f' WITH CONDITIONAL WRAPPER),
  JSON_QUERY(s, 'lax $.f' WITH UNCONDITIONAL ARRAY WRAPPER),
  JSON_QUERY(s, 'lax $.b' WITH CONDITIONAL WRAPPER),
  JSON_QUERY(s, '$.nope' EMPTY ARRAY ON EMPTY EMPTY OBJECT ON ERROR),
  JSON_QUERY(s, 'lax $.nope' EMPTY ARRAY ON EMPTY EMPTY OBJECT ON ERROR),
  JSON_QUERY(s, '$.*'),
  JSON_QUERY(s, 'lax $.f[*]')
FROM t;
