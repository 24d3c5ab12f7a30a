-- Windows over rows with OVER: these still have event time
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, m BIGINT, c BIGINT, e TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW v AS SELECT k, ts, SUM(n) OVER (PARTITION BY k ORDER BY ts ROWS 1 PRECEDING) AS m FROM t;
INSERT INTO o SELECT k, MAX(m), COUNT(*), window_end FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end;
