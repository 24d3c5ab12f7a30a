//! The reference page of the language, `docs/reference/sql.md`, made from the tables of functions and from what stands here.

use std::fmt::Write;

use super::functions::{Family, rows};
use super::missing::MISSING;

/// What stands above the functions.
const STATEMENTS: &str = "\
# SQL

Made from `processor/src/sql/functions.rs` and `missing.rs`, the tables of `processor/src/expr/library` and `processor/src/sql/reference.rs`; change them
there, then run `FOREBAY_REWRITE=1 cargo test -p forebay-processor --lib reference`.

The language is that of Apache Flink 2.2, and what is here has Flink's semantics: the corpus in `processor/tests/corpus` holds rows that Flink
put out for the same statements. What is not here is refused with its line and column; nothing is passed over.

## Statements

| Statement | Here | Not here |
|---|---|---|
| `CREATE TABLE` | physical, computed and metadata columns (`topic`, `partition`, `offset`, `leader-epoch`, `timestamp-type`, and to be written too `timestamp` and `headers`), `PROCTIME()` as a column, `WATERMARK FOR`, `LIKE` with its rules, connector `kafka`, and `upsert-kafka` with `PRIMARY KEY`, written and read (a record replaces the row of its key, a tombstone removes it), formats `json`, `csv` and `raw` for values and keys (`key.fields`, `key.fields-prefix`, `value.fields-include`) | a key that is read although it is in the value too, other charsets than UTF-8, `AS SELECT` |
| `CREATE VIEW` | with or without names of columns | |
| `INSERT INTO` | a query, with or without names of columns; several in one job | |
| `EXECUTE STATEMENT SET BEGIN .. END` | several `INSERT INTO` | one read for all of them |
| `DROP TABLE`, `DROP VIEW` | `IF EXISTS`; a table's topic stays | |
| `SET 'key' = 'value'` | the keys of [jobs.md](jobs.md) | time zones other than UTC |

For people, in [`forebay sql`](../guides/sql-shell.md) and `POST /v1/sql`, beside those above:

| Statement | Here |
|---|---|
| `SELECT`, `WITH` | a query by itself, with `LIMIT n`: its rows, live |
| `EXPLAIN` | the plan of a query, an `INSERT INTO` or a statement set: what is read, kept, for how long, and written |
| `DESCRIBE`, `DESC`, `SHOW COLUMNS FROM` | a table's or view's columns |
| `SHOW` | `TABLES`, `VIEWS`, `FUNCTIONS`, `JOBS`, `TOPICS`, `CREATE TABLE name`, `STATE OF JOB name [WHERE KEY = 'text']` |
| `CREATE TABLE name WITH (..)` | without columns: they are proposed from the topic's records |

## Queries

Here: `SELECT [DISTINCT]` with `WHERE`, `GROUP BY` over windows, and without them into a table of `upsert-kafka` (also of rows that change: groups of groups), `HAVING`, `WITH`, subqueries and views in `FROM`; `UNION ALL`, and `UNION` into a table of `upsert-kafka`; windows in `GROUP BY` as they were written before windowing functions (`TUMBLE(ts, ..)`, `HOP`, `SESSION`, with `TUMBLE_START` and its like); `GROUPING SETS`, `ROLLUP` and `CUBE` in the
outermost query of an `INSERT INTO` (each part of these, and of a `UNION ALL` there, reads its topic by itself); `TUMBLE`, `HOP`, `CUMULATE` and `SESSION`, with `TABLE(..)`
or without, also over the results of windows, and without aggregation; the first rows of each key (Top-N), up to rank 10,000:
`ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..)` in a query around which `WHERE` bounds it, or in one whose `QUALIFY` does. With `window_start` and
`window_end` in PARTITION BY they come when the window closes; without them they change with rows, and go into a table of `upsert-kafka`. Where the one
first or last row by event time or `PROCTIME()` is asked for, it is a deduplication: the first row is only put in (by event time when the watermark has
passed it; rows before the watermark are late), the last one changes. `RANK` and `DENSE_RANK` are refused, as in Flink.

Aggregates, `ROW_NUMBER()` without a bound and `LAG` with `OVER (PARTITION BY .. ORDER BY ts)`, or with the name of a `WINDOW`: by event time or
`PROCTIME()`, over `ROWS` or `RANGE` from `n`, an `INTERVAL` or `UNBOUNDED` `PRECEDING` to `CURRENT ROW`; all of a query over the same rows. By event time
a row comes out when the watermark has passed it, and rows before the watermark are late. `LEAD`, and what reaches beyond the row, is refused, as in Flink.

A table of `upsert-kafka` whose `PRIMARY KEY` several rows of the query may have keeps these rows, and the last one that was not taken back counts
(`SET 'table.exec.sink.upsert-materialize'`: `AUTO`, `NONE`, `FORCE`).

Joins are of rows of the same windows (`INNER`, `LEFT`, `RIGHT`, `FULL`, `IN`, `EXISTS` and their negations) and of rows near to each other in
time (`l.ts BETWEEN r.ts - INTERVAL .. AND r.ts + INTERVAL ..`; `INNER`, `LEFT`, `RIGHT`, `FULL`). Without a bound in time a join is of all rows of both sides, also
of rows that change (`INNER`, `LEFT`, `RIGHT`, `FULL`, `IN`, `EXISTS` and their negations): each row is kept until it is taken back or `table.exec.state.ttl`
is over; what may change goes into a table of `upsert-kafka` or into `GROUP BY`. `[LEFT] JOIN t FOR SYSTEM_TIME AS OF o.ts ON o.id = t.id` finds the row that a table of `upsert-kafka` with a
`WATERMARK` had for its whole `PRIMARY KEY` at the time of the left row, which waits until the watermark of both sides has come to that time; a tombstone removes the version before it, with that
version's time, as in Flink. A row whose keys take more than 30,000 bytes is a bad record. A query of several tables runs as one task.

