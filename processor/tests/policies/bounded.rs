//! `scan.bounded.mode`: input that ends (Flink: the watermark is at its maximum then, and everything fires).

use forebay_processor::job::{Progress, TaskOptions};

use crate::support::plans::INPUT;
use crate::{host, metric, open, open_with, rows, send, windowed};

#[test]
fn at_the_end_everything_fires_and_the_task_is_done_for_good() {
    let host = host(3);
    send(&host, 0, "a", &[1_000, 100_000]);
    send(&host, 1, "b", &[2_000]);
    // Partition 2 is empty, and partition 1 far behind: neither holds back anything.
    let plan = windowed(", 'scan.bounded.mode' = 'latest-offset'");
    let mut task = open(&plan, &host);
    // What comes after the start is not read, even if it is there before the first step.
    send(&host, 1, "late", &[3_000]);
    assert_eq!(task.step(&host).unwrap(), Progress::Finished);
    let expected =
        [metric("a", 10_000, 1, Some(100)), metric("a", 110_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))];
    assert_eq!(rows(&host), expected);
    assert!(task.status().finished && task.status().lag() == 0);
    assert_eq!(host.committed_offset("job", INPUT, 1).unwrap().offset.0, 1);
    drop(task);
    let commits = host.commits();
    let mut again = open(&plan, &host);
    assert_eq!(again.step(&host).unwrap(), Progress::Finished);
    assert_eq!((rows(&host).len(), host.commits()), (3, commits), "a restart finds it done");
}

#[test]
fn the_end_stays_where_it_was_over_a_restart() {
    let host = host(1);
    (0..10).for_each(|n| send(&host, 0, "a", &[n]));
    let plan = windowed(", 'scan.bounded.mode' = 'latest-offset'");
    let options = TaskOptions { step_bytes: 1, ..TaskOptions::default() };
    let mut task = open_with(&plan, &host, options).unwrap();
    (0..3).for_each(|_| assert_eq!(task.step(&host).unwrap(), Progress::Busy));
    task.finish(&host).unwrap();
    (0..10).for_each(|n| send(&host, 0, "a", &[n]));
    let mut task = open(&plan, &host);
    assert_eq!(task.step(&host).unwrap(), Progress::Finished);
    assert_eq!(rows(&host), [metric("a", 10_000, 10, Some(1_000))]);
}

#[test]
fn an_end_inside_of_a_batch_is_kept_to_and_one_ahead_is_waited_for() {
    let host = host(2);
    send(&host, 0, "a", &[1, 2, 3, 4]);
    send(&host, 1, "b", &[1]);
    let ends = "'scan.bounded.specific-offsets' = 'partition:0,offset:3;partition:1,offset:2'";
    let mut task = open(&windowed(&format!(", 'scan.bounded.mode' = 'specific-offsets', {ends}")), &host);
    assert!(matches!(task.step(&host).unwrap(), Progress::Waiting { .. }));
    assert!(rows(&host).is_empty());
    send(&host, 1, "b", &[2, 3]);
    assert_eq!(task.step(&host).unwrap(), Progress::Finished);
    assert_eq!(rows(&host), [metric("a", 10_000, 3, Some(300)), metric("b", 10_000, 2, Some(200))]);
}

#[test]
fn nothing_to_read_is_done_at_once() {
    let host = host(2);
    let mut task = open(&windowed(", 'scan.bounded.mode' = 'latest-offset'"), &host);
    assert_eq!(task.step(&host).unwrap(), Progress::Finished);
}
