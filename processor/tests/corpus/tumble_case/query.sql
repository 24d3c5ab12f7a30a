-- CASE over aggregates and inside of them
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, s TIMESTAMP(3), size STRING, small BIGINT, nulls INT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, CASE WHEN COUNT(*) > 2 THEN 'many' WHEN COUNT(*) = 2 THEN 'two' ELSE 'one' END, SUM(CASE WHEN n < 4 THEN n END), SUM(CASE WHEN n IS NULL THEN 1 ELSE 0 END)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY u, window_start, window_end;
