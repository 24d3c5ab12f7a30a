-- STDDEV and VAR of each type
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s TIMESTAMP(3), c00 BIGINT, c01 BIGINT, c02 BIGINT, c03 BIGINT, c10 INT, c11 INT, c12 INT, c13 INT, c20 DOUBLE, c21 DOUBLE, c22 DOUBLE, c23 DOUBLE, c30 DECIMAL(38, 6), c31 DECIMAL(38, 6), c32 DECIMAL(38, 6), c33 DECIMAL(38, 6))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, window_start, STDDEV_POP(n), STDDEV_SAMP(n), VAR_POP(n), VAR_SAMP(n), STDDEV_POP(i), STDDEV_SAMP(i), VAR_POP(i), VAR_SAMP(i), STDDEV_POP(d), STDDEV_SAMP(d), VAR_POP(d), VAR_SAMP(d), STDDEV_POP(x), STDDEV_SAMP(x), VAR_POP(x), VAR_SAMP(x)
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY k, window_start, window_end;
