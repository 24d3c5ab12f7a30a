-- UNNEST of an array that changes
CREATE TABLE t (k STRING, v INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (v INT, n BIGINT, PRIMARY KEY (v) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT v, COUNT(*) FROM (SELECT k, ARRAY[MIN(v), MAX(v)] AS two FROM t GROUP BY k) CROSS JOIN UNNEST(two) AS u (v) GROUP BY v;
