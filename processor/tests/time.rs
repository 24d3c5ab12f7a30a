//! Event time as a task sees it: which rows are late, when windows close, what an idle partition does.
#![allow(clippy::unwrap_used)]

mod support;

use forebay_processor::host::Host as _;
use forebay_processor::job::{Progress, Task, TaskOptions};
use forebay_storage::ids::Timestamp;
use support::host::MemoryHost;
use support::plans::{self, clicks, host, metric, rows};
use support::{run, run_and_finish};

/// Window of 10 s and watermark delay of 2 s, the case measured on Flink 2.2.1.
const SIZE: i64 = 10_000;
const DELAY: i64 = 2_000;

fn open(host: &MemoryHost, idle_timeout_ms: Option<i64>) -> Task {
    let plan = plans::tumbling(SIZE, idle_timeout_ms, false);
    Task::open(&plan, "job", 0, host, TaskOptions::default()).unwrap()
}

fn send(host: &MemoryHost, partition: i32, user: &str, times: &[i64]) {
    clicks(host, partition, user, times, DELAY);
}

fn one(user: &str, start: i64, count: i64) -> String {
    metric(user, start, start + SIZE, count, Some(count), Some(1))
}

#[test]
fn a_window_closes_when_the_watermark_reaches_its_last_millisecond() {
    let host = host(1);
    let mut task = open(&host, Some(0));
    send(&host, 0, "a", &[0, 9_999, 11_998]);
    run(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty(), "11,998 leaves [0, 10 s) open");
    send(&host, 0, "a", &[11_999]);
    run(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [one("a", 0, 2)], "11,999 closes it");
}

#[test]
fn a_row_is_late_once_its_window_was_closed_by_the_rows_before_it() {
    let host = host(1);
    let mut task = open(&host, Some(0));
    // All in one batch: what counts is the order in the log, not when it is read.
    send(&host, 0, "a", &[5_000, 11_998, 4_000, 11_999, 9_999, 10_000]);
    run(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [one("a", 0, 2)]);
    assert_eq!(task.status().late, 1, "9,999 came after 11,999");
    send(&host, 0, "a", &[30_000]);
    run(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [one("a", 0, 2), one("a", 10_000, 3)]);
}

#[test]
fn windows_before_1970_are_where_flink_has_them() {
    let host = host(1);
    let mut task = open(&host, Some(0));
    send(&host, 0, "a", &[-10_001, -10_000, -1, 0, 40_000]);
    run(&mut task, &host).unwrap();
    let mut expected = [one("a", -20_000, 1), one("a", -10_000, 2), one("a", 0, 1)];
    expected.sort();
    assert_eq!(rows(&host), expected);
}

#[test]
fn the_slowest_partition_decides_and_its_rows_are_not_late() {
    let host = host(2);
    let mut task = open(&host, Some(0));
    send(&host, 0, "a", &[1_000, 100_000]);
    run(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty());
    send(&host, 1, "b", &[2_000, 14_000]);
    run(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [one("a", 0, 1), one("b", 0, 1)]);
    assert_eq!(task.status().late, 0);
    assert_eq!(task.status().watermark, Some(12_000));
}

#[test]
fn a_timeout_of_zero_lets_an_empty_partition_hold_everything() {
    let host = host(2);
    let mut task = open(&host, Some(0));
    send(&host, 0, "a", &[1_000, 100_000]);
    run(&mut task, &host).unwrap();
    host.advance(100_000_000);
    run(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty());
}

#[test]
fn a_partition_at_its_end_for_the_timeout_is_idle_and_wakes_the_task_for_it() {
    let host = host(2);
    let mut task = open(&host, Some(500));
    send(&host, 0, "a", &[1_000, 100_000]);
    task.step(&host).unwrap();
    task.finish(&host).unwrap();
    assert_eq!(task.step(&host).unwrap(), Progress::Waiting { until: Some(Timestamp(500)) });
    host.advance(499);
    send(&host, 0, "a", &[101_000]);
    run(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty(), "1 ms too early");
    host.advance(1);
    run(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [one("a", 0, 1)]);
    let status = task.status();
    assert!(status.inputs[1].idle && !status.inputs[0].idle);
}

