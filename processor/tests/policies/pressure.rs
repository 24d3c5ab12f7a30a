//! Backpressure: whatever waits in the log, a step takes a bounded part of it, and so does a commit.

use std::sync::Arc;

use forebay_processor::job::{Progress, TaskOptions};

use crate::support::plans::{INPUT, OUTPUT, click};
use crate::{host, open_with, send, stateless, table, try_plan, windowed};

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
