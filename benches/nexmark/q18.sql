-- The last bid of each bidder for each auction.

CREATE TABLE nexmark_q18 (
  auction    BIGINT NOT NULL,
  bidder     BIGINT NOT NULL,
  price      BIGINT,
  channel    STRING,
  url        STRING,
  `dateTime` TIMESTAMP(3),
  extra      STRING,
  PRIMARY KEY (bidder, auction) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'nexmark-q18', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO nexmark_q18
SELECT auction, bidder, price, channel, url, `dateTime`, extra
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY `dateTime` DESC) AS rank_number FROM bid)
WHERE rank_number <= 1;
