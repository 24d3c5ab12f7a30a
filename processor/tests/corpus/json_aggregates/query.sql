-- JSON_ARRAYAGG and JSON_OBJECTAGG over windows
CREATE TABLE t (ts TIMESTAMP(3), g STRING, k STRING, v INT, s STRING, WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (g STRING, window_end TIMESTAMP(3), c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT g, window_end,
  JSON_ARRAYAGG(v), JSON_ARRAYAGG(v NULL ON NULL), JSON_ARRAYAGG(s ABSENT ON NULL), JSON_OBJECTAGG(KEY k VALUE v), JSON_OBJECTAGG(k VALUE s ABSENT ON NULL),
  JSON_OBJECTAGG(KEY k VALUE s NULL ON NULL), JSON_ARRAYAGG(JSON_OBJECT('v' VALUE v))
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY g, window_start, window_end;
