//! What a task makes of its input: aborted transactions, tombstones, records that are not rows, and where it starts.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::{JobPlan, StartupMode};
use forebay_processor::sql::{PlanContext, plan_job};
use forebay_storage::batch::ControlKind;
use support::host::MemoryHost;
use support::plans::{self, INPUT, OUTPUT, click, host};
use support::{run, run_and_finish};

fn open(host: &MemoryHost, plan: &Arc<JobPlan>) -> Task {
    Task::open(plan, "job", 0, host, TaskOptions::default()).unwrap()
}

fn users(host: &MemoryHost) -> Vec<String> {
    let user = |row: String| row.split('"').nth(3).unwrap().to_owned();
    host.consume(OUTPUT).into_iter().flatten().map(user).collect()
}

fn click_of(user: &str) -> String {
    click(user, Some(1), 1_000, 0)
}

#[test]
fn aborted_records_do_not_count_and_open_ones_wait() {
    let host = host(1);
    let mut task = open(&host, &plans::pass_through());
    host.produce_in_transaction(1, INPUT, 0, &[click_of("aborted")]);
    host.produce_in_transaction(2, INPUT, 0, &[click_of("committed")]);
    host.produce(INPUT, 0, &[Some(click_of("plain"))]);
    run(&mut task, &host).unwrap();
    assert!(users(&host).is_empty(), "an open transaction holds the stable end");
    host.end_transaction(1, ControlKind::Abort);
    host.produce_in_transaction(1, INPUT, 0, &[click_of("second try")]);
    host.end_transaction(1, ControlKind::Commit);
    run(&mut task, &host).unwrap();
    assert!(users(&host).is_empty());
    host.end_transaction(2, ControlKind::Commit);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(users(&host), ["committed", "plain", "second try"]);
    assert_eq!(task.status().lag(), 0);
}

