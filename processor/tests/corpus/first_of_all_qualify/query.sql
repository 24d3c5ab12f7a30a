-- QUALIFY bounds the rank
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, r BIGINT, id INT, PRIMARY KEY (k, r) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT k, ROW_NUMBER() OVER (PARTITION BY k ORDER BY d DESC, id) AS r, id FROM t WHERE k IS NOT NULL QUALIFY r <= 2;
