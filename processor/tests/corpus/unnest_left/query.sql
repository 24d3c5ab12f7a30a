-- LEFT JOIN UNNEST keeps rows without elements
CREATE TABLE t (id INT, l ARRAY<STRING>, m MAP<STRING, INT>, p ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, x INT, y STRING, s STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, u.x, u.y, s FROM t LEFT JOIN UNNEST(p) AS u (x, y) ON TRUE LEFT JOIN UNNEST(l) AS w (s) ON TRUE;
