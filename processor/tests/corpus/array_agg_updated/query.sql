-- ARRAY_AGG without windows
CREATE TABLE t (k STRING, v INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, a ARRAY<INT>, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT k, ARRAY_AGG(v) FROM t GROUP BY k;
