-- The ten highest bids of each auction.

CREATE TABLE nexmark_q19 (
  auction    BIGINT NOT NULL,
  bidder     BIGINT NOT NULL,
  price      BIGINT,
  channel    STRING,
  url        STRING,
  `dateTime` TIMESTAMP(3),
  extra      STRING,
  rank_number BIGINT NOT NULL,
  PRIMARY KEY (auction, rank_number) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'nexmark-q19', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO nexmark_q19
SELECT auction, bidder, price, channel, url, `dateTime`, extra, rank_number
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS rank_number FROM bid)
WHERE rank_number <= 10;
