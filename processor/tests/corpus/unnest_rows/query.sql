-- CROSS JOIN UNNEST of an array of rows: a column for each field
CREATE TABLE t (id INT, l ARRAY<STRING>, m MAP<STRING, INT>, p ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, x INT, y STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT t.id, u.x, u.yy FROM t CROSS JOIN UNNEST(t.p) AS u (x, yy);
