-- Windows that end when a key has been silent
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT, total BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, window_end, COUNT(*), SUM(n)
  FROM TABLE(SESSION(TABLE t PARTITION BY u, DESCRIPTOR(ts), INTERVAL '5' SECOND))
  GROUP BY u, window_start, window_end;
