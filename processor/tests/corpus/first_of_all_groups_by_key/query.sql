-- The largest groups of each key, without their ranks
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s STRING, c BIGINT, PRIMARY KEY (k, s) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(k, 'none'), s, c FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY c DESC, s) AS rn FROM (SELECT k, s, COUNT(*) AS c FROM t GROUP BY k, s)) WHERE rn <= 2;
