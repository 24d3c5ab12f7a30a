-- Other spellings of texts and numbers
CREATE TABLE t (id INT, s STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 BYTES, c10 BYTES, c11 STRING, c12 BYTES)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TO_BASE64(s),
  FROM_BASE64(TO_BASE64(s)),
  HEX(s),
  HEX(n),
  BIN(n),
  URL_ENCODE(s),
  URL_DECODE(URL_ENCODE(s)),
  CAST(UNHEX(HEX(s)) AS STRING),
  ENCODE(s, 'ISO-8859-1'),
  ENCODE(s, 'UTF-16LE'),
  DECODE(ENCODE(s, 'UTF-16BE'), 'UTF-16BE'),
  ENCODE(s, 'US-ASCII')
FROM t;
