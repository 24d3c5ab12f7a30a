-- Aggregates over all rows so far, and an expression of them
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, id INT, c BIGINT, total BIGINT, f BIGINT, l BIGINT, x DOUBLE, part BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, id, COUNT(n) OVER w, SUM(n) OVER w, FIRST_VALUE(n) OVER w, LAST_VALUE(n) OVER w, SUM(d) OVER w, n * 100 / (COUNT(*) OVER w + 1) FROM t WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
