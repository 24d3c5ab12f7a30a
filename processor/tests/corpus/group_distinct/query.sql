-- DISTINCT and FILTER without a window
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, c BIGINT, s BIGINT, x DECIMAL(38, 2), total BIGINT, odd BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(k, 'none'), COUNT(DISTINCT i), COUNT(DISTINCT s), SUM(DISTINCT x), SUM(DISTINCT i), COUNT(DISTINCT i) FILTER (WHERE n > 1) FROM t GROUP BY k;
