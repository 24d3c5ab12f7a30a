//! What was sent and what became of it.

use protocol_tests::clicks::Random;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The time of record 0.
const FIRST_TIME: i64 = 1_700_000_000_000;
/// The header with the number of the record.
pub const NUMBER: &str = "number";
/// The header that has no value.
pub const NOTHING: &str = "nothing";

/// A record, from which all of its content follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub topic: &'static str,
    /// Counted from 0 in each topic.
    pub number: u64,
    pub partition: i32,
    /// Bytes of the value.
    pub size: u64,
}

impl Record {
    /// Each record has its own, so that compaction keeps all.
    pub fn key(&self) -> String {
        format!("{}-{}", self.topic, self.number)
    }

    pub fn headers(&self) -> OwnedHeaders {
        let number = self.number.to_string();
        let headers = OwnedHeaders::new().insert(Header { key: NUMBER, value: Some(&number) });
        headers.insert(Header::<&[u8]> { key: NOTHING, value: None })
    }

    pub fn timestamp(&self) -> i64 {
        FIRST_TIME + self.number as i64
    }
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing was heard of it: it may be there, once.
    Unknown,
    /// It must be there once; with a negative offset, the broker did not say where.
    Acknowledged { partition: i32, offset: i64 },
    /// The broker said that it did not take it.
    Refused,
    /// It belongs to a transaction that was committed.
    Committed,
    /// It belongs to a transaction that was aborted.
    Aborted,
}

impl Fate {
    /// What an error says: only answers of the broker are sure.
    pub fn of_error(error: &KafkaError) -> Fate {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => Fate::Refused,
            _ => Fate::Unknown,
        }
    }
}

/// What became of each record, by its topic and number.
type Fates = BTreeMap<(&'static str, u64), (Record, Fate)>;

/// Shared between the senders and their delivery reports.
#[derive(Clone)]
pub struct Ledger {
    seed: u64,
    fates: Arc<Mutex<Fates>>,
}

impl Ledger {
    pub fn new(seed: u64) -> Ledger {
        Ledger { seed, fates: Arc::default() }
    }

    /// The value of a record: bytes that nobody guesses.
    pub fn value(&self, record: &Record) -> Vec<u8> {
        let mut random = Random::new(self.seed ^ record.number << 8 ^ record.topic.len() as u64);
        (0..record.size).map(|at| if at % 3 == 0 { b'.' } else { random.bits() as u8 }).collect()
    }

    /// Notes a record before it is sent.
    pub fn sent(&self, record: &Record) {
        self.settle(record.clone(), Fate::Unknown);
    }

    pub fn settle(&self, record: Record, fate: Fate) {
        self.fates.lock().unwrap().insert((record.topic, record.number), (record, fate));
    }

    /// How many records were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.count(|_, fate| matches!(fate, Fate::Acknowledged { .. }))
    }

    fn count(&self, wanted: impl Fn(&Record, &Fate) -> bool) -> usize {
        self.fates.lock().unwrap().values().filter(|(record, fate)| wanted(record, fate)).count()
    }

    /// The records of a topic by their numbers.
    pub fn of(&self, topic: &str) -> BTreeMap<u64, (Record, Fate)> {
        let fates = self.fates.lock().unwrap();
        let of_topic = fates.iter().filter(|((of, _), _)| *of == topic);
        of_topic.map(|((_, number), entry)| (*number, entry.clone())).collect()
    }

    pub fn summary(&self) -> String {
        let of = |wanted: fn(&Fate) -> bool| self.count(|_, fate| wanted(fate));
        format!(
            "{} acknowledged, {} committed, {} aborted, {} refused, {} unknown",
            self.acknowledged(),
            of(|fate| *fate == Fate::Committed),
            of(|fate| *fate == Fate::Aborted),
            of(|fate| *fate == Fate::Refused),
            of(|fate| *fate == Fate::Unknown)
        )
    }

    /// The kills must have hit something: an error unless all fates came up where they can, and only there.
    pub fn was_worth_it(&self, limited: &str) -> Result<(), String> {
        let lost = self.count(|record, fate| *fate == Fate::Unknown && record.topic == limited);
        let refused = self.count(|_, fate| *fate == Fate::Refused);
        let committed = self.count(|_, fate| *fate == Fate::Committed);
        let aborted = self.count(|_, fate| *fate == Fate::Aborted);
        if [lost, refused, committed, aborted].contains(&0) {
            return Err(format!("the run tried too little: {}", self.summary()));
        }
        let sure = |record: &Record| ![limited, super::transactions::TOPIC].contains(&record.topic);
        match self.count(|record, fate| sure(record) && !matches!(fate, Fate::Acknowledged { .. })) {
            0 => Ok(()),
            given_up => Err(format!("{given_up} records of idempotent producers were not acknowledged in the end")),
        }
    }
}
