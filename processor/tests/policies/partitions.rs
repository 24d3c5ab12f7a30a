//! Several tasks whose partitions wait for one another, and partitions that are added.

use std::sync::Arc;

use forebay_processor::host::Host;
use forebay_processor::job::{Progress, Stage, Subtask, SubtaskId, TaskError, TaskOptions, subtasks};
use forebay_processor::plan::JobPlan;

use super::parallel::{NEVER_IDLE, open};
use crate::support::host::MemoryHost;
use crate::support::plans::{INPUT, OUTPUT};
use crate::support::run_and_finish;
use crate::{host, metric, parallel, rows, send, table, try_plan};

/// Tasks that have read a row of `a` in the only partition, which is not the only one any more.
fn with_an_added_partition() -> (MemoryHost, Arc<JobPlan>, Vec<Subtask>) {
    let host = host(1);
    let plan = parallel(2, NEVER_IDLE);
    send(&host, 0, "a", &[1_000]);
    let mut tasks: Vec<Subtask> = subtasks(&plan).iter().map(|id| open(&plan, &host, id.stage, id.index)).collect();
    tasks.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
    host.add_partitions(INPUT, 2);
    (host, plan, tasks)
}

/// Late rows of a fast partition wait in the merging tasks until the slow one has come there. Those who read hear of it.
#[test]
fn a_fast_partition_waits_for_one_that_another_task_reads() {
    let host = host(2);
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT, x BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         SET 'parallelism.default' = '2';
         INSERT INTO metrics SELECT `user`, window_end, COUNT(*), SUM(100 / bytes)
           FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '10' SECOND))
           GROUP BY `user`, window_start, window_end;",
        table(NEVER_IDLE)
    );
    let plan = Arc::new(try_plan(&text).unwrap());
    // A task stops at 32,000 bytes of waiting rows; all of them take more than 400,000.
    let options = TaskOptions {
        step_bytes: 1,
        read_bytes: 1,
        aligned_read_bytes: 1,
        waiting_bytes: 4_000,
        ..TaskOptions::default()
    };
    let mut tasks: Vec<Subtask> =
        subtasks(&plan).iter().map(|id| Subtask::open(&plan, "job", *id, &host, options).unwrap()).collect();
    let mut round = |times: usize| {
        for _ in 0..times {
            for task in &mut tasks {
                task.step(&host).unwrap();
            }
            host.advance(200);
        }
        tasks.iter().map(Subtask::status).collect::<Vec<_>>()
    };
    send(&host, 0, "slow", &[1_000]);
    send(&host, 1, "fast", &[1_000_000]);
    (0..2_000).for_each(|n| send(&host, 1, &format!("late-{n:04}"), &[500_000]));
    let status = round(2_500);
    assert_eq!(status[1].waiting_for_others, [1], "the fast partition is not read on");
    assert!(status[1].lag() > 1_500, "{}", status[1].lag());
    send(&host, 0, "slow", &[1_100_000]);
    let status = round(4_500);
    assert_eq!(status.iter().map(|task| task.lag()).sum::<i64>(), 0);
    assert_eq!(status.iter().map(|task| task.late).sum::<u64>(), 2_000);
    assert_eq!(status[1].waiting_for_others, [] as [i32; 0]);
}

