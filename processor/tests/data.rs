//! Sessions of real clicks and overlapping windows of a real machine's temperatures, against results computed elsewhere.
//!
//! The data is in `shared/data` beside the project, and is not part of it; where it is absent these tests say so and pass. What the
//! five-second windows of the same clicks must give is in `clicks.rs`, which then takes generated ones.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use forebay_processor::commit::partition_for_key;
use forebay_processor::job::{Task, TaskOptions};
use forebay_processor::sql::{PlanContext, plan_job};
use serde_json::Value;
use support::host::MemoryHost;
use support::plans::sql_time;

/// A file of `shared/data`; `None`, with a word about it, if there is none.
fn file(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("SKIPPED: {} is not there", path.display());
    }
    text
}

/// Runs `job` from topic `i` to topic `o` over records and the partitions they are in, and closes everything with `last` in each partition.
fn run(job: &str, records: &[(i32, String)], partitions: i32, last: &str) -> (Vec<Value>, u64) {
    let host = MemoryHost::new();
    host.create_topic("i", partitions);
    host.create_topic("o", 2);
    records.iter().for_each(|(partition, record)| host.produce("i", *partition, &[Some(record)]));
    (0..partitions).for_each(|partition| host.produce("i", partition, &[Some(last)]));
    let plan = Arc::new(plan_job(job, &PlanContext::nowhere()).unwrap());
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    support::run_and_finish(&mut task, &host).unwrap();
    let rows = host.consume("o").into_iter().flatten().map(|row| serde_json::from_str(&row).unwrap()).collect();
    (rows, task.status().late)
}

/// The fields of a row as texts, as a file of expected rows has them.
fn fields(row: &Value, names: &[&str]) -> Vec<String> {
    let text = |name: &&str| match &row[*name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    names.iter().map(text).collect()
}

fn assert_same(mut found: Vec<Vec<String>>, mut expected: Vec<Vec<String>>) {
    found.sort();
    expected.sort();
    assert_eq!(found.len(), expected.len(), "number of rows");
    let different: Vec<_> = found.iter().zip(&expected).filter(|(found, expected)| found != expected).take(5).collect();
    assert!(different.is_empty(), "found and expected: {different:#?}");
}

#[test]
fn sessions_of_clicks() {
    let (Some(clicks), Some(csv)) = (file("clicks.jsonl"), file("expected/clicks_session_30min.csv")) else { return };
    let job = "CREATE TABLE i (user_id STRING, `bytes` BIGINT, event_time BIGINT, ts AS TO_TIMESTAMP_LTZ(event_time, 3),
           WATERMARK FOR ts AS ts - INTERVAL '60' SECOND) WITH ('connector' = 'kafka', 'topic' = 'i', 'format' = 'json');
         CREATE TABLE o (u STRING, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT, total BIGINT, most BIGINT)
           WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         INSERT INTO o SELECT user_id, window_start, window_end, COUNT(*), SUM(`bytes`), MAX(`bytes`)
           FROM TABLE(SESSION(TABLE i PARTITION BY user_id, DESCRIPTOR(ts), INTERVAL '30' MINUTE))
           GROUP BY user_id, window_start, window_end;";
    let partition = |click: &str| {
        let json: Value = serde_json::from_str(click).unwrap();
        partition_for_key(json["user_id"].as_str().unwrap().as_bytes(), 4)
    };
    let records: Vec<_> = clicks.lines().map(|click| (partition(click), click.to_owned())).collect();
    let last = r#"{"user_id":"far","bytes":0,"event_time":4102444800000}"#;
    let (rows, late) = run(job, &records, 4, last);
    let expected = csv.lines().map(|line| {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        (1..3).for_each(|at| fields[at] = sql_time(fields[at].parse().unwrap()));
        fields
    });
    let found = rows.iter().map(|row| fields(row, &["u", "s", "e", "n", "total", "most"]));
    assert_same(found.collect(), expected.collect());
    assert_eq!(late, 0);
}

#[test]
fn overlapping_windows_of_temperatures() {
    let (Some(readings), Some(csv)) = (file("machine_temperature.csv"), file("expected/temperature_hop_1h_15min.csv"))
    else {
        return;
    };
    let job = "CREATE TABLE i (`value` DOUBLE, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' HOUR)
           WITH ('connector' = 'kafka', 'topic' = 'i', 'format' = 'json');
         CREATE TABLE o (s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT, mean DOUBLE, most DOUBLE)
           WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
         INSERT INTO o SELECT window_start, window_end, COUNT(*), AVG(`value`), MAX(`value`)
           FROM TABLE(HOP(TABLE i, DESCRIPTOR(at), INTERVAL '15' MINUTE, INTERVAL '1' HOUR))
           GROUP BY window_start, window_end;";
    let records: Vec<_> = readings
        .lines()
        .skip(1)
        .map(|line| {
            let (at, value) = line.split_once(',').unwrap();
            (0, format!(r#"{{"value":{value},"at":"{at}"}}"#))
        })
        .collect();
    let (rows, late) = run(job, &records, 1, r#"{"value":0,"at":"2100-01-01 00:00:00"}"#);
    let expected = csv.lines().map(|line| {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        (0..2).for_each(|at| fields[at] = sql_time(fields[at].parse().unwrap()));
        fields
    });
    let mut means = BTreeMap::new();
    let found = rows.iter().map(|row| {
        let mut fields = fields(row, &["s", "e", "n", "mean", "most"]);
        means.insert(fields[0].clone(), fields[3].parse::<f64>().unwrap());
        fields.remove(3);
        fields
    });
    // The file has means with six digits; in which order doubles are added moves the last of them now and then.
    let expected_means: Vec<(String, f64)> =
        expected.clone().map(|row| (row[0].clone(), row[3].parse().unwrap())).collect();
    let expected = expected.map(|mut row| {
        row.remove(3);
        row
    });
    assert_same(found.collect(), expected.collect());
    for (start, mean) in expected_means {
        assert!((means[&start] - mean).abs() <= 0.51e-6, "{start}: {} instead of {mean}", means[&start]);
    }
    assert_eq!(late, 0);
}
