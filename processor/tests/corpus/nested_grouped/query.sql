-- Rows and arrays as keys, and gathered
CREATE TABLE t (ts TIMESTAMP(3), l ARRAY<INT>, r ROW<x INT, y STRING>, v INT, WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (l ARRAY<INT>, r ROW<x INT, y STRING>, window_end TIMESTAMP(3), n BIGINT, f ARRAY<INT>, g ROW<x INT, y STRING>)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT l, r, window_end, COUNT(*), FIRST_VALUE(l), LAST_VALUE(r)
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY l, r, window_start, window_end;
