//! Backpressure: whatever waits in the log, a step takes a bounded part of it, and so does a commit.

use std::sync::Arc;

use forebay_processor::job::{Progress, Stage, Subtask, SubtaskId, TaskOptions};

use crate::support::plans::{INPUT, OUTPUT, click};
use crate::support::run_and_finish;
use crate::{host, open, open_with, parallel, send, stateless, table, try_plan, windowed};

const STEP: usize = 64 * 1024;

fn options() -> TaskOptions {
    TaskOptions { step_bytes: STEP, read_bytes: 16 * 1024, output_bytes: 16 * 1024, ..TaskOptions::default() }
}

#[test]
fn a_backlog_is_taken_in_bounded_commits() {
    let host = host(3);
    let batch: Vec<_> = (0..100).map(|n| Some(click(&format!("user-{n}"), Some(1), n, 0))).collect();
    for n in 0..600 {
        host.produce(INPUT, n % 3, &batch);
    }
    let mut task = open_with(&stateless(""), &host, options()).unwrap();
    let mut steps = 0;
    while task.step(&host).unwrap() == Progress::Busy {
        steps += 1;
    }
    assert!(steps > 20, "{steps} steps for 4 MB");
    // The rows are smaller than the records they come from; one batch of input may lie over the edge.
    assert!(host.largest_commit() < STEP + 16 * 1024, "{}", host.largest_commit());
    assert_eq!(host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>(), 60_000);
}

/// Commits of a task that takes in 60 batches one by one, counting as far behind while so many records are left, and after how many it had
/// 50 unread.
fn commits(options: TaskOptions, pause_ms: i64) -> (u64, u64) {
    let host = host(1);
    for n in 0..60 {
        let batch: Vec<_> = (0..10).map(|user| Some(click(&format!("user-{user}"), Some(1), n * 1_000, 0))).collect();
        host.produce(INPUT, 0, &batch);
    }
    let mut task = open_with(&stateless(""), &host, TaskOptions { step_bytes: 1, ..options }).unwrap();
    let mut early = 0;
    while task.step(&host).unwrap() == Progress::Busy {
        host.advance(pause_ms);
        if task.status().lag() >= 50 {
            early = host.commits();
        }
    }
    assert_eq!(host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>(), 600);
    assert_eq!(task.status().lag(), 0);
    (early, host.commits())
}

#[test]
fn a_task_that_is_far_behind_commits_less_often() {
    let far_behind = TaskOptions { behind_records: 50, ..TaskOptions::default() };
    assert_eq!(commits(TaskOptions::default(), 0), (55, 60), "one a step");
    assert_eq!(commits(far_behind, 0), (1, 6), "all but the last steps in one");
    // Not for longer than they may wait, where each step takes 3 ms.
    let (early, _) = commits(TaskOptions { behind_commit_ms: 30, ..far_behind }, 3);
    assert_eq!(early, 5);
    let (early, _) = commits(TaskOptions { behind_bytes: 1, ..far_behind }, 0);
    assert_eq!(early, 55, "nor for more input");
    let (early, _) = commits(TaskOptions { output_bytes: 1_000, ..far_behind }, 0);
    assert!((10..55).contains(&early), "nor for more output: {early}");
    // Others run between its steps; there is none before the first.
    assert_eq!(commits(far_behind, 6).0, 54);
}

#[test]
fn many_windows_that_close_at_once_are_put_out_over_several_commits() {
    let host = host(1);
    for window in 0..200 {
        let batch: Vec<_> = (0..50).map(|n| Some(click(&format!("user-{n}"), Some(1), window * 10_000, 0))).collect();
        host.produce(INPUT, 0, &batch);
    }
    // All is read in one step; the delay of 2 s leaves the last two open.
    let mut task = open_with(&windowed(""), &host, TaskOptions { step_bytes: 1 << 20, ..options() }).unwrap();
    while task.step(&host).unwrap() == Progress::Busy {}
    assert_eq!(host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>(), 198 * 50);
    // A limit of 16 KiB, one window of 50 rows, and the state's changes of the step.
    assert!(host.commits() > 20, "{} commits", host.commits());
}

