-- Two keys
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, n BIGINT, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, n, window_start, window_end, COUNT(*)
  FROM TABLE(SESSION(TABLE t PARTITION BY (u, n), DESCRIPTOR(ts), INTERVAL '5' SECOND))
  GROUP BY u, n, window_start, window_end;
