//! The job of `docs/examples/user-metrics.sql` over real clicks, against a result computed elsewhere.
//!
//! The clicks are in `shared/data` beside the project, and are not part of it; where they are absent generated ones take their place,
//! with a result computed here.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use forebay_processor::commit::partition_for_key;
use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::JobPlan;
use forebay_processor::sql::{PlanContext, plan_job};
use support::host::{Crash, MemoryHost};
use support::plans::sql_time;

const JOB: &str = include_str!("../../docs/examples/user-metrics.sql");
const INPUT: &str = "website-clicks";
const OUTPUT: &str = "user-metrics";
const PARTITIONS: i32 = 4;

/// User, window start, window end, clicks, bytes, largest.
type Row = (String, i64, i64, i64, i64, i64);

/// The job with a delay that covers the disorder of the clicks, which is up to 59 s.
fn plan() -> Arc<JobPlan> {
    let text = JOB.replace("INTERVAL '2' SECOND", "INTERVAL '60' SECOND");
    assert_ne!(text, JOB);
    Arc::new(plan_job(&text, &PlanContext::nowhere()).unwrap())
}

fn field<'a>(json: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    &json[name]
}

/// Clicks in the order of the file, and what must come out.
fn clicks_and_result() -> (Vec<String>, Vec<Row>) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let Ok(clicks) = std::fs::read_to_string(data.join("clicks.jsonl")) else { return generated() };
    let csv = std::fs::read_to_string(data.join("expected/clicks_tumble_5s.csv")).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<i64>().unwrap();
        (fields[0].to_owned(), number(1), number(2), number(3), number(4), number(5))
    };
    (clicks.lines().map(str::to_owned).collect(), csv.lines().map(row).collect())
}

fn generated() -> (Vec<String>, Vec<Row>) {
    let mut result: BTreeMap<(String, i64), (i64, i64, i64)> = BTreeMap::new();
    let mut clicks = Vec::new();
    for n in 0..10_000i64 {
        let user = format!("user-{}", n * n % 101);
        let (bytes, time) = (n * 7_919 % 100_003, 1_431_857_100_000 + n * 350 - n * 48_271 % 59_000);
        clicks.push(format!(r#"{{"user_id":"{user}","bytes":{bytes},"event_time":{time}}}"#));
        let sums = result.entry((user, time - time % 5_000)).or_default();
        *sums = (sums.0 + 1, sums.1 + bytes, sums.2.max(bytes));
    }
    let row = |((user, start), (n, total, largest))| (user, start, start + 5_000, n, total, largest);
    (clicks, result.into_iter().map(row).collect())
}

fn partition_of(click: &str) -> i32 {
    let json: serde_json::Value = serde_json::from_str(click).unwrap();
    partition_for_key(field(&json, "user_id").as_str().unwrap().as_bytes(), PARTITIONS)
}

/// Closes the last windows of each partition.
fn produce_far_events(host: &MemoryHost) {
    for partition in 0..PARTITIONS {
        let far = r#"{"user_id":"far","bytes":0,"event_time":4102444800000}"#;
        host.produce(INPUT, partition, &[Some(far)]);
    }
}

/// The rows of a read_committed consumer, without those of the events that close the last windows.
fn output(host: &MemoryHost) -> Vec<String> {
    let mut rows: Vec<String> = host.consume(OUTPUT).into_iter().flatten().collect();
    rows.sort();
    rows
}

fn as_json(rows: &[Row]) -> Vec<String> {
    let json = |(user, start, end, clicks, bytes, largest): &Row| {
        let (start, end) = (sql_time(*start), sql_time(*end));
        format!(
            r#"{{"user_id":"{user}","window_start":"{start}","window_end":"{end}","clicks":{clicks},"bytes":{bytes},"max_bytes":{largest}}}"#
        )
    };
    let mut rows: Vec<String> = rows.iter().map(json).collect();
    rows.sort();
    rows
}

fn new_host() -> MemoryHost {
    let host = MemoryHost::new();
    host.create_topic(INPUT, PARTITIONS);
    host
}

#[test]
fn the_result_is_exactly_the_expected_one() {
    let (clicks, expected) = clicks_and_result();
    let host = new_host();
    for click in &clicks {
        host.produce(INPUT, partition_of(click), &[Some(click)]);
    }
    produce_far_events(&host);
    let mut task = Task::open(&plan(), "user-metrics", 0, &host, TaskOptions::default()).unwrap();
    support::run_and_finish(&mut task, &host).unwrap();
    assert_eq!(output(&host), as_json(&expected));
    assert_eq!(task.status().late, 0);
}

/// As a client loads them: in small batches, partition by partition, with waits of up to 12 s for one partition while the others
/// run ahead by days of event time; and the job is at work all the while, and is killed again and again.
#[test]
fn a_live_load_with_stalls_and_crashes_gives_the_same() {
    let (clicks, expected) = clicks_and_result();
    let host = new_host();
    let plan = plan();
    let mut task: Option<Task> = None;
    let work = |task: &mut Option<Task>| {
        let opened =
            task.take().map_or_else(|| Task::open(&plan, "user-metrics", 0, &host, TaskOptions::default()), Ok);
        let mut open = opened.unwrap();
        match support::run(&mut open, &host) {
            Ok(()) => *task = Some(open),
            Err(TaskError::Retry(_)) => {}
            Err(error) => panic!("{error}"),
        }
    };
    let mut held_back: Vec<Vec<&String>> = vec![Vec::new(); PARTITIONS as usize];
    for (n, chunk) in clicks.chunks(100).enumerate() {
        let stalled = n / 25 % 5;
        for click in chunk {
            held_back[partition_of(click) as usize].push(click);
        }
        for (partition, waiting) in held_back.iter_mut().enumerate() {
            if partition != stalled {
                let batch: Vec<Option<&String>> = waiting.drain(..).map(Some).collect();
                host.produce(INPUT, partition as i32, &batch);
            }
        }
        host.advance(480);
        if n % 7 == 0 {
            host.crash_at_commit(n as u32 % 2, [Crash::Before, Crash::Undecided, Crash::After][n / 7 % 3]);
        }
        work(&mut task);
    }
    for (partition, waiting) in held_back.iter_mut().enumerate() {
        let batch: Vec<Option<&String>> = waiting.drain(..).map(Some).collect();
        host.produce(INPUT, partition as i32, &batch);
    }
    produce_far_events(&host);
    while task.is_none() || task.as_ref().unwrap().status().lag() > 0 || host.consume(OUTPUT).is_empty() {
        work(&mut task);
    }
    work(&mut task);
    work(&mut task);
    assert_eq!(output(&host), as_json(&expected));
    assert_eq!(task.unwrap().status().late, 0);
}
