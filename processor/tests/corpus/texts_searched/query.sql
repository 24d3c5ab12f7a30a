-- Where a text is in another
CREATE TABLE t (id INT, s STRING, u STRING, n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 INT, c2 INT, c3 INT, c4 INT, c5 BOOLEAN, c6 BOOLEAN, c7 INT, c8 INT, c9 STRING, c10 STRING, c11 STRING, c12 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  INSTR(s, u),
  LOCATE(u, s),
  LOCATE(u, s, 6),
  POSITION(u IN s),
  STARTSWITH(s, u),
  ENDSWITH(s, u),
  CHAR_LENGTH(s),
  ASCII(s),
  CHR(n + 65),
  ELT(n, s, u, 'third'),
  UPPER(s),
  LOWER(s)
FROM t;
