-- Orders with what was known of their customers when they were placed: a customer who moves, or is raised to another tier, changes none of
-- the orders of before.

CREATE TABLE orders (
  order_id    BIGINT,
  customer_id STRING,
  amount      DECIMAL(10, 2),
  placed_at   BIGINT,
  ts AS TO_TIMESTAMP_LTZ(placed_at, 3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.group.id' = 'orders-with-customers',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

-- A record replaces its customer's row from `updated_at` on; one without a value removes it.
CREATE TABLE customers (
  k          STRING,
  name       STRING,
  city       STRING,
  tier       STRING,
  updated_at BIGINT,
  ts AS TO_TIMESTAMP_LTZ(updated_at, 3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND,
  PRIMARY KEY (k) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'customers',
  'properties.group.id' = 'orders-with-customers',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE enriched (
  order_id  BIGINT,
  amount    DECIMAL(10, 2),
  placed_at TIMESTAMP_LTZ(3),
  customer  STRING,
  city      STRING,
  tier      STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'enriched',
  'format' = 'json'
);

-- An order of a customer nobody knows (yet) comes out too.
INSERT INTO enriched
SELECT o.order_id, o.amount, o.ts, c.name, c.city, COALESCE(c.tier, 'unknown')
FROM orders AS o
LEFT JOIN customers FOR SYSTEM_TIME AS OF o.ts AS c ON o.customer_id = c.k;
