-- A group whose rows have all gone begins anew: nothing is left of sums that were not exact.
CREATE TABLE t (k INT, g STRING, v DOUBLE, d DECIMAL(38, 2), PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, total DOUBLE, mean DOUBLE, sum_of DECIMAL(38, 2), n BIGINT, PRIMARY KEY (g) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO o SELECT g, SUM(v), AVG(v), SUM(d), COUNT(*) FROM t GROUP BY g;
