-- CAST of rows, arrays and maps
CREATE TABLE t (id INT, r ROW<a INT, b STRING, c BOOLEAN>, l ARRAY<DOUBLE>, m MAP<STRING, DECIMAL(5, 2)>, q ARRAY<ROW<t TIMESTAMP(3), d DATE>>, y BYTES)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 ARRAY<INT>, c7 ROW<x STRING, y STRING, z INT>, c8 MAP<STRING, STRING>, c9 STRING, c10 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id,
  CAST(r AS STRING), CAST(l AS STRING), CAST(m AS STRING), CAST(q AS STRING), CAST(ARRAY[MAP['k', id], MAP['l', 2]] AS STRING),
  CAST(l AS ARRAY<INT>), CAST(r AS ROW<x STRING, y STRING, z INT>), CAST(m AS MAP<STRING, STRING>), CAST(ROW(y, l[1], CAST(l[1] AS FLOAT)) AS STRING), CAST(r AS VARCHAR(4))
FROM t;
