//! How much CPU an event costs from log bytes to committed state: `cargo test --release -p forebay-processor --test speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use forebay_processor::job::{Task, TaskOptions};
use forebay_processor::sql::{PlanContext, plan_job};
use support::host::MemoryHost;

const JOB: &str = include_str!("../../docs/examples/user-metrics.sql");
const INPUT: &str = "website-clicks";
const EVENTS: usize = 1_000_000;
const PARTITIONS: usize = 4;

/// Nanoseconds that this thread has spent on a CPU; Linux only.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Some of 10,000 users, and few of them most of the time: a window's keys are updated often.
fn busy_user(random: u64) -> u64 {
    (random % 100) * (random % 100) + random % 7
}

/// Any of 100,000 users: about two rows of output for three events.
fn rare_user(random: u64) -> u64 {
    random % 100_000
}

/// About 170 bytes with 8 fields, of which the plan needs 3.
fn event(n: usize, user: fn(u64) -> u64) -> String {
    let random = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let user = user(random);
    let ts = 1_431_857_100_000 + n as i64 / 20 - (random % 2_000) as i64;
    format!(
        r#"{{"user_id":"user-{user}","url":"/products/{}/reviews","method":"GET","status":200,"bytes":{},"referrer":"/products","agent":"Firefox/{}","event_time":{ts}}}"#,
        random % 500,
        random % 100_000,
        random % 40 + 100,
    )
}

#[test]
#[ignore = "a measurement: run it in release mode"]
fn nanoseconds_for_each_event() {
    measure(busy_user);
}

#[test]
#[ignore = "a measurement: run it in release mode"]
fn nanoseconds_for_each_event_with_many_rows_out() {
    measure(rare_user);
}

fn measure(user: fn(u64) -> u64) {
    let host = MemoryHost::new();
    host.create_topic(INPUT, PARTITIONS as i32);
    let events: Vec<_> = (0..EVENTS).map(|n| Some(event(n, user))).collect();
    let bytes: usize = events.iter().flatten().map(String::len).sum();
    for (at, batch) in events.chunks(500).enumerate() {
        host.produce(INPUT, (at % PARTITIONS) as i32, batch);
    }
    let plan = Arc::new(plan_job(JOB, &PlanContext::nowhere()).unwrap());
    let mut task = Task::open(&plan, "job", 0, &host, TaskOptions::default()).unwrap();
    let start = cpu_ns();
    support::run_and_finish(&mut task, &host).unwrap();
    let ns = (cpu_ns() - start) as f64 / EVENTS as f64;
    let status = task.status();
    assert_eq!(status.lag(), 0);
    println!(
        "{ns:.0} ns of CPU an event of {} bytes: {:.0} events a CPU-second; {} rows out, {} commits, {} late",
        bytes / EVENTS,
        1e9 / ns,
        status.records_out,
        status.commits,
        status.late
    );
}
