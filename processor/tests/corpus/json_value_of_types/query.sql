-- JSON_VALUE RETURNING
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 INT, c2 DOUBLE, c3 BOOLEAN, c4 STRING, c5 INT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  JSON_VALUE(s, 'lax $.i' RETURNING INT),
  JSON_VALUE(s, 'lax $.d' RETURNING DOUBLE),
  JSON_VALUE(s, 'lax $.b' RETURNING BOOLEAN),
  JSON_VALUE(s, 'lax $.s' RETURNING STRING),
  JSON_VALUE(s, 'lax $.none' RETURNING INT DEFAULT 7 ON EMPTY)
FROM t;
