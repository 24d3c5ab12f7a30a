-- Windows in GROUP BY, as they were written before windowing functions.
CREATE TABLE t (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s TIMESTAMP(3), e TIMESTAMP(3), r TIMESTAMP(3), c BIGINT, total BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o
SELECT t.k, TUMBLE_START(ts, INTERVAL '10' SECOND), TUMBLE_END(ts, INTERVAL '10' SECOND), TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND), COUNT(*), SUM(t.n)
FROM t
WHERE n IS NULL OR n > 0
GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), t.k
HAVING COUNT(*) > 1 OR MAX(n) > 3;
