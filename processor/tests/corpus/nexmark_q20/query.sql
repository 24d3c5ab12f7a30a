-- Bids with their auctions (Nexmark q20)
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
CREATE TABLE nexmark_q20 (
  auction      BIGINT,
  bidder       BIGINT,
  price        BIGINT,
  channel      STRING,
  url          STRING,
  `bidTime`    TIMESTAMP(3),
  `itemName`   STRING,
  description  STRING,
  `initialBid` BIGINT,
  reserve      BIGINT,
  `startTime`  TIMESTAMP(3),
  expires      TIMESTAMP(3),
  seller       BIGINT,
  category     BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');

INSERT INTO nexmark_q20
SELECT
  B.auction, B.bidder, B.price, B.channel, B.url, B.`dateTime`,
  A.`itemName`, A.description, A.`initialBid`, A.reserve, A.`dateTime`, A.expires, A.seller, A.category
FROM bid AS B
JOIN auction AS A ON B.auction = A.id
WHERE A.category = 10;
