//! Temporal joins where nothing comes as it should: rows and versions behind the watermark, ahead of it, and removals of what a
//! time-to-live has forgotten.

use std::sync::Arc;

use forebay_processor::job::{Progress, Task, TaskOptions};

use crate::changing_joins::{FAR, PARTITIONS, TEMPORAL, host, produce_timed};
use crate::support::host::MemoryHost;
use crate::support::plans::sql_time;
use crate::support::run_and_finish;
use crate::try_plan;

fn open(before: &str, host: &MemoryHost) -> Task {
    let query = "SELECT l.k, l.n, r.n, l.ts FROM l LEFT JOIN r FOR SYSTEM_TIME AS OF l.ts ON l.k = r.k";
    let plan =
        try_plan(&format!("{before}{TEMPORAL} INSERT INTO o {query};")).unwrap_or_else(|error| panic!("{error}"));
    Task::open(&Arc::new(plan), "job", 0, host, TaskOptions::default()).unwrap()
}

fn joined(k: char, n: i64, v: Option<i64>, ts: i64) -> String {
    let v = v.map_or("null".to_owned(), |v| v.to_string());
    format!(r#"{{"k":"{k}","n":{n},"v":{v},"ts":"{}"}}"#, sql_time(ts))
}

fn rows(host: &MemoryHost) -> Vec<String> {
    let mut rows: Vec<String> = host.consume("o").into_iter().flatten().collect();
    rows.sort_by_key(|row| row.split_once("\"ts\"").map(|(row, ts)| (ts.to_owned(), row.to_owned())));
    rows
}

/// Nothing comes for so long that all that waits is over; and the task waits then.
fn quiet(task: &mut Task, host: &MemoryHost) {
    run_and_finish(task, host).unwrap();
    host.advance(10_000);
    let waits = (0..100).any(|_| task.step(host).unwrap() != Progress::Busy);
    assert!(waits, "it has nothing to do and is busy");
    task.finish(host).unwrap();
}

#[test]
fn what_is_behind_the_watermark_does_not_hold_what_comes_after_it() {
    let host = host(&["l", "r", "o"]);
    let mut task = open("SET 'forebay.close-after-idle' = '10 s';", &host);
    produce_timed(&host, (false, 0), Some('a'), 1, 10_000);
    quiet(&mut task, &host);
    let mut expected = vec![joined('a', 1, None, 10_000)];
    assert_eq!(rows(&host), expected);
    produce_timed(&host, (false, 0), Some('a'), 2, 8_000);
    quiet(&mut task, &host);
    expected.insert(0, joined('a', 2, None, 8_000));
    assert_eq!(rows(&host), expected);
    // It has come out for good.
    let mut task = open("SET 'forebay.close-after-idle' = '10 s';", &host);
    produce_timed(&host, (true, 0), Some('a'), 7, 9_000);
    quiet(&mut task, &host);
    produce_timed(&host, (false, 0), Some('a'), 3, 20_000);
    quiet(&mut task, &host);
    expected.push(joined('a', 3, Some(7), 20_000));
    assert_eq!(rows(&host), expected);
}

#[test]
fn versions_that_came_ahead_are_forgotten_without_another_row_of_their_key() {
    let host = host(&["l", "r", "o"]);
    let mut task = open("", &host);
    for at in 10..40 {
        produce_timed(&host, (true, 0), Some('a'), at, at * 1_000);
    }
    produce_timed(&host, (false, 0), Some('a'), 0, 1_000);
    for time in [8_000, FAR] {
        for partition in 0..PARTITIONS {
            produce_timed(&host, (false, partition), Some('l'), 0, time);
            produce_timed(&host, (true, partition), Some('r'), 0, time);
        }
        run_and_finish(&mut task, &host).unwrap();
    }
    assert!(rows(&host).contains(&joined('a', 0, None, 1_000)), "{:?}", rows(&host));
    // For a: its last version, and the last row of Normalize.
    let keys = task.status().state_keys;
    assert!(keys < 15, "{keys} entries");
}

/// Else nothing would take its last version away.
#[test]
fn a_key_that_is_removed_after_its_time_to_live_is_met_no_more() {
    const TTL: &str = "SET 'table.exec.state.ttl' = '10 s';";
    let host = host(&["l", "r", "o"]);
    let query = "SELECT l.k, l.n, r.n, l.ts FROM l LEFT JOIN r FOR SYSTEM_TIME AS OF l.ts ON l.k = r.k";
    let plan = try_plan(&format!("{TTL}{TEMPORAL} INSERT INTO o {query};")).unwrap();
    let words = "does not forget rows of a table that is joined FOR SYSTEM_TIME AS OF";
    assert!(plan.warnings.iter().any(|warning| warning.contains(words)), "{:?}", plan.warnings);
    let mut task = open(TTL, &host);
    produce_timed(&host, (true, 0), Some('a'), 7, 1_000);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(60_000);
    produce_timed(&host, (true, 0), Some('b'), 8, 1_000);
    run_and_finish(&mut task, &host).unwrap();
    host.produce_record("r", 0, (0, Some(b"a"), None), &[]);
    run_and_finish(&mut task, &host).unwrap();
    for k in ['a', 'b'] {
        produce_timed(&host, (false, 0), Some(k), 1, 2_000);
    }
    for partition in 0..PARTITIONS {
        produce_timed(&host, (false, partition), Some('l'), 0, FAR);
        produce_timed(&host, (true, partition), Some('r'), 0, FAR);
    }
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [joined('a', 1, None, 2_000), joined('b', 1, Some(8), 2_000)]);
}
