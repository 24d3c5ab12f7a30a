-- Visits to a shop: a visit ends when its visitor has done nothing for half an hour. How long it was, and whether it was worth it.

CREATE TABLE shop_events (
  visitor STRING,
  event   STRING,
  price   DECIMAL(10, 2),
  seen_at BIGINT,
  ts AS TO_TIMESTAMP_LTZ(seen_at, 3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'shop-events',
  'properties.group.id' = 'shop-sessions',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE visits (
  visitor   STRING,
  began     TIMESTAMP(3),
  ended     TIMESTAMP(3),
  events    BIGINT,
  pages     BIGINT,
  purchases BIGINT,
  revenue   DECIMAL(38, 2)
) WITH (
  'connector' = 'kafka',
  'topic' = 'visits',
  'format' = 'json'
);

-- `ended` is half an hour after the last event.
INSERT INTO visits
SELECT
  visitor,
  window_start                                    AS began,
  window_end                                      AS ended,
  COUNT(*)                                        AS events,
  COUNT(*) FILTER (WHERE event = 'view')          AS pages,
  COUNT(*) FILTER (WHERE event = 'purchase')      AS purchases,
  SUM(price) FILTER (WHERE event = 'purchase')    AS revenue
FROM TABLE(SESSION(TABLE shop_events PARTITION BY visitor, DESCRIPTOR(ts), INTERVAL '30' MINUTE))
GROUP BY visitor, window_start, window_end;
