//! What a task writes: which partition, which key, which timestamp, and what it refuses to write.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use forebay_processor::commit::partition_for_key;
use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::{Format, JobPlan, RawFormat, SinkKey};
use support::host::MemoryHost;
use support::plans::{self, INPUT, OUTPUT, click};
use support::run_and_finish;

fn host() -> MemoryHost {
    let host = MemoryHost::new();
    host.create_topic(INPUT, 2);
    host.create_topic(OUTPUT, 5);
    host
}

fn run(plan: &Arc<JobPlan>, host: &MemoryHost) -> Result<(), TaskError> {
    let mut task = Task::open(plan, "job", 0, host, TaskOptions::default())?;
    run_and_finish(&mut task, host)
}

/// 20 users in 3 windows, and what closes them.
fn produce(host: &MemoryHost) {
    for n in 0..60 {
        host.produce(INPUT, n % 2, &[Some(click(&format!("u{}", n % 20), Some(1), i64::from(n / 20) * 5_000, 0))]);
    }
    for partition in 0..2 {
        host.produce(INPUT, partition, &[Some(click("far", None, 1_000_000, 900_000))]);
    }
}

#[test]
fn rows_of_a_group_are_in_one_partition_in_order_of_time() {
    let host = host();
    produce(&host);
    run(&plans::tumbling(5_000, Some(0), false), &host).unwrap();
    let partitions = host.consume(OUTPUT);
    assert_eq!(partitions.iter().map(Vec::len).sum::<usize>(), 60);
    for user in 0..20 {
        let user = format!("u{user}");
        // Where a producer with this key would put it.
        let partition = partition_for_key(user.as_bytes(), 5) as usize;
        let mine: Vec<_> = partitions[partition].iter().filter(|row| row.contains(&format!("\"{user}\""))).collect();
        let expected: Vec<_> =
            (0..3).map(|n| plans::metric(&user, n * 5_000, (n + 1) * 5_000, 1, Some(1), Some(1))).collect();
        assert_eq!(mine, expected.iter().collect::<Vec<_>>());
    }
}

#[test]
fn records_carry_the_time_of_the_commit() {
    let host = host();
    host.advance(7_000_000);
    produce(&host);
    run(&plans::tumbling(5_000, Some(0), false), &host).unwrap();
    let timestamps = host.timestamps(OUTPUT);
    assert_eq!(timestamps, vec![7_000_000; 60]);
}

#[test]
fn a_sink_key_decides_the_partition() {
    let host = host();
    host.produce(INPUT, 1, &[Some(click("u1", Some(7), 0, 0))]);
    let mut plan = plans::pass_through();
    Arc::make_mut(&mut plan).pipelines[0].sink.key =
        Some(SinkKey { format: Format::Raw(RawFormat::default()), columns: vec![0], prefix: String::new() });
    run(&plan, &host).unwrap();
    let partition = partition_for_key(b"u1", 5) as usize;
    assert_eq!(host.consume(OUTPUT)[partition], [r#"{"user":"u1","bytes":7}"#]);
}

#[test]
fn null_for_a_not_null_column_fails_the_job_and_is_named() {
    let host = host();
    host.produce(INPUT, 1, &[Some(click("u1", None, 0, 0))]);
    let mut plan = plans::pass_through();
    Arc::make_mut(&mut plan).pipelines[0].sink.columns[1].nullable = false;
    let error = run(&plan, &host).unwrap_err();
    let TaskError::Failed(message) = error else { panic!("{error:?}") };
    assert!(message.contains("clicks-1@0") && message.contains("'bytes'") && message.contains("NOT NULL"), "{message}");
    assert!(host.consume(OUTPUT).iter().all(Vec::is_empty));
}

#[test]
fn a_status_is_serialized_for_descriptions() {
    let host = host();
    produce(&host);
    let plan = plans::tumbling(5_000, Some(0), false);
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    run_and_finish(&mut task, &host).unwrap();
    let json = serde_json::to_value(task.status()).unwrap();
    assert_eq!(json["records_in"], 62);
    assert_eq!(json["records_out"], 60);
    assert_eq!(json["watermark"], 900_000);
    assert_eq!(json["inputs"][1]["position"], 31);
    let failed = forebay_processor::job::State::Failed { message: "why".to_owned() };
    let json = serde_json::to_value(failed).unwrap();
    assert_eq!((json["state"].as_str(), json["message"].as_str()), (Some("failed"), Some("why")));
}
