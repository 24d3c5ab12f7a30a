-- The raw format: a record is one text
CREATE TABLE t (line STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'raw', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (answer STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'raw');
INSERT INTO o SELECT UPPER(line) || '!' FROM t WHERE line <> 'skip';
