-- The highest of each window, by joining a table with its own maximum (as Nexmark's q5)
CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, n BIGINT, e TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT L.k, L.c, L.window_end
  FROM (SELECT k, SUM(n) AS c, window_start, window_end, window_time FROM TABLE(HOP(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time) L JOIN (SELECT MAX(c) AS most, window_start, window_end FROM (SELECT k, SUM(n) AS c, window_start, window_end, window_time FROM TABLE(HOP(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time) GROUP BY window_start, window_end) R ON L.window_start = R.window_start AND L.window_end = R.window_end AND L.c >= R.most;
