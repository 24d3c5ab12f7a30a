-- EXTRACT and its like
CREATE TABLE t (id INT, ts TIMESTAMP(3), dt DATE, tm TIME)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (c0 INT, c1 BIGINT, c2 BIGINT, c3 BIGINT, c4 BIGINT, c5 BIGINT, c6 BIGINT, c7 BIGINT, c8 BIGINT, c9 BIGINT, c10 BIGINT, c11 BIGINT, c12 BIGINT, c13 BIGINT, c14 BIGINT, c15 BIGINT, c16 BIGINT, c17 BIGINT, c18 BIGINT, c19 BIGINT, c20 BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT
  id,
  YEAR(dt),
  QUARTER(dt),
  MONTH(ts),
  WEEK(dt),
  DAYOFYEAR(dt),
  DAYOFMONTH(ts),
  DAYOFWEEK(dt),
  HOUR(ts),
  MINUTE(ts),
  SECOND(ts),
  EXTRACT(MILLISECOND FROM ts),
  EXTRACT(MICROSECOND FROM ts),
  EXTRACT(EPOCH FROM ts),
  EXTRACT(CENTURY FROM dt),
  EXTRACT(DECADE FROM dt),
  EXTRACT(MILLENNIUM FROM dt),
  EXTRACT(ISODOW FROM dt),
  EXTRACT(ISOYEAR FROM dt),
  EXTRACT(DOW FROM ts),
  EXTRACT(HOUR FROM tm)
FROM t;
