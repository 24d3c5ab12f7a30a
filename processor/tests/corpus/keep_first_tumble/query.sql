-- First rows still have event time: windows over them
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c BIGINT, s TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW f AS SELECT k, n, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k, n ORDER BY ts) AS rn FROM t) WHERE rn = 1;
INSERT INTO o SELECT COUNT(*), window_start FROM TABLE(TUMBLE(TABLE f, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
