-- The bids for what is of category 10, with their auctions: a join that keeps both sides for good.

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
) WITH ('connector' = 'kafka', 'topic' = 'nexmark-q20', 'format' = 'json');

INSERT INTO nexmark_q20
SELECT
  B.auction, B.bidder, B.price, B.channel, B.url, B.`dateTime`,
  A.`itemName`, A.description, A.`initialBid`, A.reserve, A.`dateTime`, A.expires, A.seller, A.category
FROM bid AS B
JOIN auction AS A ON B.auction = A.id
WHERE A.category = 10;
