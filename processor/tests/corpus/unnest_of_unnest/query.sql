-- UNNEST of what UNNEST gave, of computed arrays, with conditions
CREATE TABLE t (id INT, l ARRAY<STRING>, m MAP<STRING, INT>, p ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, i INT, j INT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, i, j FROM t CROSS JOIN UNNEST(n) AS u (a) CROSS JOIN UNNEST(a) AS w (i) CROSS JOIN UNNEST(ARRAY[id, i]) AS z (j) WHERE i <> 3 OR j = 1;
