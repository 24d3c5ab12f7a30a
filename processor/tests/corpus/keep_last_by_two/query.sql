-- The last row of each pair of keys, by QUALIFY
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s STRING, id INT, r BIGINT, PRIMARY KEY (k, s) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT k, s, id, ROW_NUMBER() OVER (PARTITION BY k, s ORDER BY ts DESC) AS r FROM t WHERE k IS NOT NULL QUALIFY r = 1;
