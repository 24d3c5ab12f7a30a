-- TO_TIMESTAMP with a pattern
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TIMESTAMP(3), c2 DATE, c3 BIGINT, c4 TIMESTAMP_LTZ(3), c5 TIMESTAMP_LTZ(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TO_TIMESTAMP(s, 'dd/MM/yyyy HH:mm'),
  TO_DATE(s, 'dd/MM/yyyy HH:mm'),
  UNIX_TIMESTAMP(s, 'dd/MM/yyyy HH:mm'),
  TO_TIMESTAMP_LTZ(s, 'dd/MM/yyyy HH:mm'),
  TO_TIMESTAMP_LTZ(s, 'dd/MM/yyyy HH:mm', 'Europe/Berlin')
FROM t;
