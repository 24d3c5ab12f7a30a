-- TIMESTAMPADD, intervals
CREATE TABLE t (id INT, ts TIMESTAMP(3), dt DATE, tm TIME, n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 TIMESTAMP(3), c2 TIMESTAMP(3), c3 TIMESTAMP(3), c4 TIMESTAMP(3), c5 TIMESTAMP(3), c6 TIMESTAMP(3), c7 TIMESTAMP(3), c8 TIMESTAMP(3), c9 DATE, c10 DATE, c11 TIMESTAMP(3), c12 TIME, c13 TIMESTAMP(3), c14 TIMESTAMP(3), c15 DATE)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  TIMESTAMPADD(SECOND, n, ts),
  TIMESTAMPADD(MINUTE, n, ts),
  TIMESTAMPADD(HOUR, n, ts),
  TIMESTAMPADD(DAY, n, ts),
  TIMESTAMPADD(WEEK, n, ts),
  TIMESTAMPADD(MONTH, n, ts),
  TIMESTAMPADD(QUARTER, n, ts),
  TIMESTAMPADD(YEAR, n, ts),
  TIMESTAMPADD(DAY, n, dt),
  TIMESTAMPADD(MONTH, n, dt),
  TIMESTAMPADD(HOUR, n, dt),
  TIMESTAMPADD(MINUTE, n, tm),
  ts + INTERVAL '1' MONTH,
  ts - INTERVAL '1 02:03:04.5' DAY TO SECOND,
  dt + INTERVAL '1' YEAR
FROM t;
