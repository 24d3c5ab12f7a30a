-- QUALIFY: a condition on the rank in the same query
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, r BIGINT, id INT, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY n DESC) AS rownum, id, n
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE id <> 1 QUALIFY rownum <= 2;
