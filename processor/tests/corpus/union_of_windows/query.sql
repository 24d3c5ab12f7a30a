-- Windows over the united windows of two tables
CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE r (k STRING, v STRING, m INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, e TIMESTAMP(3), c BIGINT, total BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE VIEW u AS
  SELECT k, COUNT(*) AS c, window_time AS wt FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end, window_time
  UNION ALL
  SELECT k, SUM(m), window_time FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY k, window_start, window_end, window_time;
INSERT INTO o SELECT k, window_end, COUNT(*), SUM(c)
  FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
