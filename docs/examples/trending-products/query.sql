-- What sells: the three products of which most were sold in the last quarter of an hour, told every five minutes.

CREATE TABLE purchases (
  product  STRING,
  category STRING,
  quantity INT,
  price    DECIMAL(10, 2),
  sold_at  BIGINT,
  ts AS TO_TIMESTAMP_LTZ(sold_at, 3),
  WATERMARK FOR ts AS ts - INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'purchases',
  'properties.group.id' = 'trending-products',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE trending (
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  place        BIGINT,
  product      STRING,
  category     STRING,
  sold         BIGINT,
  revenue      DECIMAL(38, 2)
) WITH (
  'connector' = 'kafka',
  'topic' = 'trending',
  'format' = 'json'
);

CREATE VIEW sales AS
SELECT
  window_start,
  window_end,
  product,
  category,
  SUM(CAST(quantity AS BIGINT))  AS sold,
  SUM(quantity * price)          AS revenue
FROM TABLE(HOP(TABLE purchases, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '15' MINUTE))
GROUP BY window_start, window_end, product, category;

-- Of two that sold equally well the one that brought more comes first.
INSERT INTO trending
SELECT window_start, window_end, place, product, category, sold, revenue
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY sold DESC, revenue DESC, product) AS place
  FROM sales
)
WHERE place <= 3;
