-- The csv format that passes over what it cannot read, with other characters and comments
CREATE TABLE t (id INT, k STRING, n BIGINT, d DOUBLE, b BOOLEAN, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'csv', 'csv.field-delimiter' = '^', 'csv.quote-character' = '''', 'csv.escape-character' = '|', 'csv.null-literal' = 'n/a', 'csv.allow-comments' = 'true', 'csv.ignore-parse-errors' = 'true', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, k STRING, n BIGINT, d DOUBLE, b BOOLEAN, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT * FROM t;
