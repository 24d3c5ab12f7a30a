//! Silence and drift: `forebay.close-after-idle`, `scan.watermark.alignment.max-drift`, and partitions that are added.

use std::sync::Arc;

use forebay_processor::job::{Progress, TaskError, TaskOptions};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::Timestamp;

use crate::support::plans::{INPUT, OUTPUT};
use crate::support::{run, run_and_finish};
use crate::{host, metric, open, open_with, rows, send, table, try_plan, windowed};

#[test]
fn when_nothing_comes_any_more_the_open_windows_close_once() {
    let host = host(2);
    let plan = windowed(", 'forebay.close-after-idle' = '3 s', 'scan.watermark.idle-timeout' = '0'");
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000, 15_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty(), "partition 1 holds everything");
    host.advance(1_000);
    send(&host, 0, "a", &[16_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(task.step(&host).unwrap(), Progress::Waiting { until: Some(Timestamp(4_000)) });
    host.advance(2_999);
    run(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty(), "1 ms too early");
    host.advance(1);
    run_and_finish(&mut task, &host).unwrap();
    let closed = [metric("a", 10_000, 1, Some(100)), metric("a", 20_000, 2, Some(200))];
    assert_eq!(rows(&host), closed);
    // It is part of the commit: after a restart the windows are still closed, and what comes for them is late.
    drop(task);
    let mut task = open(&plan, &host);
    send(&host, 1, "b", &[2_000, 21_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!((task.status().late, task.status().watermark), (1, Some(19_999)));
    host.advance(10_000);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [closed[0].clone(), closed[1].clone(), metric("b", 30_000, 1, Some(100))]);
}

#[test]
fn silence_is_counted_anew_after_a_restart_also_where_all_partitions_were_idle() {
    let host = host(1);
    let plan = windowed(", 'forebay.close-after-idle' = '60 s', 'scan.watermark.idle-timeout' = '1 s'");
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000]);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(1_000);
    run_and_finish(&mut task, &host).unwrap();
    drop(task);
    let mut task = open(&plan, &host);
    run_and_finish(&mut task, &host).unwrap();
    host.advance(60_000);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100))]);
}

#[test]
fn a_partition_that_has_ended_does_not_keep_the_others_from_being_quiet() {
    let host = host(2);
    let ends = "'scan.bounded.specific-offsets' = 'partition:0,offset:2;partition:1,offset:5'";
    let plan = windowed(&format!(
        ", 'scan.bounded.mode' = 'specific-offsets', {ends}, 'forebay.close-after-idle' = '3 s', 'scan.watermark.idle-timeout' = '0'"
    ));
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000, 15_000]);
    send(&host, 1, "b", &[2_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert!(rows(&host).is_empty(), "partition 1 holds everything");
    host.advance(3_000);
    run_and_finish(&mut task, &host).unwrap();
    let closed =
        [metric("a", 10_000, 1, Some(100)), metric("a", 20_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))];
    assert_eq!(rows(&host), closed);
}

#[test]
fn a_fast_partition_waits_for_a_slow_one_and_state_stays_small() {
    let drift = ", 'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '60 s'";
    let largest = |options: &str| {
        let host = host(2);
        // Partition 0 has an hour in each of its records, partition 1 a second.
        (0..100).for_each(|n| send(&host, 0, "a", &[n * 3_600_000]));
        (0..100).for_each(|n| send(&host, 1, "b", &[n * 1_000]));
        let options_of_task = TaskOptions { step_bytes: 1, read_bytes: 1, ..TaskOptions::default() };
        let mut task = open_with(&windowed(options), &host, options_of_task).unwrap();
        let mut largest = 0;
        loop {
            let progress = task.step(&host).unwrap();
            largest = largest.max(task.status().open_windows);
            if let Progress::Waiting { .. } = progress {
                break (largest, task.status());
            }
        }
    };
    let (without, _) = largest(", 'scan.watermark.idle-timeout' = '0'");
    let (with, status) = largest(&format!("{drift}, 'scan.watermark.idle-timeout' = '0'"));
    assert!(without > 80 && with < 10, "{without} open windows without alignment, {with} with it");
    assert_eq!(status.waiting_for_others, [0], "it waits, and is not taken for idle");
    assert!(status.inputs[0].lag > 90 && status.inputs[1].lag == 0);
}

#[test]
fn who_waits_goes_on_when_the_slow_one_is_idle() {
    let host = host(2);
    let options = ", 'scan.watermark.alignment.max-drift' = '60 s', 'scan.watermark.idle-timeout' = '5 s'";
    let one_by_one = TaskOptions { step_bytes: 1, ..TaskOptions::default() };
    let mut task = open_with(&windowed(options), &host, one_by_one).unwrap();
    send(&host, 1, "b", &[0]);
    run_and_finish(&mut task, &host).unwrap();
    (0..5).for_each(|n| send(&host, 0, "a", &[n * 3_600_000]));
    host.advance(4_999);
    run_and_finish(&mut task, &host).unwrap();
    assert!(!task.status().waiting_for_others.is_empty());
    host.advance(1);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(task.status().lag(), 0);
}