/// Nothing but the slow partition's own records lets the fast one be read on.
#[test]
fn partitions_wait_for_the_slowest_one_whichever_task_reads_it() {
    // Partition 2 is the other task's too, and nothing ever comes there; partition 3 is the fast one's neighbour.
    let host = host(4);
    let plan = parallel(2, &format!(", 'scan.watermark.alignment.max-drift' = '1 s'{NEVER_IDLE}"));
    let options = TaskOptions { step_bytes: 1, read_bytes: 1, aligned_read_bytes: 1, ..TaskOptions::default() };
    let locals = subtasks(&plan).into_iter().filter(|id| id.stage == Stage::Local);
    let mut locals: Vec<Subtask> = locals.map(|id| Subtask::open(&plan, "job", id, &host, options).unwrap()).collect();
    (0..100).for_each(|n| send(&host, 1, "fast", &[1_000 + n * 100]));
    let mut round = || {
        for _ in 0..250 {
            locals.iter_mut().for_each(|task| _ = task.step(&host).unwrap());
            host.advance(20);
        }
        let fast = locals[1].status();
        (fast.inputs[0].position, fast.waiting_for_others, locals[1].step(&host).unwrap())
    };
    let waiting = |position| (position, vec![1], Progress::Waiting { until: Some(host.now().plus_ms(20)) });
    // Watermarks are 2 s behind. One row more than fits is read: nobody knows its time before.
    send(&host, 0, "slow", &[1_000]);
    assert_eq!(round(), waiting(12), "up to 2,100");
    send(&host, 0, "slow", &[5_000]);
    assert_eq!(round(), waiting(52), "up to 6,100");
    send(&host, 0, "slow", &[50_000]);
    assert_eq!((round().0, locals[1].status().lag()), (100, 0));
}

/// A fast partition has no bound while another task has not said where it stands in one that has records.
#[test]
fn a_partition_that_nobody_has_read_yet_is_waited_for() {
    let host = host(2);
    let plan = parallel(2, &format!(", 'scan.watermark.alignment.max-drift' = '1 s'{NEVER_IDLE}"));
    let options = TaskOptions { step_bytes: 1, read_bytes: 1, aligned_read_bytes: 1, ..TaskOptions::default() };
    (0..2).for_each(|n| send(&host, 1, "fast", &[1_000 + n]));
    send(&host, 0, "slow", &[1_000]);
    let id = SubtaskId { pipeline: 0, stage: Stage::Local, index: 1, parallelism: 2 };
    let mut fast = Subtask::open(&plan, "job", id, &host, options).unwrap();
    (0..10).for_each(|_| _ = fast.step(&host).unwrap());
    assert_eq!(fast.status().inputs[0].position, 1);
    run_and_finish(&mut open(&plan, &host, Stage::Local, 0), &host).unwrap();
    (0..10).for_each(|_| _ = fast.step(&host).unwrap());
    assert_eq!(fast.status().inputs[0].position, 2);
}

#[test]
fn time_stands_until_a_partition_that_was_added_is_heard_of() {
    let (host, plan, mut tasks) = with_an_added_partition();
    send(&host, 0, "z", &[40_000]);
    send(&host, 1, "b", &[2_000]);
    // Whoever makes a step finds it, and the task of the old partition is the first to go on.
    assert!(matches!(tasks[0].step(&host).unwrap_err(), TaskError::Reopen(_)));
    tasks[0] = open(&plan, &host, Stage::Local, 0);
    for task in [0, 2, 3] {
        run_and_finish(&mut tasks[task], &host).unwrap();
    }
    assert!(rows(&host).is_empty(), "nobody has told of partition 1");
    // Nor does a merging task forget that.
    for index in 0..2 {
        tasks[2 + index] = open(&plan, &host, Stage::Global, index);
        run_and_finish(&mut tasks[2 + index], &host).unwrap();
    }
    assert!(rows(&host).is_empty());
    tasks[1] = open(&plan, &host, Stage::Local, 1);
    tasks.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
    send(&host, 1, "z", &[40_000]);
    tasks.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))]);
    assert_eq!(tasks.iter().map(|task| task.status().late).sum::<u64>(), 0);
}

#[test]
fn a_partition_that_is_added_is_read_by_the_task_it_falls_to() {
    let (host, plan, mut tasks) = with_an_added_partition();
    send(&host, 1, "b", &[2_000]);
    host.advance(10_000);
    for (index, task) in tasks[..2].iter_mut().enumerate() {
        assert!(matches!(task.step(&host).unwrap_err(), TaskError::Reopen(_)));
        *task = open(&plan, &host, Stage::Local, index);
    }
    (0..2).for_each(|partition| send(&host, partition, "z", &[40_000]));
    tasks.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))]);
}
