-- Groups of groups: rows are taken back
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c BIGINT, ks BIGINT, total BIGINT, low BIGINT, high BIGINT, mean BIGINT, PRIMARY KEY (c) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT c, COUNT(*), SUM(total), MIN(total), MAX(total), AVG(total)
FROM (SELECT k, i, COUNT(*) AS c, SUM(id) AS total FROM t GROUP BY k, i) GROUP BY c;
