-- What the csv format writes
CREATE TABLE t (id INT, k STRING, n BIGINT, t TINYINT, d DOUBLE, f FLOAT, b BOOLEAN, x DECIMAL(10, 2), a DATE, c TIME, ts TIMESTAMP(3), y BYTES)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (id INT, k STRING, n BIGINT, t TINYINT, d DOUBLE, f FLOAT, b BOOLEAN, x DECIMAL(10, 2), a DATE, c TIME, ts TIMESTAMP(3), y BYTES)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'csv');
INSERT INTO o SELECT * FROM t;
