-- Arrays made of arrays
CREATE TABLE t (id INT, a ARRAY<INT>, b ARRAY<INT>, s STRING, i INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 ARRAY<INT>, c2 ARRAY<INT>, c3 ARRAY<INT>, c4 ARRAY<INT>, c5 ARRAY<INT>, c6 ARRAY<INT>, c7 ARRAY<INT>, c8 ARRAY<INT>, c9 ARRAY<INT>, c10 ARRAY<INT>, c11 ARRAY<INT>,
    c12 ARRAY<INT>, c13 ARRAY<INT>, c14 ARRAY<INT>, c15 ARRAY<INT>, c16 ARRAY<INT>, c17 ARRAY<INT>, c18 ARRAY<STRING>, c19 ARRAY<STRING>, c20 ARRAY<INT>)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id,
  ARRAY_DISTINCT(a), ARRAY_REMOVE(a, i), ARRAY_REVERSE(a), ARRAY_SLICE(a, 2), ARRAY_SLICE(a, 2, 3), ARRAY_SLICE(a, -2), ARRAY_SLICE(a, -3, -2), ARRAY_SLICE(a, 0, 0), ARRAY_SLICE(a, 9),
  ARRAY_UNION(a, b), ARRAY_CONCAT(a, b, a), ARRAY_EXCEPT(a, b), ARRAY_INTERSECT(a, b), ARRAY_SORT(a), ARRAY_SORT(a, FALSE), ARRAY_SORT(a, TRUE, FALSE), ARRAY_APPEND(a, i),
  SPLIT(s, ','), SPLIT(s, ''), ARRAY_PREPEND(a, i)
FROM t;
