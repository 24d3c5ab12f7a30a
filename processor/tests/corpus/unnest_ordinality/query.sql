-- UNNEST WITH ORDINALITY
CREATE TABLE t (id INT, l ARRAY<STRING>, m MAP<STRING, INT>, p ARRAY<ROW<x INT, y STRING>>, n ARRAY<ARRAY<INT>>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, s STRING, a INT, x INT, y STRING, pos INT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, s, a, x, y, b FROM t CROSS JOIN UNNEST(l) WITH ORDINALITY AS u (s, a) CROSS JOIN UNNEST(p) WITH ORDINALITY AS w (x, y, b);
