-- FILTER on each aggregate for itself
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT, total BIGINT, even BIGINT, most BIGINT, nothing BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, window_end, COUNT(*), SUM(n), COUNT(*) FILTER (WHERE MOD(n, 2) = 0), MAX(n) FILTER (WHERE n > 2), SUM(n) FILTER (WHERE n > 1000)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY u, window_start, window_end;
