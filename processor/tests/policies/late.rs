//! Late rows: into a topic with the reason, or into the results, which are corrected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_processor::job::{TaskOptions, header};
use proptest::prelude::*;

use crate::support::host::MemoryHost;
use crate::support::plans::{INPUT, OUTPUT, click, sql_time};
use crate::support::run_and_finish;
use crate::support::world::{Action, World, action};
use crate::{DELAY, SIZE, host, metric, open, parallel, rows, send, table, try_plan, windowed};

const LATE: &str = ", 'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late', 'scan.watermark.idle-timeout' = '0'";

#[test]
fn a_late_row_goes_to_its_topic_with_the_window_and_the_watermark() {
    let host = host(2);
    send(&host, 0, "a", &[5_000, 12_000]);
    let late = click("a", Some(7), 9_999, 0);
    host.produce_record(INPUT, 0, (55, Some(b"key"), Some(late.as_bytes())), &[("h", Some(b"1"))]);
    // Partition 1 is behind: the window is open, and yet the row of partition 0 is late by its own partition's watermark.
    send(&host, 1, "b", &[1_000]);
    let mut task = open(&windowed(LATE), &host);
    run_and_finish(&mut task, &host).unwrap();
    let found = host.records("late");
    assert_eq!(found.len(), 1);
    let record = &found[0];
    assert_eq!((record.partition, record.timestamp, record.key.as_deref()), (0, 55, Some("key")));
    assert_eq!(record.value.as_ref(), Some(&late));
    assert_eq!(record.headers[0], ("h".to_owned(), Some("1".to_owned())));
    for (key, value) in [
        (header::JOB, "job"),
        (header::TOPIC, INPUT),
        (header::PARTITION, "0"),
        (header::OFFSET, "2"),
        (header::WINDOW_END, "10000"),
        (header::WATERMARK, "10000"),
    ] {
        assert_eq!(record.header(key), value);
    }
    let status = task.status();
    assert_eq!((status.late, status.records_aside, status.records_out), (1, 1, 0));
    send(&host, 0, "z", &[40_000]);
    send(&host, 1, "z", &[40_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(
        rows(&host),
        [metric("a", 10_000, 1, Some(100)), metric("a", 20_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))]
    );
}

#[test]
fn without_a_word_it_is_dropped_and_counted() {
    let host = host(1);
    send(&host, 0, "a", &[30_000, 1_000]);
    let mut task = open(&windowed(""), &host);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!((task.status().late, task.status().records_aside), (1, 0));
}

/// The rows of one user's window in the order in which they were put out.
fn history(host: &MemoryHost, user: &str, end: i64) -> Vec<String> {
    let of = |row: &String| {
        row.starts_with(&format!(r#"{{"user":"{user}","#)) && row.contains(&format!("\"{}\"", sql_time(end)))
    };
    host.consume(OUTPUT).into_iter().flatten().filter(of).collect()
}

#[test]
fn a_row_within_the_allowed_lateness_puts_out_the_corrected_result() {
    let host = host(1);
    let options = ", 'forebay.allowed-lateness' = '5 s', 'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late'";
    let plan = windowed(options);
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[5_000, 12_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(history(&host, "a", 10_000), [metric("a", 10_000, 1, Some(100))]);
    // Late for [0, 10 s), and allowed; b has had no result in it.
    send(&host, 0, "a", &[6_000]);
    send(&host, 0, "b", &[7_000]);
    run_and_finish(&mut task, &host).unwrap();
    // What is kept is kept over a restart.
    drop(task);
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[8_000, 16_998, 9_000]);
    run_and_finish(&mut task, &host).unwrap();
    let results: Vec<_> = (1..=4).map(|n| metric("a", 10_000, n, Some(n * 100))).collect();
    assert_eq!(history(&host, "a", 10_000), results);
    assert_eq!(history(&host, "b", 10_000), [metric("b", 10_000, 1, Some(100))]);
    assert_eq!(task.status().late, 0);
    // The watermark comes to 9,999 + 5,000: that is the end of it.
    send(&host, 0, "a", &[16_999, 9_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(history(&host, "a", 10_000), results);
    assert_eq!((task.status().late, host.records("late").len()), (1, 1));
    assert_eq!(host.records("late")[0].header(header::WINDOW_END), "10000");
    assert_eq!(task.status().open_windows, 1, "[0, 10 s) is forgotten");
}

/// In a topic that is written by key, a corrected result takes the place of the first one, in whatever number of tasks.
#[test]
fn a_corrected_result_has_the_key_of_the_first_one() {
    for parallelism in [1, 3] {
        let host = host(1);
        host.create_topic(OUTPUT, 4);
        let text = format!(
            "{}
             CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT, PRIMARY KEY (window_end, `user`) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = '{OUTPUT}', 'key.format' = 'json', 'value.format' = 'json');
             SET 'parallelism.default' = '{parallelism}';
             INSERT INTO metrics SELECT `user`, window_end, COUNT(*)
               FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY `user`, window_start, window_end;",
            table(", 'forebay.allowed-lateness' = '5 s'")
        );
        let mut world = World::new(host, Arc::new(try_plan(&text).unwrap()), TaskOptions::default());
        for (user, time) in [("a", 5_000), ("b", 6_000), ("a", 12_000), ("a", 6_000)] {
            send(&world.host, 0, user, &[time]);
            world.finish();
        }
        let found = world.host.records(OUTPUT);
        let shown = |user: &str, n: i64| {
            let end = sql_time(10_000);
            let key = format!(r#"{{"window_end":"{end}","user":"{user}"}}"#);
            (Some(key), Some(format!(r#"{{"user":"{user}","window_end":"{end}","n":{n}}}"#)))
        };
        let mut records: Vec<_> = found.iter().map(|record| (record.key.clone(), record.value.clone())).collect();
        records.sort();
        assert_eq!(records, [shown("a", 1), shown("a", 2), shown("b", 1)]);
        let places: BTreeSet<_> =
            found.iter().filter(|record| record.key == shown("a", 1).0).map(|record| record.partition).collect();
        assert_eq!(places.len(), 1, "one key is in one partition");
    }
}

#[test]
fn a_correction_that_would_take_a_row_back_is_refused() {
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING PRIMARY KEY NOT ENFORCED, n BIGINT)
           WITH ('connector' = 'upsert-kafka', 'topic' = '{OUTPUT}', 'key.format' = 'raw', 'value.format' = 'json');
         INSERT INTO metrics SELECT `user`, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND))
           GROUP BY `user`, window_start, window_end HAVING COUNT(*) < 2;",
        table(", 'forebay.allowed-lateness' = '5 s'")
    );
    let error = try_plan(&text).unwrap_err().to_string();
    assert!(error.contains("take a row back"), "{error}");
}

#[test]
fn each_hopping_window_of_a_late_row_is_corrected_on_its_own() {
    let host = host(1);
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT, x BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, window_end, COUNT(*), SUM(bytes)
           FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND))
           GROUP BY `user`, window_start, window_end;",
        table(", 'forebay.allowed-lateness' = '6 s'")
    );
    let mut task = open(&Arc::new(try_plan(&text).unwrap()), &host);
    // Watermark 11,000: [-10, 5) and [-5, 10) have fired; 4,000 is in these and in [0, 15). The first is beyond 5 s + 6 s.
    send(&host, 0, "a", &[1_000, 6_000, 13_000]);
    run_and_finish(&mut task, &host).unwrap();
    send(&host, 0, "a", &[4_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(history(&host, "a", 5_000), [metric("a", 5_000, 1, Some(1))]);
    assert_eq!(history(&host, "a", 10_000), [metric("a", 10_000, 2, Some(2)), metric("a", 10_000, 3, Some(3))]);
    send(&host, 0, "z", &[40_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(history(&host, "a", 15_000), [metric("a", 15_000, 4, Some(4))], "not fired before: no correction");
}

#[test]
fn sessions_and_jobs_without_windows_have_no_allowed_lateness() {
    let sink =
        format!("CREATE TABLE o (u STRING) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');");
    let options = table(", 'forebay.allowed-lateness' = '5 s'");
    for query in [
        "SELECT `user` FROM clicks",
        "SELECT `user` FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '5' SECOND)) \
         GROUP BY `user`, window_start, window_end",
    ] {
        let error = try_plan(&format!("{options}{sink}INSERT INTO o {query};")).unwrap_err().to_string();
        assert!(error.contains("allowed lateness is for"), "{error}");
    }
    let set = "SET 'table.exec.emit.allow-lateness' = '7 s';";
    let query = "SELECT `user` FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND)) \
                 GROUP BY `user`, window_start, window_end";
    let plan = try_plan(&format!("{set}{}{sink}INSERT INTO o {query};", table(""))).unwrap();
    assert_eq!(plan.pipelines[0].source.policies.allowed_lateness_ms, 7_000, "Flink's name for it");
}

/// Rows of sessions wait until it is known whether they are late; then the record is written as it came, also after a restart, and
/// whatever the number of tasks.
#[test]
fn a_row_that_waited_and_is_late_goes_to_the_topic_too() {
    for parallelism in [1, 2] {
        let host = host(2);
        let text = format!(
            "{}
             CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT, x BIGINT)
               WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
             SET 'parallelism.default' = '{parallelism}';
             INSERT INTO metrics SELECT `user`, window_end, COUNT(*), SUM(100 / bytes)
               FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '10' SECOND))
               GROUP BY `user`, window_start, window_end;",
            table(LATE)
        );
        let plan = Arc::new(try_plan(&text).unwrap());
        let mut world = World::new(host, Arc::clone(&plan), TaskOptions::default());
        send(&world.host, 0, "slow", &[1_000]);
        send(&world.host, 1, "a", &[100_000]);
        let late = click("late", Some(7), 50_000, 0);
        world.host.produce_record(INPUT, 1, (55, Some(b"key"), Some(late.as_bytes())), &[("h", Some(b"1"))]);
        // Behind the watermark as well, and yet not late: it joins the open session of its user.
        send(&world.host, 1, "a", &[95_000]);
        world.finish();
        assert_eq!((world.host.records("late").len(), world.status().late), (0, 0), "nobody knows yet");
        let mut world = World::new(world.host, plan, TaskOptions::default());
        send(&world.host, 0, "slow", &[200_000]);
        send(&world.host, 1, "a", &[200_000]);
        world.finish();
        let found = world.host.records("late");
        assert_eq!((found.len(), world.status().late), (1, 1));
        let record = &found[0];
        assert_eq!((record.partition, record.timestamp, record.key.as_deref()), (1, 55, Some("key")));
        assert_eq!((record.value.as_ref(), &record.headers[0]), (Some(&late), &("h".to_owned(), Some("1".to_owned()))));
        for (key, value) in [
            (header::JOB, "job"),
            (header::TOPIC, INPUT),
            (header::PARTITION, "1"),
            (header::OFFSET, "1"),
            (header::WINDOW_END, "60000"),
            (header::WATERMARK, "98000"),
        ] {
            assert_eq!(record.header(key), value);
        }
        assert_eq!(rows(&world.host), [metric("a", 110_000, 2, Some(200)), metric("slow", 11_000, 1, Some(100))]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Whatever crashes: the last result of each window has every row that was not beyond the allowed lateness, and no result of a
    /// window comes twice.
    #[test]
    fn the_last_result_is_whole(
        actions in prop::collection::vec(action(prop::collection::vec((0..2i32, "[a-c]", 0..25_000i64), 0..10)), 1..50),
        step_bytes in 100..2_000usize,
        parallelism in 1..4usize,
    ) {
        const LATENESS: i64 = 8_000;
        let host = host(2);
        let plan = parallel(parallelism, ", 'forebay.allowed-lateness' = '8 s', 'scan.watermark.idle-timeout' = '0'");
        let options = TaskOptions { step_bytes, read_bytes: 200, snapshot_floor: 300, output_bytes: 1, ..TaskOptions::default() };
        let mut world = World::new(host, plan, options);
        let mut watermarks = [i64::MIN; 2];
        let mut counts: BTreeMap<(String, i64), i64> = BTreeMap::new();
        let (mut clock, mut late) = (0, 0);
        let mut produce = |world: &World, partition: i32, user: &str, ts: i64| {
            send(&world.host, partition, user, &[ts]);
            let end = ts - ts % SIZE + SIZE;
            let watermark = &mut watermarks[partition as usize];
            if *watermark >= end - 1 + LATENESS {
                late += 1;
            } else {
                *counts.entry((user.to_owned(), end)).or_default() += 1;
            }
            *watermark = (*watermark).max(ts - DELAY);
        };
        for action in actions {
            match action {
                Action::Produce(events) => for (partition, user, back) in events {
                    clock += 1_500;
                    produce(&world, partition, &user, (clock - back).max(0));
                },
                other => world.act(&other),
            }
        }
        (0..2).for_each(|partition| produce(&world, partition, "z", 9_000_000));
        world.finish();
        for ((user, end), count) in counts.iter().filter(|((user, _), _)| user != "z") {
            let found = history(&world.host, user, *end);
            prop_assert_eq!(found.last(), Some(&metric(user, *end, *count, Some(count * 100))));
            prop_assert_eq!(found.len(), found.iter().collect::<BTreeSet<_>>().len(), "{:?}", found);
        }
        prop_assert_eq!(world.status().late, late);
    }
}
