-- Moments, as csv has them
CREATE TABLE t (k STRING, l TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'csv', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, l STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, CAST(l AS STRING) FROM t;
