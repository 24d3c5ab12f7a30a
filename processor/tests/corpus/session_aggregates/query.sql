-- Aggregates of all kinds over sessions that merge
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT, total BIGINT, least BIGINT, mean BIGINT, kinds BIGINT, of_kinds BIGINT, even BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, window_end, COUNT(*), SUM(n), MIN(n), AVG(n), COUNT(DISTINCT n), SUM(DISTINCT n), COUNT(DISTINCT n) FILTER (WHERE MOD(n, 2) = 0)
  FROM TABLE(SESSION(TABLE t PARTITION BY u, DESCRIPTOR(ts), INTERVAL '3' SECOND))
  GROUP BY u, window_start, window_end;
