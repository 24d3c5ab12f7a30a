-- MIN and MAX of numbers, texts and times
CREATE TABLE t (u STRING, b TINYINT, s SMALLINT, i INT, n BIGINT, f FLOAT, d DOUBLE, x DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, s TIMESTAMP(3), a TINYINT, b DOUBLE, c DECIMAL(10, 2), d TINYINT, e DOUBLE, f DECIMAL(10, 2), least STRING, first TIMESTAMP(3), last TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, MIN(b), MIN(d), MIN(x), MAX(b), MAX(d), MAX(x), MIN(u), MIN(ts), MAX(ts)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY u, window_start, window_end;
