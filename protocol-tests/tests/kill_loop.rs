//! Jobs while the broker is killed with SIGKILL at random moments and started again on the same folder: no acknowledged click is lost or
//! doubled, no row is lost, doubled, different, or out of the order of its key.
//!
//! `KILL_LOOP_KILLS=200 cargo test -p protocol-tests --test kill_loop -- --nocapture` kills each broker 200 times, that of the clicks job
//! [`MOST_KILLS`] times.

#![allow(clippy::unwrap_used)]

#[path = "kill_loop_jobs/mod.rs"]
mod jobs;
mod support;

use protocol_tests::broker::{Broker, Node};
use protocol_tests::clicks::{self, Click, Clicks, Random};
use protocol_tests::process::until;
use rdkafka::ClientContext;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::{INPUT, OUTPUT, PARTITIONS};

/// How often the broker of the clicks job is killed, if `KILL_LOOP_KILLS` does not say.
const KILLS: usize = 20;
/// With more kills a life would get so few clicks that they may close no window, and rows would be waited for in vain.
const MOST_KILLS: usize = 50;
/// A kill comes at most this long after what [`Life::kill`] waits for.
const LONGEST_LIFE_MS: u64 = 100;
/// Longer than all restarts together.
const DELIVERY_LIMIT: Duration = Duration::from_secs(240);
/// The header with the number of the record, so that each can be told from its equals.
const NUMBER: &str = "number";

#[test]
fn kills_lose_and_double_no_row_of_the_clicks_job() {
    let seed = seed();
    let mut node = Broker::Forebay.start("kill-loop").unwrap();
    if let Err(error) = run(&mut node, &mut Random::new(seed)) {
        panic!("KILL_LOOP_SEED={seed}: {error}\n{}", node.tail());
    }
}

#[test]
fn kills_lose_and_double_no_hopping_window_late_row_or_dead_letter() {
    kill_jobs("kill-loop-jobs", jobs::Way { parallelism: 1, memory: None });
}

#[test]
fn kills_lose_and_double_nothing_of_state_on_disk() {
    kill_jobs("kill-loop-disk", jobs::Way { parallelism: 1, memory: Some("4 kb") });
}

#[test]
fn kills_lose_and_double_nothing_between_tasks() {
    kill_jobs("kill-loop-tasks", jobs::Way { parallelism: 2, memory: Some("4 kb") });
}

#[test]
fn kills_lose_and_double_nothing_that_is_joined_or_changes() {
    let seed = seed();
    let mut node = Broker::Forebay.start("kill-loop-changing").unwrap();
    let way = jobs::Way { parallelism: 1, memory: Some("16 kb") };
    if let Err(error) = jobs::changing::run(&mut node, &mut Random::new(seed), way) {
        panic!("KILL_LOOP_SEED={seed}: {error}\n{}", node.tail());
    }
}

fn kill_jobs(name: &str, way: jobs::Way) {
    let seed = seed();
    let mut node = Broker::Forebay.start(name).unwrap();
    if let Err(error) = jobs::run(&mut node, &mut Random::new(seed), way) {
        panic!("KILL_LOOP_SEED={seed}: {error}\n{}", node.tail());
    }
}

/// Another run, other moments; a failing run is repeated with the seed that it printed.
fn seed() -> u64 {
    let seed = std::env::var("KILL_LOOP_SEED").map_or_else(
        |_| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64,
        |seed| seed.parse().expect("KILL_LOOP_SEED is a number"),
    );
    println!("KILL_LOOP_SEED={seed}");
    seed
}

/// How often a broker is killed.
fn kills(default: usize) -> usize {
    std::env::var("KILL_LOOP_KILLS").map_or(default, |kills| kills.parse().expect("KILL_LOOP_KILLS is a number"))
}

/// The numbers of the records that the broker acknowledged, and of those that librdkafka gave up.
#[derive(Default)]
struct Outcome {
    acknowledged: Vec<usize>,
    failed: Vec<(usize, String)>,
}

#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Outcome>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<usize>;
    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<usize>) {
        let mut outcome = self.0.lock().unwrap();
        match result {
            Ok(_) => outcome.acknowledged.push(*number),
            Err((error, _)) => outcome.failed.push((*number, error.to_string())),
        }
    }
}

