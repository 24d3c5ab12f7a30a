//! Jobs over a few rows, and what Apache Flink 2.2.1 made of the same rows and the same query, as recorded from a run of it.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use forebay_processor::job::{Task, TaskOptions};
use forebay_processor::sql::{PlanContext, plan_job};
use support::host::MemoryHost;
use support::run_and_finish;

/// User, number and second of the day; the watermark's delay of 4 s is larger than the disorder, so no row is late in Flink,
/// whenever that looks at its watermark.
const ROWS: [(&str, &str, &str); 9] = [
    ("\"a\"", "1", "01.000"),
    ("\"a\"", "3", "04.000"),
    ("\"b\"", "3", "03.500"),
    ("\"a\"", "3", "11.000"),
    ("null", "null", "12.000"),
    ("\"a\"", "-2", "10.000"),
    ("\"b\"", "4", "40.000"),
    ("\"b\"", "4", "44.999"),
    ("\"b\"", "5", "45.000"),
];

/// User, start and end of the window, aggregates.
type Row<const N: usize> = (&'static str, &'static str, &'static str, [&'static str; N]);

const DISTINCT: &str = "COUNT(*), SUM(n), COUNT(DISTINCT n), SUM(DISTINCT n), AVG(DISTINCT n), COUNT(DISTINCT n) FILTER (WHERE MOD(n, 2) = 0)";

/// Flink cannot plan SUM(DISTINCT n) over HOP: "This function does not support retraction".
const PLAIN: &str = "COUNT(*), SUM(n), MIN(n), COUNT(n) FILTER (WHERE MOD(n, 2) = 0)";

fn job(windows: &str, calls: &str, count: usize) -> String {
    let columns: Vec<String> = (0..count).map(|at| format!("c{at} BIGINT")).collect();
    format!(
        "CREATE TABLE t (u STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
           WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
         CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), {})
           WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         INSERT INTO o SELECT u, window_start, window_end, {calls} FROM TABLE({windows}) GROUP BY u, window_start, window_end, window_time;",
        columns.join(", ")
    )
}

