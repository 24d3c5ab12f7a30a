-- The value of a row before, with a default; and by how much it has changed
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, k STRING, a BIGINT, b BIGINT, x BIGINT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, k, LAG(n) OVER w, LAG(n, 2, CAST(-1 AS BIGINT)) OVER w, n - LAG(n, 1) OVER w, LAG(s, 3, CAST('none' AS STRING)) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts);
