-- Windows over the rows that UNNEST makes
CREATE TABLE t (ts TIMESTAMP(3), l ARRAY<ROW<k STRING, v INT>>, WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, window_end TIMESTAMP(3), n BIGINT, v INT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW s AS SELECT ts, u.k, u.v FROM t CROSS JOIN UNNEST(l) AS u (k, v);
INSERT INTO o SELECT k, window_end, COUNT(*), SUM(v)
FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
