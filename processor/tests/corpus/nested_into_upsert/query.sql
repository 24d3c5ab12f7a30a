-- The last array and row of each key, and rows that change
CREATE TABLE t (k STRING, a ARRAY<ROW<x INT>>, m MAP<STRING, INT>)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, a ARRAY<ROW<x INT>>, m MAP<STRING, INT>, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT k, LAST_VALUE(a), FIRST_VALUE(m), COUNT(*) FROM t GROUP BY k;
