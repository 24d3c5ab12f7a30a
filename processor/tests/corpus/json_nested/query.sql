-- JSON of rows, arrays and maps, and JSON put into JSON
CREATE TABLE t (id INT, r ROW<b INT, a STRING>, l ARRAY<DOUBLE>, m MAP<STRING, ARRAY<INT>>, j STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT id, JSON_STRING(r), JSON_STRING(l), JSON_STRING(m), JSON_OBJECT('r' VALUE r, 'l' VALUE l ABSENT ON NULL), JSON_ARRAY(m, r, JSON_ARRAY(l) NULL ON NULL),
  JSON_OBJECT('j' VALUE JSON(j), 'k' VALUE j), JSON_ARRAY(JSON(j), 1)
FROM t;
