//! What can change in a share coordinator.

use std::sync::Arc;

use super::command::SharePartitionKey;
use super::record::{ShareRecord, encode_key};
use crate::group::TopicsImage;
use crate::group::records::RecordError;
use crate::machine::{Event, LogRecord};

/// A change of a [`ShareCoordinator`](super::ShareCoordinator).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareStateEvent {
    /// The state of a share-partition; durable.
    Recorded {
        /// Which.
        key: SharePartitionKey,
        /// What.
        record: ShareRecord,
    },
    /// The topics are others now.
    Topics(Arc<TopicsImage>),
}

impl Event for ShareStateEvent {
    fn record(&self) -> Option<LogRecord> {
        match self {
            ShareStateEvent::Recorded { key, record } => {
                Some(LogRecord { key: encode_key(key, record), value: record.encode(), producer: None })
            }
            ShareStateEvent::Topics(_) => None,
        }
    }
}

impl ShareStateEvent {
    /// The event that a record of the log stands for, and `None` for a record of a type that is not known here.
    ///
    /// # Errors
    /// When the record is of a known type and cannot be read.
    pub fn parse(key: &[u8], value: Option<&[u8]>) -> Result<Option<ShareStateEvent>, RecordError> {
        let parsed = super::record::parse(key, value)?;
        Ok(parsed.map(|(key, record)| ShareStateEvent::Recorded { key, record }))
    }
}
