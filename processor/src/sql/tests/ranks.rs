//! ROW_NUMBER: what it is planned into, and its mistakes.

use super::*;

const TUMBLE: &str = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))";

/// The plan's line of the ranks, for rows of `t` in windows ordered by `order` under `condition`.
fn line(order: &str, condition: &str) -> String {
    let plan = over_tables(&format!(
        "INSERT INTO o SELECT u, rk FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, u ORDER BY {order}) AS rk
           FROM {TUMBLE}) WHERE {condition}"
    ));
    let text = plan.unwrap_or_else(|error| panic!("{error}")).explain();
    let line = text.lines().find(|line| line.starts_with("  window ")).unwrap_or_else(|| panic!("{text}"));
    line.split_once(": ").unwrap().1.to_owned()
}

/// Only what later steps need is kept of a row.
#[test]
fn first_rows() {
    assert_eq!(line("n DESC", "rk <= 3"), "the first 3 rows by n DESC ()");
    assert_eq!(line("n, d DESC NULLS FIRST", "rk < 3 AND i > 2"), "the first 2 rows by n, d DESC NULLS FIRST (i)");
    assert_eq!(line("n + 1 ASC NULLS LAST", "rk = 2"), "the rows 2 to 2 by (n + 1) NULLS LAST ()");
    assert_eq!(line("n", "5 > rk AND 2 <= rk AND rk BETWEEN 1 AND 9"), "the rows 2 to 4 by n ()");
}

/// Flink makes a deduplication of it only where one row by event time is asked for.
#[test]
fn the_last_row_by_time_is_the_one_that_came_last() {
    assert_eq!(line("ts DESC", "rk = 1"), "the first row by ts DESC, the latest of equal ones ()");
    assert_eq!(line("window_time DESC", "rk <= 1").split_once(", ").unwrap().1, "the latest of equal ones ()");
    for (order, condition) in
        [("ts DESC", "rk <= 2"), ("ts", "rk = 1"), ("`at` DESC", "rk = 1"), ("ts DESC, n", "rk = 1")]
    {
        assert!(!line(order, condition).contains("latest"), "{order}, {condition}");
    }
}

const FORM: &str = "write SELECT .. FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC) AS rownum FROM ..) WHERE rownum <= 3";

#[test]
fn ranks_have_a_bound_and_a_window() {
    let over = "OVER (PARTITION BY window_start, window_end ORDER BY n) AS rk";
    let cases = [
        (
            format!("INSERT INTO o SELECT u, «ROW_NUMBER»() {over} FROM {TUMBLE}"),
            "ROW_NUMBER needs a condition on it in the query around it: without one all rows would be kept",
        ),
        (
            format!("INSERT INTO o SELECT u, n FROM (SELECT *, «ROW_NUMBER»() {over} FROM {TUMBLE}) WHERE rk > 3"),
            "ROW_NUMBER needs a condition on it in the query around it: without one all rows would be kept",
        ),
        (
            format!("INSERT INTO o SELECT u, COUNT(*) FROM (SELECT *, «ROW_NUMBER»() {over} FROM {TUMBLE}) GROUP BY u"),
            "ROW_NUMBER needs a condition on it in the query around it: without one all rows would be kept",
        ),
        (
            format!("INSERT INTO o SELECT u, n FROM (SELECT *, ROW_NUMBER() {over} FROM {TUMBLE}) WHERE «rk» <> 3"),
            "the rank is compared with a constant number, by <=, <, =, >=, > or BETWEEN",
        ),
        (
            format!("INSERT INTO o SELECT u, n FROM (SELECT *, ROW_NUMBER() {over} FROM {TUMBLE}) WHERE «rk» <= n"),
            "the rank is compared with a constant number, by <=, <, =, >=, > or BETWEEN",
        ),
        (
            format!(
                "INSERT INTO o SELECT u, n FROM (SELECT *, «ROW_NUMBER»() OVER (PARTITION BY window_start, window_end) AS rk FROM {TUMBLE}) WHERE rk = 1"
            ),
            "ROW_NUMBER needs an ORDER BY",
        ),
    ];
    for (marked, message) in cases {
        let error = mistake_over_tables(&marked);
        assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(FORM)), "{error}");
    }
    for (condition, message) in [
        ("«rk» <= 10001", "rows are kept up to rank 10000, not 10001"),
        ("«rk» > 3 AND rk < 2", "no rank fits this condition"),
    ] {
        let error = mistake_over_tables(&format!(
            "INSERT INTO o SELECT u, n FROM (SELECT *, ROW_NUMBER() {over} FROM {TUMBLE}) WHERE {condition}"
        ));
        assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, None), "{error}");
    }
}

