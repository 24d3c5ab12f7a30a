-- The first and the last values
CREATE TABLE t (id INT, k STRING, n BIGINT, i INT, d DOUBLE, x DECIMAL(10, 2), s STRING, ts TIMESTAMP(3))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
SELECT k, FIRST_VALUE(i) AS head, LAST_VALUE(i) AS tail, LISTAGG(s, '-') AS all_of_them FROM t GROUP BY k;
