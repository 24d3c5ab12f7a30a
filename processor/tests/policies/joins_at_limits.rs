//! Joins at their limits: rows exactly at the watermark, more rows at once than a commit takes, rows and keys of many bytes.

use std::sync::Arc;

use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::JobPlan;

use crate::support::host::MemoryHost;
use crate::support::plans::sql_time;
use crate::support::{run, run_and_finish};
use crate::try_plan;

/// Two topics whose watermarks are their rows' times, and a query over them.
fn plan(options: &str, query: &str) -> Arc<JobPlan> {
    let table = |name: &str| {
        format!(
            "CREATE TABLE {name} (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
               WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json'{options});"
        )
    };
    let text = format!(
        "{}{}CREATE TABLE o (k STRING, l BIGINT, r BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         INSERT INTO o {query};",
        table("l"),
        table("r")
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

/// A left row meets right ones of its own time and of up to 2 s after it.
const AHEAD: &str =
    "SELECT l.k, l.n, r.n FROM l LEFT JOIN r ON l.k = r.k AND r.ts BETWEEN l.ts AND l.ts + INTERVAL '2' SECOND";

/// Rows of the same 10 s.
fn in_windows(kind: &str) -> String {
    let rows =
        |table: &str| format!("(SELECT * FROM TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(ts), INTERVAL '10' SECOND)))");
    format!(
        "SELECT l.k, l.n, r.n FROM {} l {kind} JOIN {} r ON l.window_start = r.window_start AND l.window_end = r.window_end AND l.k = r.k",
        rows("l"),
        rows("r")
    )
}

fn host() -> MemoryHost {
    let host = MemoryHost::new();
    ["l", "r", "o"].iter().for_each(|topic| host.create_topic(topic, 1));
    host
}

fn send(host: &MemoryHost, topic: &str, rows: impl IntoIterator<Item = (String, i64, i64)>) {
    for (k, n, ts) in rows {
        host.produce(topic, 0, &[Some(format!(r#"{{"k":"{k}","n":{n},"ts":"{}"}}"#, sql_time(ts)))]);
    }
}

fn one(k: &str, n: i64, ts: i64) -> [(String, i64, i64); 1] {
    [(k.to_owned(), n, ts)]
}

/// Rows that meet nobody, far ahead.
fn time_passes(host: &MemoryHost) {
    [("l", 0), ("r", 1)].iter().for_each(|(topic, n)| send(host, topic, one(topic, *n, 50_000)));
}

fn open(plan: &Arc<JobPlan>, host: &MemoryHost, options: TaskOptions) -> Task {
    Task::open(plan, "job", 0, host, options).unwrap()
}

/// The process dies and comes again.
fn restart(task: Task, plan: &Arc<JobPlan>, host: &MemoryHost, options: TaskOptions) -> Task {
    drop(task);
    open(plan, host, options)
}

fn rows(host: &MemoryHost) -> Vec<String> {
    let mut rows: Vec<String> = host.consume("o").into_iter().flatten().collect();
    rows.sort();
    rows
}

/// Flink: `TimeIntervalJoin.registerCleanUpTimer` removes a row 1 ms after the last time that it meets.
#[test]
fn a_row_at_the_watermark_meets_what_is_kept_and_one_behind_it_does_not() {
    for (watermark, expected) in
        [(3_000, vec![r#"{"k":"a","l":1,"r":2}"#.to_owned()]), (3_001, vec![r#"{"k":"a","l":1,"r":null}"#.to_owned()])]
    {
        let host = host();
        let plan = plan("", AHEAD);
        let mut task = open(&plan, &host, TaskOptions::default());
        send(&host, "l", one("a", 1, 1_000));
        run_and_finish(&mut task, &host).unwrap();
        send(&host, "l", one("far", 0, watermark));
        send(&host, "r", one("other", 0, watermark));
        run_and_finish(&mut task, &host).unwrap();
        // What is kept and when it goes survives a restart.
        let mut task = restart(task, &plan, &host, TaskOptions::default());
        send(&host, "r", one("a", 2, 3_000));
        run_and_finish(&mut task, &host).unwrap();
        assert_eq!(rows(&host), expected, "with the watermark at {watermark}");
    }
}

/// A row that has met nobody goes 1 ms after the watermark has come to the last time that it meets; windows over it still take it.
#[test]
fn a_row_that_met_nobody_is_not_late_for_the_window_that_ends_behind_it() {
    let host = host();
    let text = "SELECT k, COUNT(*), COUNT(rn) FROM TABLE(TUMBLE(TABLE j, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end";
    let sql = format!(
        "CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
         CREATE TABLE r (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
         CREATE TABLE o (k STRING, l BIGINT, r BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         CREATE VIEW j AS SELECT l.k, l.ts, r.n AS rn FROM l LEFT JOIN r ON l.k = r.k AND r.ts BETWEEN l.ts AND l.ts + INTERVAL '2' SECOND;
         INSERT INTO o {text};"
    );
    let plan = Arc::new(try_plan(&sql).unwrap());
    let mut task = open(&plan, &host, TaskOptions::default());
    send(&host, "l", one("a", 1, 999));
    // The watermark comes to the very time, and passes it.
    for at in [2_999, 3_000, 3_001, 9_000] {
        send(&host, "l", one("other", 0, at));
        send(&host, "r", one("nobody", 0, at));
        run_and_finish(&mut task, &host).unwrap();
    }
    assert!(rows(&host).contains(&r#"{"k":"a","l":1,"r":0}"#.to_owned()), "{:?}", rows(&host));
}

/// Many rows: what comes out of it at one watermark goes in several commits, also with a kill after each of them.
#[test]
fn a_window_of_many_pairs_comes_out_over_several_commits() {
    for (kind, state_memory_bytes) in [("", u64::MAX), ("FULL", 1), ("FULL", u64::MAX)] {
        let host = host();
        let plan = plan("", &in_windows(kind));
        let options =
            TaskOptions { output_bytes: 16 * 1024, state_memory_bytes, snapshot_floor: 300, ..TaskOptions::default() };
        let sides = [80, 120];
        for (topic, count) in ["l", "r"].iter().zip(sides) {
            // Every tenth row is there twice; and some have a key of their own.
            let many = (0..count)
                .flat_map(|n| std::iter::repeat_n(("hot".to_owned(), n, 5_000), 1 + usize::from(n % 10 == 0)));
            send(&host, topic, many);
            send(&host, topic, (0..20).map(|n| (format!("alone in {topic} {n}"), n, 5_000)));
        }
        let mut task = open(&plan, &host, options);
        run_and_finish(&mut task, &host).unwrap();
        assert!(rows(&host).is_empty());
        let commits = host.commits();
        time_passes(&host);
        loop {
            let before = host.commits();
            match task.step(&host).unwrap() {
                forebay_processor::job::Progress::Busy => {}
                _ => break,
            }
            if host.commits() > before {
                task = restart(task, &plan, &host, options);
            }
        }
        run_and_finish(&mut task, &host).unwrap();
        assert!(host.commits() - commits > 10, "{} commits", host.commits() - commits);
        assert!(host.largest_commit() < 256 * 1024, "{} bytes in one commit", host.largest_commit());
        let mut expected = Vec::new();
        for l in (0..80).flat_map(|n| std::iter::repeat_n(n, 1 + usize::from(n % 10 == 0))) {
            for r in (0..120).flat_map(|n| std::iter::repeat_n(n, 1 + usize::from(n % 10 == 0))) {
                expected.push(format!(r#"{{"k":"hot","l":{l},"r":{r}}}"#));
            }
        }
        if kind == "FULL" {
            expected.extend((0..20).map(|n| format!(r#"{{"k":"alone in l {n}","l":{n},"r":null}}"#)));
            expected.extend((0..20).map(|n| format!(r#"{{"k":null,"l":null,"r":{n}}}"#)));
        }
        expected.sort();
        assert_eq!(rows(&host), expected, "{kind}");
    }
}

#[test]
fn rows_that_met_nobody_leave_over_several_commits() {
    let host = host();
    let options = TaskOptions { output_bytes: 16 * 1024, state_memory_bytes: 1, ..TaskOptions::default() };
    let plan = plan("", AHEAD);
    send(&host, "l", (0..4_000).map(|n| (format!("k{n}"), n, 1_000)));
    let mut task = open(&plan, &host, options);
    run_and_finish(&mut task, &host).unwrap();
    let commits = host.commits();
    time_passes(&host);
    run_and_finish(&mut task, &host).unwrap();
    assert!(host.commits() - commits >= 3, "{} commits", host.commits() - commits);
    let mut expected: Vec<String> = (0..4_000).map(|n| format!(r#"{{"k":"k{n}","l":{n},"r":null}}"#)).collect();
    expected.sort();
    assert_eq!(rows(&host), expected);
}

/// Longer than any key of the store on disk: 65,535 bytes.
const LONG: usize = 100_000;

#[test]
fn rows_of_many_bytes_wait_on_disk() {
    for query in [AHEAD.to_owned(), in_windows("LEFT")] {
        let host = host();
        let options = TaskOptions { state_memory_bytes: 1, ..TaskOptions::default() };
        // The long column is no key, but kept.
        let query = query
            .replace("SELECT l.k, l.n, r.n", "SELECT CAST(CHAR_LENGTH(r.k) AS STRING), l.n, r.n")
            .replace("l.k = r.k", "l.n = r.n");
        let plan = plan("", &query);
        let mut task = open(&plan, &host, options);
        let (a, b) = ("a".repeat(LONG), "b".repeat(LONG));
        for k in [&a, &b, &a] {
            send(&host, "r", one(k, 7, 1_000));
            run_and_finish(&mut task, &host).unwrap();
        }
        let mut task = restart(task, &plan, &host, options);
        send(&host, "l", one("x", 7, 1_000));
        time_passes(&host);
        run_and_finish(&mut task, &host).unwrap();
        let row = format!(r#"{{"k":"{LONG}","l":7,"r":7}}"#);
        assert_eq!(rows(&host), vec![row; 3], "{query}");
    }
}

#[test]
fn keys_of_many_bytes_are_the_records_fault() {
    for query in [AHEAD.to_owned(), in_windows("")] {
        let host = host();
        let long = "k".repeat(LONG);
        send(&host, "l", one(&long, 1, 1_000));
        let mut task = open(&plan("", &query), &host, TaskOptions::default());
        let TaskError::Failed(why) = run(&mut task, &host).unwrap_err() else { panic!() };
        assert!(why.starts_with("l-0@0: ") && why.contains("at most 30000"), "{why}");
        let mut task = open(&plan(", 'forebay.on-error' = 'skip'", &query), &host, TaskOptions::default());
        run_and_finish(&mut task, &host).unwrap();
        assert_eq!(task.status().undecodable, 1);
    }
}

/// Also where rows are kept by key without a join: state on disk could not take them.
#[test]
fn keys_of_many_bytes_are_the_records_fault_in_all_that_keeps_rows_by_key() {
    let ranked = |by: &str, order: &str, most: i64| {
        format!(
            "SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY {order}) AS rn FROM l) WHERE rn <= {most}"
        )
    };
    for (upsert, query) in [
        (true, "SELECT k, n FROM l".to_owned()),
        (true, "SELECT g.k, g.n FROM l AS g LEFT JOIN l ON g.k = l.k".to_owned()),
        (false, "SELECT k, COUNT(*) FROM l GROUP BY k".to_owned()),
        (false, ranked("k", "ts DESC", 1)),
        (false, ranked("k", "n", 2)),
        (false, ranked("n", "k", 2)),
        (false, "SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY ts) FROM l".to_owned()),
    ] {
        let host = host();
        let (key, connector) = match upsert {
            true => (", PRIMARY KEY (k) NOT ENFORCED", "'upsert-kafka', 'key.format' = 'raw', 'value.format'"),
            false => ("", "'kafka', 'format'"),
        };
        let plan = |options: &str| {
            let text = format!(
                "CREATE TABLE l (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts{key})
                   WITH ('connector' = {connector} = 'json', 'topic' = 'l'{options});
                 CREATE TABLE o (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
                   WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'raw', 'value.format' = 'json');
                 INSERT INTO o {query};"
            );
            Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
        };
        for k in ["k".repeat(31_000), "short".to_owned()] {
            let value = format!(r#"{{"k":"{k}","n":1,"ts":"{}"}}"#, sql_time(1_000));
            host.produce_record("l", 0, (0, Some(k.as_bytes()), Some(value.as_bytes())), &[]);
        }
        let mut task = open(&plan(""), &host, TaskOptions::default());
        let TaskError::Failed(why) = run(&mut task, &host).unwrap_err() else { panic!("{query}") };
        assert!(why.starts_with("l-0@0: ") && why.contains("at most 30000"), "{query}: {why}");
        let options = TaskOptions { state_memory_bytes: 1, ..TaskOptions::default() };
        let mut task = open(&plan(", 'forebay.on-error' = 'skip'"), &host, options);
        run_and_finish(&mut task, &host).unwrap();
        assert_eq!(rows(&host), [r#"{"k":"short","n":1}"#], "{query}");
    }
}