#[test]
fn the_corrections_of_late_rows_are_put_out_over_several_commits() {
    let host = host(1);
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, window_end, COUNT(*)
           FROM TABLE(HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '100' SECOND))
           GROUP BY `user`, window_start, window_end;",
        table(", 'forebay.allowed-lateness' = '1000 s'")
    );
    let plan = Arc::new(try_plan(&text).unwrap());
    let mut task = open_with(&plan, &host, options()).unwrap();
    send(&host, 0, "a", &[400_000]);
    while task.step(&host).unwrap() == Progress::Busy {}
    let before = host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>();
    // One batch, and 100 windows of each row are corrected.
    send(&host, 0, "a", &[100_000; 300]);
    while task.step(&host).unwrap() == Progress::Busy {}
    let corrected = host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>() - before;
    assert_eq!(corrected, 300 * 100);
    // A limit of 16 KiB, and the rows of one record at 100 bytes each.
    assert!(host.largest_commit() < 2 * 16 * 1024, "{}", host.largest_commit());
    assert_eq!(task.status().records_in, 301, "no record is taken twice");
    drop(task);
    let mut task = open_with(&plan, &host, options()).unwrap();
    while task.step(&host).unwrap() == Progress::Busy {}
    assert_eq!(task.status().records_in, 0, "all of it is committed");
}

#[test]
fn a_step_ends_in_time_however_slow_its_records_are() {
    let host = host(1);
    let batch: Vec<_> = (0..1_000).map(|n| Some(click(&format!("user-{n:03}"), Some(1), n, 0))).collect();
    host.produce(INPUT, 0, &batch);
    let mut task = open(&stateless(""), &host);
    // As if each record took 30 ms; a step has 100 ms.
    host.slow(30_000);
    assert_eq!(task.step(&host).unwrap(), Progress::Busy);
    assert_eq!(task.status().records_in, 3);
    assert_eq!(host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>(), 3, "they are committed");
    // The rest of the batch is taken by whoever comes next, and nothing twice.
    let mut task = open(&stateless(""), &host);
    host.slow(0);
    while task.step(&host).unwrap() == Progress::Busy {}
    let expected: Vec<String> = (0..1_000).map(|n| format!(r#"{{"user":"user-{n:03}","x":100}}"#)).collect();
    assert_eq!(host.consume(OUTPUT).into_iter().flatten().collect::<Vec<_>>(), expected);
}

/// Commits of a task that merges what 60 batches have brought, a window each, counting as far behind while so many records are left.
fn merging_commits(behind_records: u64) -> u64 {
    let host = host(1);
    for window in 0..60 {
        let batch: Vec<_> =
            (0..10).map(|user| Some(click(&format!("user-{user}"), Some(1), window * 10_000, 0))).collect();
        host.produce(INPUT, 0, &batch);
    }
    let plan = parallel(2, "");
    let options = TaskOptions { step_bytes: 1, behind_records, ..TaskOptions::default() };
    let open = |stage, index, options| {
        Subtask::open(&plan, "job", SubtaskId { pipeline: 0, stage, index, parallelism: 2 }, &host, options).unwrap()
    };
    run_and_finish(&mut open(Stage::Local, 0, TaskOptions { step_bytes: 1, ..TaskOptions::default() }), &host).unwrap();
    let before = host.commits();
    (0..2).for_each(|index| run_and_finish(&mut open(Stage::Global, index, options), &host).unwrap());
    // The last window stays open, and the delay keeps the one before.
    assert_eq!(host.consume(OUTPUT).iter().map(Vec::len).sum::<usize>(), 58 * 10);
    host.commits() - before
}

#[test]
fn a_merging_task_that_is_far_behind_commits_less_often() {
    let (each_step, far_behind) = (merging_commits(u64::MAX), merging_commits(50));
    assert!(each_step >= 2 * 58, "each window closes in a step of both tasks: {each_step}");
    assert!(far_behind < each_step / 2, "{far_behind} instead of {each_step}");
}
