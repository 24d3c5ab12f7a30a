-- UNNEST of a map, after a comma
CREATE TABLE t (id INT, l ARRAY<STRING>, m MAP<STRING, INT>, p ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, k, v FROM t, UNNEST(m) AS u (k, v) WHERE v IS NULL OR v > 0;
