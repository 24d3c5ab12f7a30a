-- Each row with those before it, of the same table
CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE o (k STRING, n BIGINT, before BIGINT, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT a.k, a.n, b.n, a.ts FROM l AS a JOIN l AS b ON a.k = b.k AND b.ts >= a.ts - INTERVAL '2' SECOND AND b.ts < a.ts;
