-- QUALIFY with the rank nowhere else
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, id INT, s TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, id, window_start
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) QUALIFY ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) = 1 AND k <> 'c';
