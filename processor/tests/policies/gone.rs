//! What a job was to read is gone or is another's: retention that was faster, topics made anew, and partitions that are added.

use std::sync::Arc;

use forebay_processor::host::Host;
use forebay_processor::job::{Stage, Subtask, SubtaskId, TaskError, TaskOptions, why};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::{Offset, TopicPartition};

use crate::support::host::MemoryHost;
use crate::support::plans::INPUT;
use crate::support::world::World;
use crate::support::{run, run_and_finish};
use crate::{host, metric, open, open_with, parallel, rows, send, windowed};

const NEVER_IDLE: &str = ", 'scan.watermark.idle-timeout' = '0'";
const EARLIEST: &str = ", 'properties.auto.offset.reset' = 'earliest', 'scan.watermark.idle-timeout' = '0'";
const LATEST: &str = ", 'properties.auto.offset.reset' = 'latest', 'scan.watermark.idle-timeout' = '0'";

/// Deletes what lies before `before`, as retention does.
fn delete_records(host: &MemoryHost, before: i64) {
    host.trim(&TopicPartition::new(INPUT, 0), Offset(before)).unwrap();
}

fn make_anew(host: &MemoryHost, partitions: i32) {
    host.delete_topic(INPUT);
    host.create_topic(INPUT, partitions);
}

fn refused(plan: &Arc<JobPlan>, host: &MemoryHost) -> String {
    match open_with(plan, host, TaskOptions::default()) {
        Err(TaskError::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// A job that has read a first batch, and what it was to read then.
fn behind() -> MemoryHost {
    let host = host(1);
    let mut task = open(&windowed(NEVER_IDLE), &host);
    send(&host, 0, "a", &[1_000]);
    run_and_finish(&mut task, &host).unwrap();
    for at in [2_000, 3_000, 15_000] {
        send(&host, 0, "a", &[at]);
    }
    host
}

#[test]
fn records_that_are_deleted_before_they_are_read_stop_the_job_unless_its_table_says_where_to_go_on() {
    let host = behind();
    delete_records(&host, 3);
    let why_not = refused(&windowed(NEVER_IDLE), &host);
    for part in [
        "were deleted before they were read",
        "offset 1 of clicks-0, which has 3 to 4",
        "'properties.auto.offset.reset'",
    ] {
        assert!(why_not.contains(part), "{part} is not in: {why_not}");
    }
    let mut task = open(&windowed(EARLIEST), &host);
    let reasons = why(&task.status(), 0);
    assert!(reasons.iter().any(|reason| reason.contains("it went on at 3")), "{reasons:?}");
    run_and_finish(&mut task, &host).unwrap();
    // It is committed: the next owner has nothing to tell.
    let mut task = open(&windowed(NEVER_IDLE), &host);
    assert!(task.status().inputs.iter().all(|input| input.gap.is_none()));
    send(&host, 0, "z", &[40_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100)), metric("a", 20_000, 1, Some(100))]);
}

#[test]
fn or_from_the_end() {
    let host = behind();
    delete_records(&host, 3);
    let mut task = open(&windowed(LATEST), &host);
    send(&host, 0, "z", &[40_000]);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100))]);
}

#[test]
fn a_running_job_is_opened_again_when_its_next_record_is_gone() {
    let host = behind();
    let mut task = open(&windowed(NEVER_IDLE), &host);
    delete_records(&host, 3);
    let error = run(&mut task, &host).unwrap_err();
    assert!(matches!(&error, TaskError::Reopen(why) if why.contains("offset 1 of clicks-0")), "{error:?}");
}

#[test]
fn offsets_mean_nothing_in_a_topic_that_was_made_anew() {
    for running in [true, false] {
        let host = host(1);
        let mut task = open(&windowed(NEVER_IDLE), &host);
        send(&host, 0, "a", &[1_000, 2_000]);
        run_and_finish(&mut task, &host).unwrap();
        make_anew(&host, 1);
        // More than there was: the old position is in the log.
        send(&host, 0, "b", &[5_000, 6_000, 7_000]);
        if running {
            let error = run(&mut task, &host).unwrap_err();
            assert!(matches!(&error, TaskError::Reopen(why) if why.contains("made anew")), "{error:?}");
        }
        drop(task);
        let why_not = refused(&windowed(NEVER_IDLE), &host);
        assert!(why_not.contains("was deleted and made anew") && why_not.contains("auto.offset.reset"), "{why_not}");
        let mut task = open(&windowed(EARLIEST), &host);
        send(&host, 0, "z", &[40_000]);
        run_and_finish(&mut task, &host).unwrap();
        assert_eq!(rows(&host), [metric("a", 10_000, 2, Some(200)), metric("b", 10_000, 3, Some(300))]);
        assert!(open(&windowed(NEVER_IDLE), &host).status().inputs[0].gap.is_none(), "it is the topic's now");
    }
}

