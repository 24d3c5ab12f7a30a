-- How often each has bid in ten seconds of the clock: the rows depend on when the query runs.

CREATE TABLE bid_by_the_clock (
  auction BIGINT,
  bidder  BIGINT,
  price   BIGINT,
  p_time AS PROCTIME()
) WITH (
  'connector' = 'kafka', 'topic' = 'nexmark-bid', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'
);

CREATE TABLE nexmark_q12 (
  bidder    BIGINT,
  bid_count BIGINT,
  starttime TIMESTAMP(3),
  endtime   TIMESTAMP(3)
) WITH ('connector' = 'kafka', 'topic' = 'nexmark-q12', 'format' = 'json');

INSERT INTO nexmark_q12
SELECT bidder, COUNT(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE(TABLE bid_by_the_clock, DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
