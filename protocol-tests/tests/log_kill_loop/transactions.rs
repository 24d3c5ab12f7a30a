//! A transactional producer on a thread of its own, which goes on through all kills.

use crate::ledger::{Fate, Ledger, Record};
use crate::support;
use protocol_tests::clicks::Random;
use rdkafka::error::{KafkaError, RDKafkaError};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

pub const TOPIC: &str = "transactional";
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// The thread, until [`Transactions::stop`].
pub struct Transactions {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<String, String>>,
}

impl Transactions {
    pub fn start(bootstrap: &str, ledger: Ledger, seed: u64) -> Transactions {
        let (stop, bootstrap) = (Arc::new(AtomicBool::new(false)), bootstrap.to_owned());
        let ended = stop.clone();
        let thread = std::thread::spawn(move || run(&bootstrap, &ledger, Random::new(seed ^ 1), &ended));
        Transactions { stop, thread }
    }

    /// Lets the transaction under way end; answers how many there were.
    pub fn stop(self) -> Result<String, String> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().map_err(|_| "the transactional producer panicked".to_owned())?
    }
}

type Client = ThreadedProducer<DefaultProducerContext>;

fn run(bootstrap: &str, ledger: &Ledger, mut random: Random, stop: &AtomicBool) -> Result<String, String> {
    let mut producer = producer(bootstrap)?;
    let (mut number, mut transactions, mut lost) = (0, 0u64, 0u64);
    while !stop.load(Ordering::Acquire) {
        let abort = transactions % 3 == 1;
        let size = 1 + random.below(8);
        let records: Vec<Record> = (0..size)
            .map(|at| {
                let partition = random.below(support::PARTITIONS as u64) as i32;
                Record { topic: TOPIC, number: number + at, partition, size: random.below(800) }
            })
            .collect();
        number += size;
        transactions += 1;
        let fate = match transaction(&producer, ledger, &records, abort) {
            Ok(fate) => fate,
            Err(error) => {
                // Nobody knows how that one ended; a new producer ends it, one way or the other.
                lost += 1;
                println!("transaction {transactions}: {error}");
                producer = self::producer(bootstrap)?;
                Fate::Unknown
            }
        };
        records.into_iter().for_each(|record| ledger.settle(record, fate.clone()));
    }
    Ok(format!("{transactions} transactions, {lost} of them with an unknown end"))
}

fn producer(bootstrap: &str) -> Result<Client, String> {
    let mut config = support::client(bootstrap);
    config.set("transactional.id", "log-kill-loop").set("linger.ms", "1").set("retry.backoff.ms", "20");
    config.set("transaction.timeout.ms", "60000").set("message.timeout.ms", "60000").set("socket.timeout.ms", "10000");
    let producer: Client = config.create_with_context(DefaultProducerContext).map_err(support::text)?;
    again(|| producer.init_transactions(STEP_LIMIT)).map_err(support::text)?;
    Ok(producer)
}

/// Sends the records in one transaction and ends it; an error when its end is not known.
fn transaction(producer: &Client, ledger: &Ledger, records: &[Record], abort: bool) -> Result<Fate, KafkaError> {
    producer.begin_transaction()?;
    for record in records {
        ledger.sent(record);
        let (key, value) = (record.key(), ledger.value(record));
        let message = BaseRecord::to(TOPIC)
            .partition(record.partition)
            .key(&key)
            .payload(&value)
            .headers(record.headers())
            .timestamp(record.timestamp());
        producer.send(message).map_err(|(error, _)| error)?;
    }
    if !abort {
        match again(|| producer.commit_transaction(STEP_LIMIT)) {
            Ok(()) => return Ok(Fate::Committed),
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {}
            Err(error) => return Err(error),
        }
    }
    again(|| producer.abort_transaction(STEP_LIMIT))?;
    Ok(Fate::Aborted)
}

/// Tries again what may be tried again.
fn again(mut step: impl FnMut() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
    loop {
        match step() {
            Err(KafkaError::Transaction(error)) if retriable(&error) => {}
            other => return other,
        }
    }
}

fn retriable(error: &RDKafkaError) -> bool {
    error.is_retriable() && !error.is_fatal() && !error.txn_requires_abort()
}