#[test]
fn metadata_columns_are_those_of_the_record() {
    let host = MemoryHost::new();
    host.create_topic("m", 2);
    host.create_topic("o", 1);
    for (partition, timestamp) in [(1, 1_000), (0, 86_400_123), (1, 2_000)] {
        host.produce_record("m", partition, (timestamp, None, Some(br#"{"n":7}"#)), &[]);
    }
    let text = "CREATE TABLE m (n INT, at TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL, `partition` BIGINT METADATA VIRTUAL,
          `offset` BIGINT METADATA, place AS CAST(`partition` AS STRING) || '@' || CAST(`offset` AS STRING), t STRING METADATA FROM 'topic')
          WITH ('connector' = 'kafka', 'topic' = 'm', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
        CREATE TABLE o (n INT, place STRING, at TIMESTAMP(3), t STRING)
          WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
        INSERT INTO o SELECT n, place, at, t FROM m WHERE `offset` + `partition` > 0";
    let plan = Arc::new(plan_job(text, &PlanContext::nowhere()).unwrap());
    run_and_finish(&mut open(&host, &plan), &host).unwrap();
    let mut rows: Vec<String> = host.consume("o").into_iter().flatten().collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            r#"{"n":7,"place":"1@0","at":"1970-01-01 00:00:01","t":"m"}"#,
            r#"{"n":7,"place":"1@1","at":"1970-01-01 00:00:02","t":"m"}"#,
        ]
    );
}

#[test]
fn tombstones_are_no_rows() {
    let host = host(1);
    host.produce(INPUT, 0, &[None, Some(click_of("a")), None]);
    let mut task = open(&host, &plans::pass_through());
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(users(&host), ["a"]);
    assert_eq!(task.status().inputs[0].position, 3);
}

#[test]
fn a_poison_record_fails_the_job_and_is_named() {
    let host = host(2);
    host.produce(INPUT, 1, &[Some(click_of("a")), Some(r#"{"user":"b","bytes":"many"}"#.to_owned())]);
    let plan = plans::tumbling(5_000, Some(0), false);
    let error = run(&mut open(&host, &plan), &host).unwrap_err();
    let TaskError::Failed(message) = &error else { panic!("{error:?}") };
    for part in ["clicks-1@1", "'clicks'", "'bytes'", "BIGINT", "json.ignore-parse-errors"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert_eq!(run(&mut open(&host, &plan), &host), Err(error), "it fails again at the same place");
}

#[test]
fn a_null_event_time_fails_the_job_and_is_named() {
    let host = host(1);
    host.produce(INPUT, 0, &[Some(r#"{"user":"b","bytes":1}"#)]);
    let error = run(&mut open(&host, &plans::tumbling(5_000, Some(0), false)), &host).unwrap_err();
    let TaskError::Failed(message) = error else { panic!("{error:?}") };
    assert!(message.contains("clicks-0@0") && message.contains("'ts'") && message.contains("NULL"), "{message}");
}

#[test]
fn ignored_parse_errors_are_counted_across_restarts() {
    let host = host(1);
    let plan = plans::tumbling(5_000, Some(0), true);
    let broken = [r#"{"user":"#, r#"{"user":"b"}"#, r#"{"user":"b","ts":"yesterday"}"#];
    host.produce(INPUT, 0, &broken.map(Some));
    // A field that cannot be read is NULL then, the row is kept.
    host.produce(INPUT, 0, &[Some(click_of("a").replace("\"bytes\":1", "\"bytes\":\"x\""))]);
    host.produce(INPUT, 0, &[Some(click("z", None, 100_000, 100_000))]);
    let mut task = open(&host, &plan);
    run_and_finish(&mut task, &host).unwrap();
    assert_eq!(task.status().undecodable, 3);
    let expected = plans::metric("a", 0, 5_000, 1, None, None);
    assert_eq!(host.consume(OUTPUT).into_iter().flatten().collect::<Vec<_>>(), [expected]);
    assert_eq!(open(&host, &plan).status().undecodable, 3);
}

#[test]
fn a_job_from_the_latest_offset_starts_there_also_after_a_restart() {
    let host = host(1);
    let mut plan = plans::pass_through();
    Arc::make_mut(&mut plan).pipelines[0].source.startup = StartupMode::LatestOffset;
    host.produce(INPUT, 0, &[Some(click_of("before"))]);
    run_and_finish(&mut open(&host, &plan), &host).unwrap();
    host.produce(INPUT, 0, &[Some(click_of("while it was down"))]);
    run_and_finish(&mut open(&host, &plan), &host).unwrap();
    assert_eq!(users(&host), ["while it was down"]);
}

#[test]
fn specific_offsets_and_a_groups_own_offsets_are_starting_points() {
    let host = host(2);
    for partition in 0..2 {
        let values = ["0", "1", "2"].map(|n| Some(click_of(&format!("{partition}/{n}"))));
        host.produce(INPUT, partition, &values);
    }
    host.set_offset("job", INPUT, 1, 2);
    let mut plan = plans::pass_through();
    Arc::make_mut(&mut plan).pipelines[0].source.startup = StartupMode::SpecificOffsets([(0, 1)].into());
    run_and_finish(&mut open(&host, &plan), &host).unwrap();
    let mut users = users(&host);
    users.sort();
    assert_eq!(users, ["0/1", "0/2", "1/2"]);
}

#[test]
fn a_missing_topic_and_a_new_partition_are_worth_another_try() {
    let host = MemoryHost::new();
    let plan = plans::pass_through();
    let error = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap_err();
    assert!(matches!(&error, TaskError::Retry(text) if text.contains("'clicks' does not exist")), "{error}");
    host.create_topic(INPUT, 1);
    let mut task = open(&host, &plan);
    run_and_finish(&mut task, &host).unwrap();
    host.create_topic(INPUT, 2);
    host.produce(INPUT, 1, &[Some(click_of("new"))]);
    host.advance(10_000);
    let error = run(&mut task, &host).unwrap_err();
    assert!(matches!(&error, TaskError::Reopen(text) if text.contains("2 partitions")), "{error}");
    run_and_finish(&mut open(&host, &plan), &host).unwrap();
    assert_eq!(users(&host), ["new"]);
}

#[test]
fn rows_without_windows_are_committed_at_once_and_in_order() {
    let host = host(1);
    let values: Vec<_> = (0..100).map(|n| Some(click_of(&format!("{n:03}")))).collect();
    values.chunks(7).for_each(|batch| host.produce(INPUT, 0, batch));
    let mut task = open(&host, &plans::pass_through());
    run(&mut task, &host).unwrap();
    assert_eq!(host.commits(), 1, "all that was there is one commit");
    let expected: Vec<_> = (0..100).map(|n| format!("{n:03}")).collect();
    assert_eq!(users(&host), expected);
    assert_eq!(host.committed_offset("job", INPUT, 0).unwrap().offset.0, 100);
}
