-- TO_TIMESTAMP_LTZ of texts
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TIMESTAMP_LTZ(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TO_TIMESTAMP_LTZ(s)
FROM t;
