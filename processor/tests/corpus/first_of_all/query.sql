-- The first three rows of each key by two columns, with their ranks
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, r BIGINT, id INT, n BIGINT, d DOUBLE, PRIMARY KEY (k, r) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(k, 'none'), rn, id, n, d FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC, d) AS rn FROM t) WHERE rn <= 3;
