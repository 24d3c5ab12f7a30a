-- How a sink writes a DECIMAL
CREATE TABLE t (x DECIMAL(20, 2), y DECIMAL(20, 10))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (x DECIMAL(20, 2), y DECIMAL(20, 10))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', 'json.encode.decimal-as-plain-number' = 'true');
INSERT INTO o SELECT x, y FROM t;
