-- The three streams of Nexmark: people register, put up auctions, and bid. Of 50 events one is a person, three are auctions, 46 are bids.
--
-- What follows in q*.sql is one query each, after Nexmark's numbers (github.com/nexmark/nexmark says what each asks); the same text runs in
-- Forebay and, with 'properties.bootstrap.servers', in Apache Flink. Every table ends where its topic ends when the query starts.

CREATE TABLE person (
  id             BIGINT,
  name           STRING,
  `emailAddress` STRING,
  `creditCard`   STRING,
  city           STRING,
  state          STRING,
  `dateTime`     TIMESTAMP(3),
  extra          STRING,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'nexmark-person', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'
);

CREATE TABLE auction (
  id           BIGINT,
  `itemName`   STRING,
  description  STRING,
  `initialBid` BIGINT,
  reserve      BIGINT,
  `dateTime`   TIMESTAMP(3),
  expires      TIMESTAMP(3),
  seller       BIGINT,
  category     BIGINT,
  extra        STRING,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'nexmark-auction', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'
);

CREATE TABLE bid (
  auction    BIGINT,
  bidder     BIGINT,
  price      BIGINT,
  channel    STRING,
  url        STRING,
  `dateTime` TIMESTAMP(3),
  extra      STRING,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'nexmark-bid', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'
);
