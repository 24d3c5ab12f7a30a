-- JSON_QUERY RETURNING ARRAY<STRING>
CREATE TABLE t (id INT, j STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 ARRAY<STRING>, c2 ARRAY<STRING>, c3 ARRAY<STRING>, c4 ARRAY<STRING>)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, JSON_QUERY(j, '$.a' RETURNING ARRAY<STRING>), JSON_QUERY(j, 'lax $.a' RETURNING ARRAY<STRING> WITH CONDITIONAL WRAPPER),
  JSON_QUERY(j, '$.a' RETURNING ARRAY<STRING> EMPTY ARRAY ON ERROR), JSON_QUERY(j, 'lax $.b' RETURNING ARRAY<STRING> EMPTY ARRAY ON EMPTY NULL ON ERROR)
FROM t;