#[track_caller]
fn check<const N: usize>(windows: &str, calls: &str, expected: &[Row<N>]) {
    let host = MemoryHost::new();
    host.create_topic("t", 1);
    host.create_topic("o", 1);
    let json = |(user, n, second): (&str, &str, &str)| {
        Some(format!(r#"{{"u":{user},"n":{n},"ts":"1970-01-01 00:00:{second}"}}"#))
    };
    host.produce("t", 0, &ROWS.map(json));
    // Flink closes everything at the end of its input; a topic has none.
    host.produce("t", 0, &[Some(r#"{"u":"end","n":0,"ts":"1971-01-01 00:00:00"}"#)]);
    let plan = Arc::new(plan_job(&job(windows, calls, N), &PlanContext::NOWHERE).unwrap());
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    run_and_finish(&mut task, &host).unwrap();
    let mut found: Vec<String> = host.consume("o").into_iter().flatten().collect();
    let row = |(user, start, end, columns): &Row<N>| {
        let columns: Vec<String> =
            columns.iter().enumerate().map(|(at, value)| format!(r#""c{at}":{value}"#)).collect();
        let user = if *user == "null" { "null".to_owned() } else { format!("\"{user}\"") };
        format!(r#"{{"u":{user},"s":"{start}","e":"{end}",{}}}"#, columns.join(","))
    };
    let mut expected: Vec<String> = expected.iter().map(row).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn tumble() {
    let (before, seven) = ("1969-12-31 23:59:57", "1970-01-01 00:00:07");
    check(
        "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '-3' SECOND)",
        DISTINCT,
        &[
            ("a", before, seven, ["2", "4", "2", "4", "2", "0"]),
            ("b", before, seven, ["1", "3", "1", "3", "3", "0"]),
            ("a", seven, "1970-01-01 00:00:17", ["2", "1", "2", "1", "0", "1"]),
            ("null", seven, "1970-01-01 00:00:17", ["1", "null", "0", "null", "null", "0"]),
            ("b", "1970-01-01 00:00:37", "1970-01-01 00:00:47", ["3", "13", "2", "9", "4", "1"]),
        ],
    );
}

#[test]
fn cumulate() {
    let (before, six, later) = ("1969-12-31 23:59:51", "1970-01-01 00:00:06", "1970-01-01 00:00:36");
    let (sixteen, twenty_one) = ("1970-01-01 00:00:16", "1970-01-01 00:00:21");
    check(
        "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND, INTERVAL '21' SECOND)",
        DISTINCT,
        &[
            ("a", before, six, ["2", "4", "2", "4", "2", "0"]),
            ("b", before, six, ["1", "3", "1", "3", "3", "0"]),
            ("a", six, "1970-01-01 00:00:11", ["1", "-2", "1", "-2", "-2", "1"]),
            ("null", six, sixteen, ["1", "null", "0", "null", "null", "0"]),
            ("a", six, sixteen, ["2", "1", "2", "1", "0", "1"]),
            ("null", six, twenty_one, ["1", "null", "0", "null", "null", "0"]),
            ("a", six, twenty_one, ["2", "1", "2", "1", "0", "1"]),
            ("b", later, "1970-01-01 00:00:41", ["1", "4", "1", "4", "4", "1"]),
            ("b", later, "1970-01-01 00:00:46", ["3", "13", "2", "9", "4", "1"]),
            ("b", later, "1970-01-01 00:00:51", ["3", "13", "2", "9", "4", "1"]),
        ],
    );
}

#[test]
fn hop() {
    check(
        "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND, INTERVAL '-3' SECOND)",
        PLAIN,
        &[
            ("a", "1969-12-31 23:59:52", "1970-01-01 00:00:02", ["1", "1", "1", "0"]),
            ("a", "1969-12-31 23:59:57", "1970-01-01 00:00:07", ["2", "4", "1", "0"]),
            ("b", "1969-12-31 23:59:57", "1970-01-01 00:00:07", ["1", "3", "3", "0"]),
            ("a", "1970-01-01 00:00:02", "1970-01-01 00:00:12", ["3", "4", "-2", "1"]),
            ("b", "1970-01-01 00:00:02", "1970-01-01 00:00:12", ["1", "3", "3", "0"]),
            ("a", "1970-01-01 00:00:07", "1970-01-01 00:00:17", ["2", "1", "-2", "1"]),
            ("null", "1970-01-01 00:00:07", "1970-01-01 00:00:17", ["1", "null", "null", "0"]),
            ("null", "1970-01-01 00:00:12", "1970-01-01 00:00:22", ["1", "null", "null", "0"]),
            ("b", "1970-01-01 00:00:32", "1970-01-01 00:00:42", ["1", "4", "4", "1"]),
            ("b", "1970-01-01 00:00:37", "1970-01-01 00:00:47", ["3", "13", "4", "2"]),
            ("b", "1970-01-01 00:00:42", "1970-01-01 00:00:52", ["2", "9", "4", "1"]),
        ],
    );
}

#[test]
fn hop_with_an_offset_beyond_its_size() {
    check(
        "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND, INTERVAL '-16' SECOND)",
        PLAIN,
        &[
            ("a", "1969-12-31 23:59:54", "1970-01-01 00:00:04", ["1", "1", "1", "0"]),
            ("b", "1969-12-31 23:59:54", "1970-01-01 00:00:04", ["1", "3", "3", "0"]),
            ("a", "1969-12-31 23:59:59", "1970-01-01 00:00:09", ["2", "4", "1", "0"]),
            ("b", "1969-12-31 23:59:59", "1970-01-01 00:00:09", ["1", "3", "3", "0"]),
            ("null", "1970-01-01 00:00:04", "1970-01-01 00:00:14", ["1", "null", "null", "0"]),
            ("a", "1970-01-01 00:00:04", "1970-01-01 00:00:14", ["3", "4", "-2", "1"]),
            ("null", "1970-01-01 00:00:09", "1970-01-01 00:00:19", ["1", "null", "null", "0"]),
            ("a", "1970-01-01 00:00:09", "1970-01-01 00:00:19", ["2", "1", "-2", "1"]),
            ("b", "1970-01-01 00:00:34", "1970-01-01 00:00:44", ["1", "4", "4", "1"]),
            ("b", "1970-01-01 00:00:39", "1970-01-01 00:00:49", ["3", "13", "4", "2"]),
            ("b", "1970-01-01 00:00:44", "1970-01-01 00:00:54", ["2", "9", "4", "1"]),
        ],
    );
}
