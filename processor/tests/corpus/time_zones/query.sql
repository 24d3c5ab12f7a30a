-- Clocks that are put forward and back
CREATE TABLE t (id INT, s STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 TIMESTAMP_LTZ(3), c7 TIMESTAMP_LTZ(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  CONVERT_TZ(s, 'UTC', 'America/Los_Angeles'),
  CONVERT_TZ(s, 'America/Los_Angeles', 'UTC'),
  CONVERT_TZ(s, 'Europe/Berlin', 'UTC'),
  CONVERT_TZ(s, 'UTC', 'Asia/Kolkata'),
  CONVERT_TZ(s, 'UTC', 'GMT+05:30'),
  TO_TIMESTAMP_LTZ(s, 'yyyy-MM-dd HH:mm:ss', 'Europe/Berlin'),
  TO_TIMESTAMP_LTZ(s, 'yyyy-MM-dd HH:mm:ss', 'America/New_York')
FROM t;
