-- DATE_FORMAT, FROM_UNIXTIME
CREATE TABLE t (id INT, ts TIMESTAMP(3), n BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss.SSS'),
  DATE_FORMAT(ts, 'hh:mm a'),
  DATE_FORMAT(ts, 'EEE, d MMM yy'),
  DATE_FORMAT(ts, 'EEEE MMMM D'),
  DATE_FORMAT(ts, 'yyyyMMdd''T''HHmmss'),
  DATE_FORMAT(ts, 'h'),
  FROM_UNIXTIME(n),
  FROM_UNIXTIME(n, 'yyyy/MM/dd'),
  DATE_FORMAT(CAST(ts AS STRING), 'HH')
FROM t;
