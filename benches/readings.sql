-- The job without state whose latency benches/run --only engines measures: every reading passes.

CREATE TABLE readings (
  sensor  STRING,
  celsius DOUBLE
) WITH (
  'connector' = 'kafka',
  'topic' = 'readings',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE hot (
  sensor  STRING,
  celsius DOUBLE
) WITH (
  'connector' = 'kafka',
  'topic' = 'hot',
  'format' = 'json'
);

INSERT INTO hot SELECT sensor, celsius FROM readings WHERE celsius > 0;
