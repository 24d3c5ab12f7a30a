-- From a view of the ranked, by another window_time
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, r BIGINT, c BIGINT, w TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW ranked AS
SELECT *, ROW_NUMBER() OVER (PARTITION BY window_time, window_start, window_end ORDER BY c DESC, k) AS place
FROM (SELECT k, window_start, window_end, window_time, COUNT(n) AS c
  FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time);
INSERT INTO o SELECT k, place, c, window_time FROM ranked WHERE place <= 1;
