-- UNNEST before an aggregation over windows
CREATE TABLE t (ts TIMESTAMP(3), l ARRAY<STRING>, WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (s STRING, window_end TIMESTAMP(3), n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT s, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) CROSS JOIN UNNEST(l) AS u (s)
GROUP BY s, window_start, window_end;
