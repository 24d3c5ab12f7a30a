//! Processing time: rows are of the moment at which they are read, and windows close by the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_processor::host::Host;
use forebay_processor::job::{Progress, Subtask, TaskOptions, subtasks, why};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::Timestamp;
use proptest::prelude::*;

use crate::support::host::{Crash, MemoryHost};
use crate::support::plans::{INPUT, OUTPUT, sql_time};
use crate::support::run_and_finish;
use crate::support::world::{Action, World, action, state_memory};
use crate::{host, open, rows, try_plan};

/// Rows by user in these windows over the clock.
fn counts(window: &str) -> Arc<JobPlan> {
    counts_in(1, window)
}

/// The same in so many tasks a stage.
fn counts_in(parallelism: usize, window: &str) -> Arc<JobPlan> {
    let text = format!(
        "SET 'parallelism.default' = '{parallelism}';
         CREATE TABLE clicks (`user` STRING, pt AS PROCTIME())
           WITH ('connector' = 'kafka', 'topic' = '{INPUT}', 'format' = 'json');
         CREATE TABLE metrics (`user` STRING, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, window_start, window_end, COUNT(*)
           FROM TABLE({window}) GROUP BY `user`, window_start, window_end;"
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

fn row(user: &str, start: i64, end: i64, n: i64) -> String {
    format!(r#"{{"user":"{user}","s":"{}","e":"{}","n":{n}}}"#, sql_time(start), sql_time(end))
}

/// A row of each user in partition 0, and one in partition 1.
fn send(host: &MemoryHost, users: &[&str]) {
    for partition in 0..2 {
        let values: Vec<_> = users.iter().map(|user| Some(format!(r#"{{"user":"{user}"}}"#))).collect();
        host.produce(INPUT, partition, &values);
    }
}

const TUMBLE: &str = "TUMBLE(TABLE clicks, DESCRIPTOR(pt), INTERVAL '10' SECOND)";

#[test]
fn a_window_closes_when_the_clock_has_passed_its_end() {
    let host = host(2);
    host.advance(1_000);
    let mut task = open(&counts(TUMBLE), &host);
    send(&host, &["a"]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(8_999);
    send(&host, &["a", "b"]);
    // Flink: a timer fires a millisecond after its time.
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(task.step(&host).unwrap(), Progress::Waiting { until: Some(Timestamp(10_001)) });
    assert_eq!(
        why(&task.status(), 9_999),
        ["the next window closes at 1970-01-01T00:00:10.000Z by the broker's clock"]
    );
    host.advance(1);
    send(&host, &["a"]);
    run_and_finish(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty());
    host.advance(1);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [row("a", 0, 10_000, 4), row("b", 0, 10_000, 2)]);
    // The clock goes back: nothing falls into a closed window.
    host.advance(-5_000);
    send(&host, &["c"]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(15_000);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host)[1..], [row("a", 10_000, 20_000, 2), row("b", 0, 10_000, 2), row("c", 10_000, 20_000, 2)]);
    assert_eq!(task.status().late, 0);
}

#[test]
fn what_is_due_at_a_restart_closes() {
    let host = host(2);
    let plan = counts(TUMBLE);
    let mut task = open(&plan, &host);
    send(&host, &["a"]);
    run_and_finish(&mut task, &host).unwrap();
    drop(task);
    host.advance(25_000);
    let mut task = open(&plan, &host);
    send(&host, &["a"]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [row("a", 0, 10_000, 2)]);
    host.advance(5_001);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [row("a", 0, 10_000, 2), row("a", 20_000, 30_000, 2)]);
}

#[test]
fn hopping_windows_and_sessions_go_by_the_clock_too() {
    let host = host(2);
    let mut task = open(&counts("HOP(TABLE clicks, DESCRIPTOR(pt), INTERVAL '5' SECOND, INTERVAL '10' SECOND)"), &host);
    host.advance(6_000);
    send(&host, &["a"]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(20_000);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [row("a", 0, 10_000, 2), row("a", 5_000, 15_000, 2)]);
    let host = crate::host(2);
    let plan = counts("SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(pt), INTERVAL '10' SECOND)");
    let mut task = open(&plan, &host);
    for _ in 0..3 {
        host.advance(7_000);
        send(&host, &["a"]);
        run_and_finish(&mut task, &host).unwrap();
    }
    host.advance(10_000);
    run_and_finish(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty());
    host.advance(1);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [row("a", 7_000, 31_000, 6)]);
}

#[test]
fn cumulating_windows_share_their_rows() {
    let host = host(2);
    let plan = counts("CUMULATE(TABLE clicks, DESCRIPTOR(pt), INTERVAL '5' SECOND, INTERVAL '10' SECOND)");
    let mut task = open(&plan, &host);
    for at in [1_000, 6_000] {
        host.advance(at - host.now().0);
        send(&host, &["a"]);
        run_and_finish(&mut task, &host).unwrap();
    }
    assert_eq!(rows(&host), [row("a", 0, 5_000, 2)]);
    host.advance(5_000);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [row("a", 0, 5_000, 2), row("a", 0, 10_000, 4)]);
}

#[test]
fn a_row_keeps_the_time_that_its_commit_gave_it() {
    let plan = counts(TUMBLE);
    for crash in [Crash::Before, Crash::Undecided, Crash::After] {
        let host = host(1);
        host.produce(INPUT, 0, &[Some(r#"{"user":"a"}"#)]);
        let mut task = open(&plan, &host);
        host.advance(9_000);
        host.crash_at_commit(0, crash);
        task.step(&host).unwrap();
        let crashed = task.finish(&host).is_err();
        assert!(crashed);
        drop(task);
        // The window of 9,000 is over by now. Only if the commit was decided is the row in it.
        host.advance(6_000);
        let mut task = open(&plan, &host);
        run_and_finish(&mut task, &host).unwrap();
        host.advance(10_000);
        run_and_finish(&mut task, &host).unwrap();
        let start = if matches!(crash, Crash::After) { 0 } else { 10_000 };
        assert_eq!(rows(&host), [row("a", start, start + 10_000, 1)], "{crash:?}");
    }
}

const HOP: &str = "HOP(TABLE clicks, DESCRIPTOR(pt), INTERVAL '5' SECOND, INTERVAL '10' SECOND)";
const SESSION: &str = "SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(pt), INTERVAL '10' SECOND)";

/// In Flink a row is of the moment at which it comes to the task that has the windows.
#[test]
fn what_is_gathered_and_comes_too_late_for_its_window_is_in_the_next_one() {
    let expected = |window: &str| match window {
        TUMBLE => vec![(0, 10_000), (10_000, 20_000)],
        HOP => vec![(-5_000, 5_000), (0, 10_000), (5_000, 15_000), (10_000, 20_000)],
        _ => vec![(1_000, 11_000), (11_001, 21_001)],
    };
    for (window, over) in [(TUMBLE, 10_001), (HOP, 10_001), (SESSION, 11_001)] {
        let host = host(2);
        let plan = counts_in(2, window);
        let tasks = subtasks(&plan);
        let mut tasks: Vec<Subtask> =
            tasks.iter().map(|id| Subtask::open(&plan, "job", *id, &host, TaskOptions::default()).unwrap()).collect();
        let mut run = |at: i64| {
            host.advance(at - host.now().0);
            tasks.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
        };
        run(1_000);
        send(&host, &["a"]);
        run(1_000);
        run(over);
        // The clock of those who gather is behind.
        send(&host, &["a"]);
        run(over - 2);
        run(40_000);
        let found: Vec<_> = expected(window).into_iter().map(|(start, end)| row("a", start, end, 2)).collect();
        assert_eq!(rows(&host), found, "{window}");
        assert_eq!(tasks.iter().map(|task| task.status().late).sum::<u64>(), 0);
    }
}

#[test]
fn merging_tasks_say_when_the_clock_closes_the_next_window() {
    let host = host(2);
    let plan = counts_in(2, TUMBLE);
    host.advance(1_000);
    send(&host, &["a"]);
    let mut waiting = Vec::new();
    for id in subtasks(&plan) {
        let mut task = Subtask::open(&plan, "job", id, &host, TaskOptions::default()).unwrap();
        run_and_finish(&mut task, &host).unwrap();
        if task.status().next_close.is_some() {
            waiting.push((task.step(&host).unwrap(), why(&task.status(), 1_000).swap_remove(0)));
        }
    }
    let line = "the next window closes at 1970-01-01T00:00:10.000Z by the broker's clock".to_owned();
    assert_eq!(waiting, [(Progress::Waiting { until: Some(Timestamp(10_001)) }, line)]);
}

/// A window that came out: user, start and end in ms, rows.
fn parse(row: &str) -> (String, i64, i64, i64) {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    let time = |key: &str| (0..=200_000).step_by(1_000).find(|ms| sql_time(*ms) == row[key].as_str().unwrap()).unwrap();
    (row["user"].to_string(), time("s"), time("e"), row["n"].as_i64().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]
    /// Whatever is killed and wherever the broker crashes: each row is in one window, which was not over when the row came, and each
    /// window comes out once, when it is over.
    #[test]
    fn each_row_counts_once(
        actions in prop::collection::vec(action(prop::collection::vec((0..2i32, "[a-c]"), 0..8)), 1..60),
        step_bytes in 50..1_000usize,
        state_memory_bytes in state_memory(),
        parallelism in 1..4usize,
    ) {
        let host = host(2);
        let options =
            TaskOptions { step_bytes, read_bytes: 100, snapshot_floor: 300, output_bytes: 1, state_memory_bytes, ..TaskOptions::default() };
        let mut world = World::new(host, counts_in(parallelism, TUMBLE), options);
        // When each row came, by user.
        let mut came: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for action in actions {
            world.act(&action);
            if let Action::Produce(events) = action {
                for (partition, user) in events {
                    world.host.produce(INPUT, partition, &[Some(format!(r#"{{"user":"{user}"}}"#))]);
                    came.entry(format!("\"{user}\"")).or_default().push(world.host.now().0);
                }
            }
            for row in rows(&world.host) {
                if seen.insert(row.clone()) {
                    prop_assert!(parse(&row).2 <= world.host.now().0, "{row} is not over yet");
                }
            }
        }
        world.finish();
        world.host.advance(20_000);
        world.finish();
        let found: Vec<_> = rows(&world.host).iter().map(|row| parse(row)).collect();
        let windows: BTreeSet<_> = found.iter().map(|(user, start, ..)| (user, start)).collect();
        prop_assert_eq!(windows.len(), found.len(), "a window comes twice: {:?}", found);
        for (user, came) in &came {
            let of = |(other, ..): &&(String, i64, i64, i64)| other == user;
            let counted = |until: i64| found.iter().filter(of).filter(|(_, _, end, _)| *end <= until).map(|row| row.3).sum::<i64>();
            prop_assert_eq!(counted(i64::MAX), came.len() as i64);
            for until in (10_000..150_000).step_by(10_000) {
                let before = came.iter().filter(|at| **at < until).count() as i64;
                prop_assert!(counted(until) <= before, "{} rows of {} in windows up to {until}, {before} had come", counted(until), user);
            }
        }
        prop_assert_eq!(world.status().late, 0);
    }
}

#[test]
fn a_job_at_rest_commits_nothing() {
    let host = host(2);
    let mut task = open(&counts(TUMBLE), &host);
    send(&host, &["a"]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(10_001);
    run_and_finish(&mut task, &host).unwrap();
    // By then its partitions are idle, which is committed once.
    host.advance(120_000);
    run_and_finish(&mut task, &host).unwrap();
    let commits = host.commits();
    for _ in 0..10 {
        host.advance(TaskOptions::default().discovery_ms);
        run_and_finish(&mut task, &host).unwrap();
    }
    assert_eq!(host.commits(), commits);
}

#[test]
fn the_clock_is_a_column_of_its_own_or_none() {
    let plan = |columns: &str, select: &str| {
        try_plan(&format!(
            "CREATE TABLE clicks ({columns}) WITH ('connector' = 'kafka', 'topic' = '{INPUT}', 'format' = 'json');
             CREATE TABLE o (n TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
             INSERT INTO o SELECT {select} FROM clicks;"
        ))
    };
    plan("a INT, pt AS PROCTIME()", "pt").unwrap();
    for (columns, select, words) in [
        ("a INT", "PROCTIME()", "pt AS PROCTIME()"),
        ("a INT, pt AS PROCTIME(), WATERMARK FOR pt AS pt", "pt", "leave WATERMARK out"),
        ("a INT, pt AS COALESCE(PROCTIME(), NULL)", "pt", "pt AS PROCTIME()"),
    ] {
        let error = plan(columns, select).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// Each step has the host's time; what was put out stays as it was.
#[test]
fn a_row_can_tell_when_it_was_computed() {
    let host = host(1);
    let text = format!(
        "CREATE TABLE clicks (`user` STRING, read_at AS NOW()) WITH ('connector' = 'kafka', 'topic' = '{INPUT}', 'format' = 'json');
         CREATE TABLE metrics (`user` STRING, r TIMESTAMP_LTZ(3), t TIMESTAMP_LTZ(3), l TIMESTAMP(3), d DATE, c TIME, s BIGINT, id INT, r1 BOOLEAN)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, read_at, CURRENT_TIMESTAMP, LOCALTIMESTAMP, CURRENT_DATE, CURRENT_TIME, UNIX_TIMESTAMP(),
           CHAR_LENGTH(UUID()), RAND() < 1 FROM clicks WHERE LOCALTIMESTAMP < TIMESTAMP '1970-01-02 00:00:00' + INTERVAL '1' DAY;"
    );
    let plan = Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")));
    let mut task = open(&plan, &host);
    let began = host.now().0;
    let expected = |user: &str, ms: i64| {
        let at = sql_time(ms);
        let (day, time) = at.split_once(' ').unwrap();
        let second = time.split('.').next().unwrap();
        format!(
            r#"{{"user":"{user}","r":"{at}Z","t":"{at}Z","l":"{at}","d":"{day}","c":"{second}","s":{},"id":36,"r1":true}}"#,
            ms / 1000
        )
    };
    host.produce(INPUT, 0, &[Some(r#"{"user":"a"}"#)]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(61_000);
    host.produce(INPUT, 0, &[Some(r#"{"user":"b"}"#)]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(2 * 86_400_000);
    host.produce(INPUT, 0, &[Some(r#"{"user":"c"}"#)]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [expected("a", began), expected("b", began + 61_000)], "c came too late for the condition");
}

/// A column of chance is computed once for each row, however often it is read.
#[test]
fn what_comes_of_chance_is_the_same_wherever_it_is_read() {
    let host = host(1);
    let text = format!(
        "CREATE TABLE clicks (`user` STRING) WITH ('connector' = 'kafka', 'topic' = '{INPUT}', 'format' = 'json');
         CREATE TABLE metrics (same BOOLEAN, low BOOLEAN) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         CREATE VIEW drawn AS SELECT UUID() AS id, RAND() AS r FROM clicks;
         INSERT INTO metrics SELECT a.id = a.other, a.r < 0.5 FROM (SELECT id, id AS other, r FROM drawn) AS a WHERE a.r < 0.5;"
    );
    let plan = Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")));
    let mut task = open(&plan, &host);
    let records = vec![Some(r#"{"user":"a"}"#); 200];
    host.produce(INPUT, 0, &records);
    run_and_finish(&mut task, &host).unwrap();
    let rows = rows(&host);
    // Half of them on average; neither none nor all but once in 2 to the 200.
    assert!((1..200).contains(&rows.len()), "{}", rows.len());
    assert!(rows.iter().all(|row| row == r#"{"same":true,"low":true}"#), "{rows:?}");
}
