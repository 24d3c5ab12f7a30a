-- UNION leaves out equal rows, NULLs among them.
CREATE TABLE t (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, n BIGINT, PRIMARY KEY (k, n) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o
SELECT COALESCE(k, '-'), COALESCE(n, -100) FROM (SELECT k, n FROM t WHERE n > 2 UNION SELECT k, MOD(n, 3) AS n FROM t UNION SELECT k, n FROM t WHERE n < 9);
