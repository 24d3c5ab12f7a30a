-- Three queries, two of them over one table, in sessions
CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (k STRING, v STRING, m INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, s TIMESTAMP(3), e TIMESTAMP(3), c BIGINT, what STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT k, window_start, window_end, COUNT(*), MAX(what)
  FROM TABLE(SESSION((SELECT * FROM (SELECT k, 'one' AS what, ts FROM l WHERE n > 7 UNION ALL SELECT k, v, ts FROM r WHERE m > 5 UNION ALL SELECT k, CAST(n AS STRING), ts FROM l WHERE n < 2)) PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2' SECOND))
  GROUP BY k, window_start, window_end;
