-- GROUP BY without a window, a NULL key and NULL values among the rows
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, c BIGINT, n BIGINT, total BIGINT, low INT, high INT, mean DOUBLE, x DECIMAL(38, 2), PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(k, 'none'), COUNT(*), COUNT(n), SUM(n), MIN(i), MAX(i), AVG(d), SUM(x) FROM t GROUP BY k;
