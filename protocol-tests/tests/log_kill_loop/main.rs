//! The log on the real file system while the broker is killed with SIGKILL at random moments under idempotent, plain and transactional
//! producers: what was acknowledged is there once, in order and as it was sent; what was refused or aborted is not.
//!
//! `LOG_KILL_LOOP_SEED=n` repeats a run's sizes and moments, `LOG_KILL_LOOP_ROUNDS=n` kills that often.

#![allow(clippy::unwrap_used)]

mod check;
mod ledger;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the job's part of it is not needed here")]
mod support;
mod transactions;
mod verify;

use ledger::{Fate, Ledger, Record};
use protocol_tests::broker::{Broker, Node};
use protocol_tests::clicks::Random;
use protocol_tests::process::until;
use rdkafka::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use transactions::Transactions;

const ROUNDS: u64 = 10;
/// A kill comes at most this long after the first acknowledgement of a life.
const LONGEST_LIFE_MS: u64 = 150;
/// Longer than all restarts together.
const DELIVERY_LIMIT: Duration = Duration::from_secs(240);
/// Records for each topic in each round; four times as many for `limited`.
const RECORDS: u64 = 250;

/// How a topic is set up and written to.
struct Topic {
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    producer: &'static [(&'static str, &'static str)],
}

const IDEMPOTENT: (&str, &str) = ("enable.idempotence", "true");

/// `limited` takes no batch above its limit and its producer never sends twice, so that some records are refused and some are never
/// heard of again.
const TOPICS: &[Topic] = &[
    Topic { name: "plain", settings: &[], producer: &[IDEMPOTENT] },
    Topic { name: "flushed", settings: &[("flush.messages", "1")], producer: &[IDEMPOTENT] },
    Topic {
        name: "compacted",
        settings: &[("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.01")],
        producer: &[IDEMPOTENT],
    },
    Topic { name: "lz4", settings: &[], producer: &[IDEMPOTENT, ("compression.type", "lz4")] },
    Topic {
        name: LIMITED,
        settings: &[("max.message.bytes", "20000")],
        // Many small requests, so that one is under way when the kill comes.
        producer: &[
            ("message.send.max.retries", "0"),
            ("max.in.flight.requests.per.connection", "1"),
            ("batch.num.messages", "2"),
        ],
    },
];
const LIMITED: &str = "limited";
/// Values of `limited` that are refused have this many bytes.
const TOO_LARGE: u64 = 30_000;

#[test]
fn kills_lose_double_and_change_nothing() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("LOG_KILL_LOOP_SEED").unwrap_or_else(now);
    let rounds = number("LOG_KILL_LOOP_ROUNDS").unwrap_or(ROUNDS);
    println!("LOG_KILL_LOOP_SEED={seed} LOG_KILL_LOOP_ROUNDS={rounds}");
    let mut node = Broker::Forebay.start("log-kill-loop").unwrap();
    if let Err(error) = run(&mut node, seed, rounds) {
        panic!("LOG_KILL_LOOP_SEED={seed} LOG_KILL_LOOP_ROUNDS={rounds}: {error}\n{}", node.tail());
    }
}

/// Writes into the ledger what becomes of each record.
struct Deliveries(Ledger);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Record>;
    fn delivery(&self, result: &DeliveryResult<'_>, record: Box<Record>) {
        let fate = match result {
            Ok(message) => Fate::Acknowledged { partition: message.partition(), offset: message.offset() },
            Err((error, _)) => Fate::of_error(error),
        };
        self.0.settle(*record, fate);
    }
}

struct Sender {
    topic: &'static Topic,
    producer: ThreadedProducer<Deliveries>,
}

fn run(node: &mut Node, seed: u64, rounds: u64) -> Result<(), String> {
    let bootstrap = node.bootstrap();
    let mut random = Random::new(seed);
    let ledger = Ledger::new(seed);
    let senders = senders(&bootstrap, &ledger)?;
    support::create_topics(
        &bootstrap,
        &[transactions::TOPIC],
        &[("segment.bytes", "1048576"), ("retention.ms", "-1")],
    )?;
    let transactions = Transactions::start(&bootstrap, ledger.clone(), seed);

    let mut next = BTreeMap::new();
    let mut torn = 0;
    for round in 1..=rounds {
        let before = ledger.acknowledged();
        for sender in &senders {
            send(sender, &ledger, next.entry(sender.topic.name).or_default(), &mut random)?;
        }
        until("an acknowledgement", DELIVERY_LIMIT, || (ledger.acknowledged() > before).then_some(()))?;
        // A random moment is what is wanted here, not a condition.
        std::thread::sleep(Duration::from_millis(random.below(LONGEST_LIFE_MS)));
        node.check_running()?;
        node.kill();
        torn += verify::after_kill(&node.log_dir()).map_err(|error| format!("after kill {round}: {error}"))?;
        node.start().map_err(|error| format!("start {round} after a kill: {error}"))?;
    }
    for sender in &senders {
        sender.producer.flush(DELIVERY_LIMIT).map_err(support::text)?;
    }
    let ended = transactions.stop()?;
    println!("{}; {ended}; {torn} torn tails", ledger.summary());
    let names: Vec<&str> = TOPICS.iter().map(|topic| topic.name).chain([transactions::TOPIC]).collect();
    check::all(&bootstrap, &names, &ledger)?;
    ledger.was_worth_it(LIMITED)?;
    drop(senders);
    node.stop()?;
    verify::after_stop(&node.log_dir())
}

fn senders(bootstrap: &str, ledger: &Ledger) -> Result<Vec<Sender>, String> {
    TOPICS
        .iter()
        .map(|topic| {
            // Kafka's smallest segments, so that logs roll; record times are in the past.
            let mut settings = vec![("segment.bytes", "1048576"), ("retention.ms", "-1")];
            settings.extend(topic.settings);
            support::create_topics(bootstrap, &[topic.name], &settings)?;
            let mut config = support::client(bootstrap);
            config.set("acks", "all").set("linger.ms", "2").set("retry.backoff.ms", "20");
            // Small batches, so that a kill may come between two of them.
            config.set("batch.num.messages", "20").set("message.max.bytes", "1000000");
            config.set("message.timeout.ms", DELIVERY_LIMIT.as_millis().to_string()).set("socket.timeout.ms", "10000");
            topic.producer.iter().for_each(|(key, value)| {
                config.set(*key, *value);
            });
            let producer = config.create_with_context(Deliveries(ledger.clone())).map_err(support::text)?;
            Ok(Sender { topic, producer })
        })
        .collect()
}

fn send(sender: &Sender, ledger: &Ledger, next: &mut u64, random: &mut Random) -> Result<(), String> {
    let count = if sender.topic.name == LIMITED { 4 * RECORDS } else { RECORDS };
    for _ in 0..count {
        let partition = random.below(support::PARTITIONS as u64) as i32;
        let too_large = sender.topic.name == LIMITED && random.below(50) == 0;
        let size = if too_large { TOO_LARGE } else { random.below(800) };
        let record = Record { topic: sender.topic.name, number: *next, partition, size };
        *next += 1;
        ledger.sent(&record);
        let (key, value) = (record.key(), ledger.value(&record));
        let message = BaseRecord::with_opaque_to(record.topic, Box::new(record.clone()))
            .partition(partition)
            .key(&key)
            .payload(&value)
            .headers(record.headers())
            .timestamp(record.timestamp());
        sender.producer.send(message).map_err(|(error, _)| error.to_string())?;
    }
    Ok(())
}
