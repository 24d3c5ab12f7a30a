//! What a task writes: which partition, which key, which timestamp, and what it refuses to write.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use forebay_processor::commit::partition_for_key;
use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::{Format, JobPlan, RawFormat, SinkKey};
use forebay_processor::sql::{PlanContext, plan_job};
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

/// Flink: KafkaDynamicSource and KafkaDynamicSink, with the metadata of the Kafka connector; of a key that comes twice the last value
/// counts, and an entry with NULL is no header.
#[test]
fn headers_and_times_are_read_and_written() {
    let text = "
        CREATE TABLE i (u STRING, h MAP<STRING, BYTES> METADATA FROM 'headers', at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
            kind STRING METADATA FROM 'timestamp-type' VIRTUAL, epoch INT METADATA FROM 'leader-epoch' VIRTUAL)
          WITH ('connector' = 'kafka', 'topic' = 'i', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
        CREATE TABLE x (u STRING, h MAP<STRING, BYTES> METADATA FROM 'headers', k STRING, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
            part INT METADATA FROM 'partition' VIRTUAL)
          WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json');
        INSERT INTO x SELECT CAST(h['a'] AS STRING), MAP_UNION(h, MAP['none', CAST(NULL AS BYTES), 'made', CAST(u AS BYTES)]), kind, at FROM i;"
        .replace("at TIMESTAMP", "`at` TIMESTAMP")
        .replace(", at FROM", ", `at` FROM");
    let plan = Arc::new(plan_job(&text, &PlanContext::nowhere()).unwrap_or_else(|error| panic!("{error}")));
    let host = MemoryHost::new();
    host.create_topic("i", 1);
    host.create_topic("x", 1);
    host.advance(9_000);
    let headers: &[(&str, Option<&[u8]>)] = &[("a", Some(b"1")), ("b", None), ("a", Some(b"2"))];
    host.produce_record("i", 0, (4_321, None, Some(br#"{"u":"Ada"}"#)), headers);
    host.produce_record("i", 0, (5_000, None, Some(br#"{"u":null}"#)), &[]);
    run(&plan, &host).unwrap();
    let found = host.records("x");
    let header = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
    assert_eq!(found[0].headers, [header("a", "2"), header("made", "Ada")]);
    assert_eq!(found[1].headers, []);
    assert_eq!(found.iter().map(|record| record.timestamp).collect::<Vec<_>>(), [4_321, 5_000]);
    let values: Vec<_> = found.into_iter().map(|record| record.value.unwrap()).collect();
    assert_eq!(values, [r#"{"u":"2","k":"CreateTime"}"#, r#"{"u":null,"k":"CreateTime"}"#]);
}

/// A column that is not VIRTUAL takes its place among those that an INSERT INTO gives values for; what Kafka decides does not.
#[test]
fn metadata_that_kafka_decides_is_not_written() {
    let text = "
        CREATE TABLE i (u STRING) WITH ('connector' = 'kafka', 'topic' = 'i', 'format' = 'json');
        CREATE TABLE x (u STRING, p INT METADATA FROM 'partition') WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json');
        INSERT INTO x SELECT u, 1 FROM i;";
    let error = plan_job(text, &PlanContext::nowhere()).unwrap_err();
    assert_eq!(error.message, "metadata column p of x cannot be written");
    let error = plan_job(
        &text.replace("p INT METADATA FROM 'partition'", "`at` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'"),
        &PlanContext::nowhere(),
    )
    .unwrap_err();
    assert_eq!(error.message, "column at of x is TIMESTAMP_LTZ(3), the query gives INT");
}

/// Maps are equal whatever the order of their entries, so they are one group and one value.
#[test]
fn equal_maps_are_one_group_and_one_value() {
    let last = |query: &str| {
        let text = format!(
            "CREATE TABLE i (k INT, m MAP<STRING, INT>)
               WITH ('connector' = 'kafka', 'topic' = 'i', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
             CREATE TABLE x (k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
               WITH ('connector' = 'upsert-kafka', 'topic' = 'x', 'key.format' = 'json', 'value.format' = 'json');
             INSERT INTO x {query};"
        );
        let plan = Arc::new(plan_job(&text, &PlanContext::nowhere()).unwrap_or_else(|error| panic!("{error}")));
        let host = MemoryHost::new();
        host.create_topic("i", 1);
        host.create_topic("x", 1);
        for m in [r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, r#"{"a":2,"b":1}"#] {
            host.produce("i", 0, &[Some(format!(r#"{{"k":1,"m":{m}}}"#))]);
        }
        run(&plan, &host).unwrap();
        host.consume("x")[0].last().cloned()
    };
    let two = Some(r#"{"k":1,"n":2}"#.to_owned());
    assert_eq!(last("SELECT k, COUNT(DISTINCT m) FROM i GROUP BY k"), two);
    assert_eq!(last("SELECT k, COUNT(*) FROM (SELECT k, m, COUNT(*) AS c FROM i GROUP BY k, m) GROUP BY k"), two);
}
