-- ROW(..), ARRAY[..], MAP[..]
CREATE TABLE t (id INT, s STRING, n BIGINT, d DOUBLE, b BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 ROW<x INT, y STRING>, c2 ARRAY<BIGINT>, c3 MAP<STRING, BIGINT>, c4 ROW<a BIGINT, b ARRAY<DOUBLE>, c MAP<STRING, BOOLEAN>>, c5 ARRAY<ROW<p INT, q STRING>>,
    c6 ARRAY<ARRAY<INT>>, c7 ARRAY<STRING>, c8 BIGINT, c9 STRING, c10 ARRAY<DECIMAL(12, 1)>, c11 ARRAY<INT>)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id,
  ROW(id, s), ARRAY[n, id, 3], MAP['k', n], ROW(n, ARRAY[d, 0.5e0], MAP[s, b]), ARRAY[ROW(id, s), ROW(2, 'abc')],
  ARRAY[ARRAY[id, 1], ARRAY[2]], ARRAY[s, 'longer', CAST(n AS STRING)], MAP['a', n, 'b', 2]['b'], ARRAY['x', s][2], ARRAY[id, 1.5], CASE WHEN b THEN ARRAY[id] ELSE NULL END
FROM t WHERE s IS NOT NULL;