fn run(node: &mut Node, random: &mut Random) -> Result<(), String> {
    let bootstrap = node.bootstrap();
    let clicks = Clicks::load();
    support::create_topics(&bootstrap, &[INPUT, OUTPUT], &[])?;
    support::apply_job(node)?;

    let mut config = support::client(&bootstrap);
    config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "2").set("retry.backoff.ms", "20");
    // Small batches, so that a kill may come between two of one part.
    config.set("batch.num.messages", "20");
    config.set("message.timeout.ms", DELIVERY_LIMIT.as_millis().to_string()).set("socket.timeout.ms", "10000");
    let producer: ThreadedProducer<Deliveries> =
        config.create_with_context(Deliveries::default()).map_err(support::text)?;

    // A part of the clicks before each kill, so that every life of the broker has something to take in.
    let (mut number, mut lives_with_output) = (0, 0);
    let kills = kills(KILLS).min(MOST_KILLS);
    let part = clicks.events.len().div_ceil(kills + 1);
    for (round, events) in clicks.events.chunks(part).enumerate() {
        let life = Life::begin(node, &[OUTPUT]);
        for click in events {
            send(&producer, &mut number, None, click)?;
        }
        if round < kills {
            lives_with_output += usize::from(life.kill(node, random, round)?);
            node.start().map_err(|error| format!("start {} after a kill: {error}", round + 1))?;
        }
    }
    enough_output(lives_with_output, kills)?;
    producer.flush(DELIVERY_LIMIT).map_err(support::text)?;
    for days in [1, 2] {
        for (partition, click) in (0..).zip(clicks.closers(PARTITIONS, days)) {
            send(&producer, &mut number, Some(partition), &click)?;
        }
        producer.flush(DELIVERY_LIMIT).map_err(support::text)?;
    }
    let outcome = std::mem::take(&mut *producer.context().0.lock().unwrap());
    check_input(&bootstrap, number, &outcome)?;
    let rows = support::output_rows(&bootstrap)?;
    // Read partition by partition, and a user is in one of them.
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows {
        if last.insert(&row.user_id, row.window_start).is_some_and(|before| before >= row.window_start) {
            return Err(format!("the rows of {} are not in the order of time", row.user_id));
        }
    }
    clicks::compare(&clicks.expected, rows)
}

/// What the logs held when a life of the broker began, in bytes.
struct Life<'a> {
    outputs: &'a [&'a str],
    input: u64,
    output: u64,
}

impl<'a> Life<'a> {
    fn begin(node: &Node, outputs: &'a [&'a str]) -> Self {
        Life { outputs, input: written(node, &[INPUT]), output: written(node, outputs) }
    }

    /// Kills the broker at a random moment after the first clicks have reached the log, in every other life after the first rows were put
    /// out. Whether this life has put rows out.
    fn kill(&self, node: &mut Node, random: &mut Random, number: usize) -> Result<bool, String> {
        until("clicks reach the log", DELIVERY_LIMIT, || (written(node, &[INPUT]) > self.input).then_some(()))?;
        let put_out = |node: &Node| written(node, self.outputs) > self.output;
        if number % 2 == 1 {
            // Some lives must get so far, however slow the machine is.
            until("rows are put out", DELIVERY_LIMIT, || put_out(node).then_some(()))?;
        }
        // A random moment is what is wanted here, not a condition.
        std::thread::sleep(Duration::from_millis(random.below(LONGEST_LIFE_MS)));
        node.check_running()?;
        node.kill();
        Ok(put_out(node))
    }
}

/// Else the kills hit nothing worth hitting.
fn enough_output(lives_with_output: usize, kills: usize) -> Result<(), String> {
    println!("{kills} kills, {lives_with_output} of the killed lives put rows out");
    match lives_with_output < kills / 4 {
        true => Err(format!("only {lives_with_output} of {kills} lives put rows out before they were killed")),
        false => Ok(()),
    }
}

/// The bytes in the log files of topics, as the operating system knows them, whether the broker runs or not.
fn written(node: &Node, topics: &[&str]) -> u64 {
    let files = |folder: String| std::fs::read_dir(node.log_dir().join(folder)).into_iter().flatten().flatten();
    let folders = topics.iter().flat_map(|topic| (0..PARTITIONS).map(move |partition| format!("{topic}-{partition}")));
    let logs = folders.flat_map(files).filter(|file| file.path().extension().is_some_and(|ending| ending == "log"));
    logs.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

fn send(
    producer: &ThreadedProducer<Deliveries>,
    number: &mut usize,
    partition: Option<i32>,
    click: &Click,
) -> Result<(), String> {
    let text = number.to_string();
    let headers = OwnedHeaders::new().insert(Header { key: NUMBER, value: Some(&text) });
    let mut record =
        BaseRecord::with_opaque_to(INPUT, Box::new(*number)).key(&click.user_id).payload(&click.value).headers(headers);
    record.partition = partition;
    producer.send(record).map_err(|(error, _)| error.to_string())?;
    *number += 1;
    Ok(())
}

/// Every record that was acknowledged is in the input topic exactly once, and none twice.
fn check_input(bootstrap: &str, sent: usize, outcome: &Outcome) -> Result<(), String> {
    if !outcome.failed.is_empty() || outcome.acknowledged.len() != sent {
        let first = outcome.failed.first();
        return Err(format!(
            "{} of {sent} clicks acknowledged, {} given up, first {first:?}",
            outcome.acknowledged.len(),
            outcome.failed.len()
        ));
    }
    let mut times: BTreeMap<usize, usize> = outcome.acknowledged.iter().map(|number| (*number, 0)).collect();
    for message in &support::read_all(bootstrap, INPUT)? {
        let header = message.headers().and_then(|headers| headers.iter().find(|header| header.key == NUMBER)?.value);
        let number = header
            .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok())
            .ok_or("a click without its number")?;
        *times.entry(number).or_default() += 1;
    }
    let wrong: Vec<_> = times.iter().filter(|(_, times)| **times != 1).take(5).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("clicks (number, times found) that are not there exactly once: {wrong:?}"))
    }
}
