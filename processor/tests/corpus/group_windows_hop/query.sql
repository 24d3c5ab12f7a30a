-- Over a subquery with a name; the window is not among the columns, as in a view's query that only counts.
CREATE TABLE t (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (kk STRING, e TIMESTAMP(3), c BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o
SELECT x.kk, HOP_END(x.tt, INTERVAL '5' SECOND, INTERVAL '10' SECOND) AS e, COUNT(DISTINCT x.n)
FROM (SELECT UPPER(k) AS kk, n, ts AS tt FROM t) AS x
GROUP BY x.kk, HOP(x.tt, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
