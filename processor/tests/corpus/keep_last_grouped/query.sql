-- Groups of the last rows of each key: rows go from one group to another
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (n BIGINT, c BIGINT, low INT, PRIMARY KEY (n) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
CREATE VIEW f AS SELECT k, n, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k, s ORDER BY ts DESC) AS rn FROM t) WHERE rn = 1;
INSERT INTO o SELECT COALESCE(n, 0), COUNT(*), MIN(id) FROM f GROUP BY n;
