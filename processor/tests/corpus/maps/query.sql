-- What maps hold, and maps made of others
CREATE TABLE t (id INT, m MAP<STRING, INT>, m2 MAP<STRING, INT>, k ARRAY<STRING>, v ARRAY<INT>, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 ARRAY<STRING>, c2 ARRAY<INT>, c3 ARRAY<ROW<k STRING, v INT>>, c4 MAP<STRING, INT>, c5 MAP<STRING, INT>, c6 MAP<STRING, STRING>, c7 STRING, c8 INT, c9 INT, c10 INT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id,
  MAP_KEYS(m), MAP_VALUES(m), MAP_ENTRIES(m), MAP_FROM_ARRAYS(k, v), MAP_UNION(m, m2), STR_TO_MAP(s), STR_TO_MAP(s, '#', ':')['a'], m[s], CARDINALITY(m), CARDINALITY(MAP_UNION(m, m2)) FROM t;
