-- Equality of rows, arrays and maps
CREATE TABLE t (id INT, a ARRAY<INT>, b ARRAY<INT>, r ROW<x INT, y STRING>, q ROW<x INT, y STRING>, m MAP<STRING, INT>, n MAP<STRING, INT>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN, c5 BOOLEAN, c6 BOOLEAN)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, a = b, a <> b, r = q, r <> q, m = n, m <> n FROM t;