#[test]
fn a_partition_that_is_added_is_read_from_its_first_record_on() {
    let host = host(1);
    let plan = windowed(", 'scan.startup.mode' = 'latest-offset', 'scan.watermark.idle-timeout' = '0'");
    let mut task = open(&plan, &host);
    send(&host, 0, "a", &[1_000]);
    run_and_finish(&mut task, &host).unwrap();
    host.add_partitions(INPUT, 2);
    send(&host, 1, "b", &[2_000]);
    host.advance(TaskOptions::default().discovery_ms);
    let error = run(&mut task, &host).unwrap_err();
    assert!(matches!(error, TaskError::Reopen(_)), "{error:?}");
    let mut task = open(&plan, &host);
    (0..2).for_each(|partition| send(&host, partition, "z", &[50_000]));
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))]);
}

/// Nothing of an empty partition is behind; it holds the windows, but not the reading.
#[test]
fn alignment_does_not_wait_for_a_partition_where_nothing_has_ever_come() {
    let host = host(3);
    let options = ", 'scan.watermark.alignment.max-drift' = '60 s', 'scan.watermark.idle-timeout' = '0'";
    (0..5).for_each(|n| send(&host, 0, "a", &[n * 3_600_000]));
    (0..5).for_each(|n| send(&host, 1, "b", &[n * 3_600_000]));
    let one_by_one = TaskOptions { step_bytes: 1, ..TaskOptions::default() };
    let mut task = open_with(&windowed(options), &host, one_by_one).unwrap();
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!((task.status().lag(), rows(&host).len()), (0, 0));
    // Once something has come it is one like the others.
    send(&host, 2, "c", &[0]);
    run_and_finish(&mut task, &host).unwrap();
    send(&host, 0, "a", &[50 * 3_600_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(task.status().waiting_for_others, [0]);
}

/// Sessions of 10 s by user.
fn sessions() -> Arc<JobPlan> {
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT, x BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, window_end, COUNT(*), SUM(100 / bytes)
           FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '10' SECOND))
           GROUP BY `user`, window_start, window_end;",
        table(", 'scan.watermark.idle-timeout' = '0'")
    );
    Arc::new(try_plan(&text).unwrap())
}

fn few_waiting() -> TaskOptions {
    TaskOptions { step_bytes: 1, read_bytes: 1, waiting_bytes: 4_000, ..TaskOptions::default() }
}

#[test]
fn rows_that_wait_for_their_place_in_a_session_are_few() {
    let host = host(2);
    let mut task = open_with(&sessions(), &host, few_waiting()).unwrap();
    send(&host, 0, "slow", &[1_000]);
    send(&host, 1, "fast", &[1_000_000]);
    // All of them late, as will be known when partition 0 has come there.
    (0..500).for_each(|n| send(&host, 1, &format!("late-{n:03}"), &[500_000]));
    run_and_finish(&mut task, &host).unwrap();
    let status = task.status();
    assert_eq!(status.waiting_for_others, [1]);
    assert!((4_000..8_000).contains(&status.state_bytes), "they count as state, and are few: {}", status.state_bytes);
    send(&host, 0, "slow", &[1_100_000]);
    run_and_finish(&mut task, &host).unwrap();
    let status = task.status();
    assert_eq!((status.lag(), status.late), (0, 500), "{status:?}");
    // What waits is weighed again after a restart.
    send(&host, 1, "later", &[1_200_000]);
    (0..500).for_each(|n| send(&host, 1, &format!("late-{n:03}"), &[1_100_001]));
    run_and_finish(&mut task, &host).unwrap();
    let before = task.status();
    let task = open_with(&sessions(), &host, few_waiting()).unwrap();
    assert_eq!(task.status().waiting_for_others, [] as [i32; 0], "it has not looked yet");
    assert!(before.state_bytes > 4_000 && task.status().state_bytes > 4_000);
}

#[test]
fn a_slow_partition_of_late_rows_stops_the_job_before_memory_does() {
    let host = host(2);
    let mut task = open_with(&sessions(), &host, few_waiting()).unwrap();
    // Rows of partition 0 at the very same watermark would go first.
    send(&host, 0, "same", &[1_000_000]);
    send(&host, 1, "slow", &[1_000_000]);
    (0..2_000).for_each(|n| send(&host, 1, &format!("late-{n:03}"), &[500_000]));
    let error = run_and_finish(&mut task, &host).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("wait to be placed in sessions")), "{error}");
}
