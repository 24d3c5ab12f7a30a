-- A row that WHERE leaves out does not keep a session open.
CREATE TABLE t (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o
SELECT k, SESSION_START(ts, INTERVAL '4' SECOND), SESSION_END(ts, INTERVAL '4' SECOND), COUNT(*)
FROM t
WHERE n > 0
GROUP BY k, SESSION(ts, INTERVAL '4' SECOND);
