//! OVER: what it is planned into, and its mistakes.

use super::*;

/// The step that the calls of a query are planned into.
fn step(query: &str) -> String {
    let text = over_tables(query).unwrap_or_else(|error| panic!("{error}")).explain();
    text.lines().find(|line| line.starts_with("  over ")).unwrap_or_else(|| panic!("{text}")).trim().to_owned()
}

#[test]
fn frames() {
    for (over, expected) in [
        ("(PARTITION BY u ORDER BY ts)", "over       by u, each time and all before by ts: SUM(n) (u); kept for ever"),
        (
            "(ORDER BY ts ROWS 3 PRECEDING)",
            "over       all rows, each row and 3 before by ts: SUM(n) (u); kept for ever",
        ),
        (
            "(ORDER BY ts ROWS CURRENT ROW)",
            "over       all rows, each row and 0 before by ts: SUM(n) (u); kept for ever",
        ),
        (
            "(PARTITION BY u ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            "over       by u, each row and all before by ts: SUM(n) (u); kept for ever",
        ),
        (
            "(PARTITION BY u, 'x' ORDER BY ts RANGE BETWEEN INTERVAL '90' SECOND PRECEDING AND CURRENT ROW)",
            "over       by u, each time and 90 s before by ts: SUM(n) (u); kept as long",
        ),
    ] {
        assert_eq!(step(&format!("INSERT INTO o SELECT u, SUM(n) OVER {over} FROM t")), expected);
        assert_eq!(step(&format!("INSERT INTO o SELECT u, SUM(n) OVER w FROM t WINDOW w AS {over}")), expected);
    }
    assert_eq!(
        step("INSERT INTO o SELECT u, n - LAG(n, 2, 0) OVER (PARTITION BY u ORDER BY ts) FROM t"),
        "over       by u, each time and all before by ts: LAG(n, 2) (u, n); kept for ever"
    );
    assert_eq!(
        step("INSERT INTO o SELECT u, ROW_NUMBER() OVER (PARTITION BY u ORDER BY ts) FROM t"),
        "over       by u, each row and all before by ts: COUNT(*) (u); kept for ever"
    );
}

#[test]
fn what_a_stream_has_no_frame_for() {
    for (select, message) in [
        (
            "u, «SUM»(n) OVER (PARTITION BY u)",
            "OVER over a stream is ordered by one column, the event time or PROCTIME()",
        ),
        (
            "u, SUM(n) OVER (ORDER BY «n»)",
            "OVER windows' ordering in stream mode must be defined on a time attribute: the column of WATERMARK, or PROCTIME()",
        ),
        ("u, SUM(n) OVER (ORDER BY «ts» DESC)", "OVER over a stream is ordered in ascending order, as in Flink"),
        (
            "u, «SUM»(n) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
            "an OVER window over a stream ends with CURRENT ROW, as in Flink",
        ),
        (
            "u, SUM(n) OVER (ORDER BY ts ROWS «n» PRECEDING)",
            "there is no column n in the bound of a window, which is constant",
        ),
        (
            "u, SUM(n) OVER (ORDER BY ts RANGE «5» PRECEDING)",
            "RANGE reaches back by a constant INTERVAL of days to seconds",
        ),
        (
            "u, «LEAD»(n) OVER (ORDER BY ts)",
            "LEAD is not supported over a stream, as in Flink: the next row is yet to come",
        ),
        (
            "u, SUM(n) OVER (ORDER BY ts) - «COUNT»(*) OVER (PARTITION BY u ORDER BY ts)",
            "all OVER windows of a query must be the same, as in Flink: PARTITION BY, ORDER BY and the rows that count",
        ),
        ("u, LAG(n, «n») OVER (ORDER BY ts)", "LAG looks back by a constant number of rows, 0 to 10000"),
        ("u, SUM(n) OVER «v»", "there is no window v in the WINDOW clause"),
        ("u, «UPPER»(u) OVER (ORDER BY ts)", "UPPER is no aggregate function, so it takes no OVER"),
    ] {
        let window = if select.contains("«v»") { " WINDOW w AS (ORDER BY ts)" } else { "" };
        let error = mistake_over_tables(&format!("INSERT INTO o SELECT {select} FROM t{window}"));
        assert_eq!(error.message, message);
    }
    let changing = "(SELECT u, MAX(n) AS n, MAX(ts) AS ts FROM t GROUP BY u)";
    let error = mistake_over_tables(&format!("INSERT INTO o SELECT u, SUM(n) OVER (ORDER BY «ts») FROM {changing}"));
    assert!(error.message.contains("time attribute"), "{error}");
}
