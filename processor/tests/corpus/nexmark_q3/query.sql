-- Who of three states sells something of category 10 (Nexmark q3)
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
CREATE TABLE nexmark_q3 (
  name  STRING,
  city  STRING,
  state STRING,
  id    BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');

INSERT INTO nexmark_q3
SELECT P.name, P.city, P.state, A.id
FROM auction AS A
JOIN person AS P ON A.seller = P.id
WHERE A.category = 10 AND (P.state = 'OR' OR P.state = 'ID' OR P.state = 'CA');