#[test]
fn a_partition_that_is_behind_is_not_idle() {
    let host = host(3);
    let plan = plans::tumbling(SIZE, Some(500), false);
    // One batch a step: each partition has something to read for a long time, and waits for longer than the timeout for its turn.
    let options = TaskOptions { step_bytes: 1, ..TaskOptions::default() };
    let mut task = Task::open(&plan, "job", 0, &host, options).unwrap();
    for n in 0..10 {
        send(&host, 0, "a", &[n * 100_000]);
        send(&host, 1, "b", &[n * 100]);
        send(&host, 2, "c", &[n * 100_000]);
    }
    for _ in 0..27 {
        assert_eq!(task.step(&host).unwrap(), Progress::Busy);
        assert!(task.status().inputs.iter().all(|input| !input.idle));
        host.advance(400);
    }
    assert!(rows(&host).is_empty(), "partition 1 still counts, however long it takes");
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(task.status().late, 0);
}

#[test]
fn idleness_and_watermarks_survive_a_restart() {
    let host = host(2);
    let mut task = open(&host, Some(500));
    send(&host, 0, "a", &[1_000, 50_000]);
    run(&mut task, &host).unwrap();
    host.advance(500);
    run_and_finish(&mut task, &host).unwrap();
    let before = task.status();
    assert_eq!(rows(&host), [one("a", 0, 1)]);
    drop(task);
    // All are idle now: the maximum was taken, 48,000.
    assert_eq!(before.watermark, Some(48_000));
    let task = open(&host, Some(500));
    let after = task.status();
    assert_eq!((after.watermark, &after.inputs), (before.watermark, &before.inputs));
}

#[test]
fn a_returning_partition_loses_only_rows_of_closed_windows() {
    let host = host(2);
    let mut task = open(&host, Some(500));
    send(&host, 0, "a", &[1_000, 35_000]);
    run(&mut task, &host).unwrap();
    host.advance(499);
    // Partition 0 stays awake, partition 1 does not.
    send(&host, 0, "a", &[35_001]);
    run(&mut task, &host).unwrap();
    host.advance(1);
    run(&mut task, &host).unwrap();
    assert_eq!(task.status().watermark, Some(33_001));
    // [0, 10 s) is closed, [30 s, 40 s) is open.
    send(&host, 1, "b", &[2_000, 31_000]);
    run(&mut task, &host).unwrap();
    assert_eq!(task.status().late, 1);
    // Partition 1 stands at 29,000 and does not hold partition 0 back: it has not caught up.
    send(&host, 0, "a", &[60_000]);
    run(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [one("a", 0, 1), one("a", 30_000, 2), one("b", 30_000, 1)]);
    // Now it has, and counts again.
    send(&host, 1, "b", &[70_000]);
    send(&host, 0, "a", &[100_000]);
    run(&mut task, &host).unwrap();
    assert_eq!(task.status().watermark, Some(68_000));
}

#[test]
fn by_default_no_pause_of_a_client_makes_a_partition_idle() {
    let host = host(3);
    let mut task = open(&host, None);
    send(&host, 0, "a", &[1_000, 100_000]);
    send(&host, 1, "b", &[1_000]);
    run(&mut task, &host).unwrap();
    // Longer than librdkafka takes to reconnect: nothing is idle, so late data of partitions 1 and 2 would still be in time.
    host.advance(13_000);
    run(&mut task, &host).unwrap();
    assert!(task.status().inputs.iter().all(|input| !input.idle));
    // The partition that never had data is left out first, then the one that had.
    host.advance(2_000);
    run(&mut task, &host).unwrap();
    let idle = |task: &Task| task.status().inputs.iter().map(|input| input.idle).collect::<Vec<_>>();
    assert_eq!(idle(&task), [false, false, true]);
    host.advance(45_000);
    run(&mut task, &host).unwrap();
    assert_eq!(idle(&task), [true, true, true]);
    assert_eq!(rows(&host), [one("a", 0, 1), one("b", 0, 1)]);
}

#[test]
fn time_that_moves_without_records_is_committed_at_most_once_a_second() {
    let host = host(2);
    let mut task = open(&host, Some(100));
    assert_eq!(task.step(&host).unwrap(), Progress::Waiting { until: Some(Timestamp(100)) });
    assert_eq!(host.commits(), 0);
    host.advance(100);
    run(&mut task, &host).unwrap();
    assert_eq!(host.commits(), 0, "both have become idle, which can wait");
    host.advance(900);
    run(&mut task, &host).unwrap();
    assert_eq!(host.commits(), 1);
    for _ in 0..10 {
        host.advance(1_000);
        run(&mut task, &host).unwrap();
    }
    assert_eq!(host.commits(), 1, "never an empty commit");
    assert_eq!(host.now(), Timestamp(11_000));
}
