-- JSON_OBJECT, JSON_ARRAY, JSON_STRING
CREATE TABLE t (id INT, s STRING, n BIGINT, d DOUBLE, b BOOLEAN, dt DATE)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING, c10 STRING, c11 STRING, c12 STRING, c13 STRING, c14 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  JSON_OBJECT('z' VALUE s, 'a' VALUE n),
  JSON_OBJECT(KEY 's' VALUE s, KEY 'd' VALUE d ABSENT ON NULL),
  JSON_OBJECT('o' VALUE JSON_OBJECT('b' VALUE b), 'l' VALUE JSON_ARRAY(n, s)),
  JSON_ARRAY(s, n, b),
  JSON_ARRAY(s, n, d NULL ON NULL),
  JSON_STRING(s),
  JSON_STRING(n),
  JSON_STRING(b),
  JSON_STRING(d),
  JSON_QUOTE(s),
  JSON_UNQUOTE(JSON_QUOTE(s)),
  JSON_OBJECT(),
  JSON_ARRAY(),
  JSON_OBJECT('x' VALUE CAST(1.50 AS DECIMAL(5, 2)))
FROM t;
