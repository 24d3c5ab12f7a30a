-- Sessions by a key, and then the same windows without it
-- expected: by rule. Flink makes an updating result of it, which a topic cannot take; these are its last values.
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (s TIMESTAMP(3), e TIMESTAMP(3), users BIGINT, c BIGINT, total BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT window_start, window_end, COUNT(*), SUM(c), SUM(total)
  FROM (SELECT u, window_start, window_end, COUNT(*) AS c, SUM(n) AS total
    FROM TABLE(SESSION(TABLE t PARTITION BY u, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY u, window_start, window_end)
  GROUP BY window_start, window_end;
