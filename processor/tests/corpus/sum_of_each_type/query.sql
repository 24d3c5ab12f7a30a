-- SUM of each numeric type: integers are truncated and wrap around
CREATE TABLE t (u STRING, b TINYINT, s SMALLINT, i INT, n BIGINT, f FLOAT, d DOUBLE, x DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (u STRING, s TIMESTAMP(3), a TINYINT, b SMALLINT, c INT, d BIGINT, e FLOAT, f DOUBLE, g DECIMAL(38, 2))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT u, window_start, SUM(b), SUM(s), SUM(i), SUM(n), SUM(f), SUM(d), SUM(x)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY u, window_start, window_end;
