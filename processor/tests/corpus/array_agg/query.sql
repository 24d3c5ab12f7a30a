-- ARRAY_AGG over windows
CREATE TABLE t (ts TIMESTAMP(3), k STRING, v INT, WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, window_end TIMESTAMP(3), a ARRAY<INT>, d ARRAY<INT>, f ARRAY<INT>, n INT, r ARRAY<ROW<x INT, y STRING>>)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, window_end, ARRAY_AGG(v), ARRAY_SORT(ARRAY_AGG(DISTINCT v)), ARRAY_AGG(v) FILTER (WHERE v > 1), CARDINALITY(ARRAY_AGG(v)), ARRAY_AGG(ROW(v, k))
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
