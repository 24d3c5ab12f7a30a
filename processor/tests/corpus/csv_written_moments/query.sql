-- Moments, as csv writes them
CREATE TABLE t (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, l TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'csv');
INSERT INTO o SELECT k, TO_TIMESTAMP_LTZ(n, 3) FROM t;