/// Neither the end of a bounded input nor its time is that of another topic.
#[test]
fn a_topic_that_was_made_anew_begins_with_its_own_time_and_end() {
    for bounded in ["", ", 'scan.bounded.mode' = 'latest-offset'"] {
        let plan = windowed(&format!("{EARLIEST}{bounded}"));
        let host = host(1);
        send(&host, 0, "a", &[1_000, 60_000]);
        run_and_finish(&mut open(&plan, &host), &host).unwrap();
        let before = rows(&host);
        assert_eq!(before[0], metric("a", 10_000, 1, Some(100)));
        make_anew(&host, 1);
        send(&host, 0, "b", &[2_000, 3_000, 70_000]);
        let mut task = open(&plan, &host);
        run_and_finish(&mut task, &host).unwrap();
        assert_eq!(task.status().late, 0, "{bounded}");
        let new: Vec<_> = rows(&host).into_iter().filter(|row| !before.contains(row)).collect();
        assert_eq!(new[0], metric("b", 10_000, 2, Some(200)), "{bounded}");
    }
}

/// Also where other tasks have the windows, and the new topic has fewer partitions.
#[test]
fn windows_of_a_topic_that_is_gone_are_dropped_where_several_tasks_merge() {
    let mut world = World::new(host(2), parallel(2, EARLIEST), TaskOptions::default());
    (0..2).for_each(|partition| send(&world.host, partition, "a", &[1_000, 12_000]));
    (0..2).for_each(|partition| send(&world.host, partition, "a", &[13_000]));
    world.finish();
    let before = [metric("a", 10_000, 2, Some(200))];
    assert_eq!(rows(&world.host), before, "one window is open");
    make_anew(&world.host, 1);
    send(&world.host, 0, "b", &[15_000, 16_000]);
    world.finish();
    let gaps: Vec<String> = world.status().inputs.iter().filter_map(|input| input.gap.clone()).collect();
    assert!(gaps.iter().any(|gap| gap.contains("1 open windows of the old one were dropped")), "{gaps:?}");
    // Whoever takes over finds nothing of it either.
    let mut again = World::new(world.host, parallel(2, EARLIEST), TaskOptions::default());
    send(&again.host, 0, "z", &[40_000]);
    again.finish();
    assert_eq!(rows(&again.host), [&before[..], &[metric("b", 20_000, 2, Some(200))]].concat());
    assert_eq!(again.status().late, 0);
}

/// Between two steps, or in the middle of one.
#[test]
fn no_position_is_committed_for_a_topic_that_was_made_anew_meanwhile() {
    let host = host(1);
    let mut task = open(&windowed(NEVER_IDLE), &host);
    send(&host, 0, "a", &[1_000, 2_000]);
    run(&mut task, &host).unwrap();
    let commits = host.commits();
    make_anew(&host, 1);
    send(&host, 0, "b", &[5_000]);
    let error = task.finish(&host).unwrap_err();
    assert!(matches!(&error, TaskError::Reopen(_)), "{error:?}");
    assert_eq!(host.commits(), commits);
    host.delete_topic(INPUT);
    let error = open_with(&windowed(NEVER_IDLE), &host, TaskOptions::default()).unwrap_err();
    assert!(matches!(&error, TaskError::Retry(why) if why.contains("does not exist")), "{error:?}");
}

const FROM_NOW: &str = ", 'scan.startup.mode' = 'latest-offset', 'scan.watermark.idle-timeout' = '0'";

/// One of the reading tasks had no partition before.
#[test]
fn a_partition_that_is_added_is_read_from_its_first_record_on_whichever_task_gets_it() {
    let host = host(1);
    send(&host, 0, "before", &[500]);
    let mut world = World::new(host, parallel(3, FROM_NOW), TaskOptions::default());
    world.finish();
    send(&world.host, 0, "a", &[1_000]);
    world.finish();
    world.host.add_partitions(INPUT, 3);
    (0..3).for_each(|partition| send(&world.host, partition, "b", &[2_000 + i64::from(partition)]));
    world.host.advance(TaskOptions::default().discovery_ms);
    world.finish();
    (0..3).for_each(|partition| send(&world.host, partition, "z", &[50_000]));
    world.finish();
    assert_eq!(rows(&world.host), [metric("a", 10_000, 1, Some(100)), metric("b", 10_000, 3, Some(300))]);
}

#[test]
fn a_task_that_starts_after_the_others_is_no_partition_that_was_added() {
    let host = host(2);
    (0..2).for_each(|partition| send(&host, partition, "before", &[500]));
    let plan = parallel(2, FROM_NOW);
    let open = |index| {
        let id = SubtaskId { pipeline: 0, stage: Stage::Local, index, parallelism: 2 };
        Subtask::open(&plan, "job", id, &host, TaskOptions::default()).unwrap()
    };
    run_and_finish(&mut open(0), &host).unwrap();
    assert_eq!(open(1).status().inputs[0].position, 1, "it begins at the end, too");
}
