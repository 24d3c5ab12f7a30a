-- ROW, ARRAY and MAP: read, looked into, written
CREATE TABLE t (id INT, r ROW<a INT, b ROW<c STRING, d ARRAY<INT>>>, l ARRAY<STRING>, m MAP<STRING, BIGINT>, p ARRAY<ROW<x INT, y DECIMAL(5, 2)>>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, r ROW<a INT, b ROW<c STRING, d ARRAY<INT>>>, l ARRAY<STRING>, m MAP<STRING, BIGINT>, p ARRAY<ROW<x INT, y DECIMAL(5, 2)>>,
    c0 INT, c1 STRING, c2 INT, c3 STRING, c4 BIGINT, c5 INT, c6 INT, c7 INT, c8 DECIMAL(5, 2), c9 INT, c10 STRING, c11 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, r, l, m, p,
  r.a, t.r.b.c, r.b.d[1], l[2], m['k'], CARDINALITY(l), CARDINALITY(m), CARDINALITY(r.b.d), p[1].y, p[id + 1].x, l[id], r IS NULL
FROM t;
