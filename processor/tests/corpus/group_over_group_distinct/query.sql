-- DISTINCT over rows that are taken back
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c BIGINT, ns BIGINT, lists BIGINT, total INT, m DOUBLE, x DECIMAL(38, 2), PRIMARY KEY (c) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT c, COUNT(DISTINCT high), COUNT(m), SUM(DISTINCT high), SUM(m), SUM(x)
FROM (SELECT k, COUNT(*) / 3 AS c, MAX(i) AS high, AVG(d) AS m, SUM(x) AS x FROM t GROUP BY k, id / 10) GROUP BY c;
