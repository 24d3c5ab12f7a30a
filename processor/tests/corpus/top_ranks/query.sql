-- Ranks from the second on, among other conditions; the order is computed
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, r BIGINT, id INT, x DOUBLE)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, rownum, id, x
FROM (SELECT k, id, d * 2 + id AS x, n, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY d * 2 + id DESC) AS rownum FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE id <> 7)
WHERE rownum >= 2 AND n > -5 AND rownum <= 4;
