-- Who of three states sells something of category 10: a join that keeps both sides for good.

CREATE TABLE nexmark_q3 (
  name  STRING,
  city  STRING,
  state STRING,
  id    BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'nexmark-q3', 'format' = 'json');

INSERT INTO nexmark_q3
SELECT P.name, P.city, P.state, A.id
FROM auction AS A
JOIN person AS P ON A.seller = P.id
WHERE A.category = 10 AND (P.state = 'OR' OR P.state = 'ID' OR P.state = 'CA');