/// QUALIFY does in one query what WHERE does around another.
#[test]
fn qualify_bounds_the_rank_too() {
    let over = "OVER (PARTITION BY window_start, window_end, u ORDER BY n DESC)";
    let explained = |query: &str| over_tables(query).unwrap_or_else(|error| panic!("{error}")).explain();
    let around = explained(&format!(
        "INSERT INTO o SELECT u, rk FROM (SELECT *, ROW_NUMBER() {over} AS rk FROM {TUMBLE}) WHERE rk <= 3 AND i > 2"
    ));
    for query in [
        format!("INSERT INTO o SELECT u, ROW_NUMBER() {over} AS rk FROM {TUMBLE} QUALIFY rk <= 3 AND i > 2"),
        format!(
            "INSERT INTO o SELECT u, ROW_NUMBER() {over} FROM {TUMBLE} QUALIFY (ROW_NUMBER() {over} <= 3) AND i > 2"
        ),
    ] {
        assert_eq!(explained(&query), around);
    }
    for (query, message) in [
        (
            format!("INSERT INTO o SELECT u, n FROM {TUMBLE} QUALIFY «n» > 3"),
            "QUALIFY is a condition on ROW_NUMBER() OVER (..)",
        ),
        (
            format!(
                "INSERT INTO o SELECT u, COUNT(*) FROM {TUMBLE} GROUP BY u, window_start, window_end QUALIFY «ROW_NUMBER»() {over} = 1"
            ),
            "QUALIFY beside GROUP BY is not supported yet",
        ),
    ] {
        assert_eq!(mistake_over_tables(&query).message, message);
    }
}

/// What ranks the rows of `from` by `over` is planned into, from its line of EXPLAIN on; they go into a table that takes changes.
fn step(over: &str, from: &str, condition: &str) -> String {
    let plan = over_tables(&format!(
        "CREATE TABLE up (u STRING, rk BIGINT, PRIMARY KEY (u) NOT ENFORCED)
           WITH ('connector' = 'upsert-kafka', 'topic' = 'up', 'key.format' = 'json', 'value.format' = 'json');
         CREATE TABLE clocked (u STRING, n BIGINT, pt AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
         INSERT INTO up SELECT u, rk FROM (SELECT *, ROW_NUMBER() OVER ({over}) AS rk FROM {from}) WHERE {condition}"
    ));
    let text = plan.unwrap_or_else(|error| panic!("{error}")).explain();
    let is_step = |line: &&str| line.starts_with("  dedup ") || line.starts_with("  rank ");
    text.lines().find(is_step).unwrap_or_else(|| panic!("{text}")).trim().to_owned()
}

/// Flink: `RankUtil.canConvertToDeduplicate`.
#[test]
fn one_row_by_time_is_a_deduplication_and_the_rest_a_rank() {
    for (over, from, condition, expected) in [
        ("PARTITION BY u ORDER BY ts", "t", "rk = 1", "dedup      by u: the first row by ts (u); kept for ever"),
        ("PARTITION BY u ORDER BY ts DESC", "t", "rk <= 1", "dedup      by u: the last row by ts (u); kept for ever"),
        (
            "PARTITION BY u ORDER BY pt",
            "clocked",
            "rk = 1",
            "dedup      by u: the first row by when it comes (u); kept for ever",
        ),
        (
            "PARTITION BY u ORDER BY pt DESC",
            "clocked",
            "rk < 2",
            "dedup      by u: the last row by when it comes (u); kept for ever",
        ),
        (
            "PARTITION BY u ORDER BY ts DESC, n",
            "t",
            "rk = 1",
            "rank       by u: the first row by ts DESC, n (); kept for ever",
        ),
        ("PARTITION BY u ORDER BY ts", "t", "rk <= 2", "rank       by u: the first 2 rows by ts (); kept for ever"),
        (
            "PARTITION BY u, 'x' ORDER BY n",
            "t",
            "rk = 1 AND i > 2",
            "rank       by u: the first row by n (i); kept for ever",
        ),
        (
            "ORDER BY n DESC",
            "(SELECT u, COUNT(*) AS n FROM t GROUP BY u)",
            "rk <= 3",
            "rank       all rows: the first 3 rows by COUNT(*) DESC (u), of rows that change; kept for ever",
        ),
        // A window that is not whole is a key like others.
        ("PARTITION BY u, window_end ORDER BY n", TUMBLE, "rk <= 3", ""),
    ] {
        let found = step(over, from, condition);
        assert!(
            found == expected || (over.contains("window_end") && found.starts_with("rank       by u, ")),
            "{found}"
        );
    }
}

#[test]
fn what_is_ranked_without_a_window_changes() {
    let ranked = |over: &str, condition: &str| {
        format!(
            "INSERT INTO o SELECT u, n FROM (SELECT *, «ROW_NUMBER»() OVER ({over}) AS rk FROM t) WHERE {condition}"
        )
    };
    let upsert = "write into a table with 'connector' = 'upsert-kafka' and a PRIMARY KEY (..) NOT ENFORCED";
    for (query, what) in [
        (ranked("PARTITION BY u ORDER BY n", "rk = 1"), "ROW_NUMBER without a whole window"),
        (ranked("PARTITION BY u ORDER BY ts DESC", "rk = 1"), "a deduplication that keeps the last row"),
    ] {
        let error = mistake_over_tables(&query);
        let message = format!(
            "table sink o doesn't support consuming update and delete changes, which are made by {what}: rows are only appended to its topic"
        );
        assert_eq!((error.message, error.hint.as_deref()), (message, Some(upsert)));
    }
    let plan = over_tables(&ranked("PARTITION BY u ORDER BY ts", "rk = 1").replace(['«', '»'], "")).unwrap();
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("'table.exec.state.ttl'"));
    for name in ["RANK", "DENSE_RANK"] {
        let query = format!(
            "INSERT INTO o SELECT u, n FROM (SELECT *, «{name}»() OVER (PARTITION BY u ORDER BY n) AS rk FROM t) WHERE rk = 1"
        );
        assert_eq!(mistake_over_tables(&query).message, format!("{name} is not supported over a stream, as in Flink"));
    }
}
