-- Functions that keep values, without a window
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (i INT, first_s STRING, last_s STRING, low STRING, high STRING, list STRING, x DECIMAL(38, 6), PRIMARY KEY (i) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT COALESCE(i, -1), FIRST_VALUE(s), LAST_VALUE(s), MIN(s), MAX(s), LISTAGG(s, '|'), AVG(x) FROM t GROUP BY i;