`CROSS JOIN UNNEST(array, map or multiset) [WITH ORDINALITY] AS u (x, ..)` and `LEFT JOIN UNNEST(..) .. ON TRUE` make a row of each element, an array's
rows being spread into columns; also of rows that change.

Not here: `FOR SYSTEM_TIME AS OF` a processing time (nor in Flink with `upsert-kafka`), a view or a query as a table of versions, `USING`, other set operations, `ORDER BY`, `LIMIT`,
`MATCH_RECOGNIZE`, other subqueries in expressions.

## Types

BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), CHAR(n), VARCHAR(n), STRING, BINARY(n), VARBINARY(n), BYTES, DATE, TIME,
TIMESTAMP(p), TIMESTAMP_LTZ(p), intervals; ARRAY<t>, MAP<k, v>, MULTISET<t> and ROW<name t, ..>, up to 32 deep. Not here: RAW, VARIANT.

`row.field`, `array[n]` (from 1) and `map[key]` look into values, of a NULL and where nothing is they give NULL. Values that are made of
others are read from and written to JSON (a map's keys are STRING there), compared with `=` and `<>`, grouped by, cast to each other part by part
and to STRING. NOT NULL inside of a type is read and not enforced; formats `csv` and `raw` have no form for them.

## Operators

`+ - * / %`, `||`, `= <> < <= > >=`, `AND OR NOT`, `IS [NOT] NULL | TRUE | FALSE | UNKNOWN`, `IS [NOT] DISTINCT FROM`, `[NOT] BETWEEN`, `[NOT] IN (..)`,
`[NOT] LIKE .. [ESCAPE ..]`, `[NOT] SIMILAR TO .. [ESCAPE ..]`, `IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]`, `CASE`. A time plus or minus an
interval. Integers wrap around, division of integers truncates, DECIMAL is exact with Flink's precision and scale and NULL beyond 38 digits.

## Functions

NULL gives NULL unless said otherwise. Characters are those of Unicode. DOUBLE functions are computed by the system's library: the last bit may be
other than Java's. Regular expressions have no look-around, back references, possessive quantifiers or classes of Unicode (`\\p{..}`), and take
linear time. Time zones are those of the IANA, compiled in. Where Flink 2.2.1 is wrong, it is not followed: before 1970 its EXTRACT and FLOOR of a
TIMESTAMP round towards 1970, CEIL TO WEEK of a Sunday's afternoon is that Sunday, and CEIL TO DECADE of a decade's first moment is the next decade. A FLOAT\nis written with the fewest digits that tell it from its neighbours (Java 19; Flink's Java 17 sometimes writes more).
";

/// The families of functions, in the order of the page.
pub(super) const FAMILIES: &[Family] = &[
    Family::Aggregate,
    Family::Condition,
    Family::Cast,
    Family::Text,
    Family::Regex,
    Family::Encoding,
    Family::Hash,
    Family::Number,
    Family::Time,
    Family::Collection,
    Family::Json,
];

/// The reference page of the language, in Markdown: `docs/reference/sql.md`.
#[must_use]
pub fn page() -> String {
    let mut page = STATEMENTS.to_owned();
    for family in FAMILIES {
        let _ = write!(page, "\n### {}\n\n| Function | Result | |\n|---|---|---|\n", family.title());
        for (form, result, about) in rows(*family) {
            let _ = writeln!(page, "| `{}` | {result} | {} |", form.replace('|', "\\|"), about.replace('|', "\\|"));
        }
    }
    page.push_str("\n## Functions of Flink that are not here\n\n");
    for (why, names) in MISSING {
        let _ = writeln!(page, "- {} ({why})", names.join(", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::super::functions::{self, BOUND};
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/sql.md");

    #[test]
    fn the_page_is_up_to_date() {
        if std::env::var_os("FOREBAY_REWRITE").is_some() {
            std::fs::write(PAGE, page()).unwrap();
        }
        let found = std::fs::read_to_string(PAGE).unwrap_or_default();
        let stale = found.lines().zip(page().lines().map(str::to_owned)).find(|(old, new)| old != new);
        assert!(
            found == page(),
            "docs/reference/sql.md is stale at {stale:?}; run FOREBAY_REWRITE=1 cargo test -p forebay-processor --lib reference"
        );
    }

    #[test]
    fn what_is_listed_as_missing_is_not_there() {
        for name in MISSING.iter().flat_map(|(_, names)| *names).filter(|name| **name != "UNIX_TIMESTAMP") {
            assert!(functions::form(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_aggregate_function_is_listed() {
        let aggregates = super::super::bind::aggregate::NAMES;
        let listed =
            |name: &str| BOUND.iter().any(|bound| bound.family == Family::Aggregate && bound.names.contains(&name));
        assert!(aggregates.iter().all(|name| listed(name)), "{aggregates:?}");
    }

    #[test]
    fn no_name_is_there_twice() {
        let mut names: Vec<&str> = functions::names().collect();
        names.sort();
        let twice: Vec<&str> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        assert_eq!(twice, ["CEIL", "FLOOR"], "of numbers and of times");
        assert!(BOUND.iter().all(|bound| bound.form.contains(bound.names[0])));
    }
}
