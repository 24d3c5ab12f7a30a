-- Casts of keys and results
CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s STRING, c STRING, d DOUBLE, i INT, total DECIMAL(12, 2))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT CAST(n AS STRING), CAST(window_start AS STRING), CAST(COUNT(*) AS STRING), CAST(SUM(n) AS DOUBLE), CAST(MAX(n) AS INT), CAST(SUM(n) AS DECIMAL(12, 2))
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY CAST(n AS STRING), window_start, window_end;
