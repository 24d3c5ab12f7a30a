-- The csv format without a quote character, tabs between the fields, some of which are read
CREATE TABLE t (id INT, k STRING, n BIGINT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'csv', 'csv.field-delimiter' = '	', 'csv.disable-quote-character' = 'true', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (s STRING, k STRING, n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'csv', 'csv.field-delimiter' = '	', 'csv.disable-quote-character' = 'true');
INSERT INTO o SELECT s, UPPER(k), n + 1 FROM t;
