-- The second and the third row of all
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (r BIGINT, id INT, n BIGINT, PRIMARY KEY (r) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT rn, id, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, id) AS rn FROM t) WHERE rn BETWEEN 2 AND 3;
