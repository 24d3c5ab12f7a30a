-- What the csv format writes with other characters, and for NULL
CREATE TABLE t (id INT, k STRING, n BIGINT, t TINYINT, d DOUBLE, f FLOAT, b BOOLEAN, x DECIMAL(10, 2), a DATE, c TIME, ts TIMESTAMP(3), y BYTES)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, k STRING, n BIGINT, d DOUBLE, x DECIMAL(10, 2), ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'csv', 'csv.field-delimiter' = '|', 'csv.quote-character' = '''', 'csv.escape-character' = '\', 'csv.null-literal' = 'NULL');
INSERT INTO o SELECT id, k, n, d, x, ts FROM t;
