-- Bids with what a table said of their auctions then (Nexmark q13)
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
CREATE TABLE side_input (
  `key`      BIGINT NOT NULL,
  `value`    STRING,
  `dateTime` TIMESTAMP(3),
  WATERMARK FOR `dateTime` AS `dateTime`,
  PRIMARY KEY (`key`) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'nexmark-side', 'key.format' = 'json', 'value.format' = 'json',
  'scan.bounded.mode' = 'latest-offset'
);

CREATE TABLE nexmark_q13 (
  auction    BIGINT,
  bidder     BIGINT,
  price      BIGINT,
  `dateTime` TIMESTAMP(3),
  `value`    STRING
) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');

INSERT INTO nexmark_q13
SELECT B.auction, B.bidder, B.price, B.`dateTime`, S.`value`
FROM (SELECT *, MOD(auction, 10000) AS part FROM bid) AS B
JOIN side_input FOR SYSTEM_TIME AS OF B.`dateTime` AS S ON B.part = S.`key`;
