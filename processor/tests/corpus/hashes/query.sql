-- Hashes of texts
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  MD5(s),
  SHA1(s),
  SHA224(s),
  SHA256(s),
  SHA384(s),
  SHA512(s),
  SHA2(s, 256),
  SHA2(s, 384)
FROM t;
