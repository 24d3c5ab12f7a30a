-- Sessions over windows
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE VIEW w AS SELECT u, window_start AS s1, window_end AS e1, window_time AS rt, COUNT(*) AS c, SUM(n) AS total
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY u, window_start, window_end, window_time;
CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT, total BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, window_end, SUM(c), SUM(total)
  FROM TABLE(SESSION(TABLE w PARTITION BY u, DESCRIPTOR(rt), INTERVAL '7' SECOND))
  GROUP BY u, window_start, window_end;
