//! What changes in a transaction coordinator, each change one record of `__transaction_state`.

use super::entry::TransactionEntry;
use super::record;
use crate::machine::LogRecord;

/// A change of [`super::TransactionMachine`]'s state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The whole new state of one transactional id.
    Updated(Box<TransactionEntry>),
    /// The transactional id was forgotten; a tombstone in the log.
    Forgotten(String),
}

impl crate::machine::Event for Event {
    fn record(&self) -> Option<LogRecord> {
        let (key, value) = match self {
            Event::Updated(entry) => (record::encode_key(&entry.transactional_id), Some(record::encode_value(entry))),
            Event::Forgotten(transactional_id) => (record::encode_key(transactional_id), None),
        };
        Some(LogRecord { key, value, producer: None })
    }
}

impl Event {
    /// The event behind a record read from the log. Fails when the record is of an unknown version or broken; Kafka skips records
    /// of an unknown version with a warning, and so should the caller.
    pub fn from_record(key: &[u8], value: Option<&[u8]>) -> Result<Event, record::DecodeError> {
        let transactional_id = record::decode_key(key)?;
        Ok(match value {
            Some(value) => Event::Updated(Box::new(record::decode_value(transactional_id, value)?)),
            None => Event::Forgotten(transactional_id),
        })
    }
}
