-- Regular expressions from constants and from rows
CREATE TABLE t (id INT, s STRING, r STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BOOLEAN, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 INT, c8 INT, c9 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  REGEXP(s, r),
  REGEXP_EXTRACT(s, r),
  REGEXP_EXTRACT(s, r, 1),
  REGEXP_EXTRACT(s, '([a-z])([a-z])', 2),
  REGEXP_REPLACE(s, r, '<$1>'),
  REGEXP_REPLACE(s, '[aeiou]', ''),
  REGEXP_COUNT(s, r),
  REGEXP_INSTR(s, r),
  REGEXP_SUBSTR(s, r)
FROM t;
