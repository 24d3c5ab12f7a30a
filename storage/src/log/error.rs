//! Why an append or a read was refused: the peer's fault, except for `Storage`.

use crate::error::StorageError;
use crate::ids::Offset;
use crate::producer::ProducerError;

/// Why nothing was appended. One variant for each of Kafka's error codes.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// CORRUPT_MESSAGE: checksum or framing are wrong.
    #[error("{0}")]
    CorruptMessage(String),
    /// MESSAGE_TOO_LARGE: larger than `max.message.bytes`.
    #[error("{0}")]
    MessageTooLarge(String),
    /// RECORD_LIST_TOO_LARGE: larger than a segment.
    #[error("{0}")]
    RecordListTooLarge(String),
    /// INVALID_TIMESTAMP: too old, too new, or stamped by the producer as if by the broker.
    #[error("{message}")]
    InvalidTimestamp {
        /// What is wrong with the first of the records.
        message: String,
        /// The records with which something is wrong, also those that lack a key.
        records: RejectedRecords,
    },
    /// INVALID_RECORD: counts, offsets, missing keys, control records of a client.
    #[error("{message}")]
    InvalidRecord {
        /// What is wrong, with the first of the records if it is about some.
        message: String,
        /// The records, if it is about some.
        records: RejectedRecords,
    },
    /// OUT_OF_ORDER_SEQUENCE_NUMBER.
    #[error("{0}")]
    OutOfOrderSequence(String),
    /// INVALID_PRODUCER_EPOCH: a newer epoch of the producer has written.
    #[error("{0}")]
    InvalidProducerEpoch(String),
    /// UNKNOWN_PRODUCER_ID. Kafka's log does not answer it any more (KIP-360); here for a complete mapping.
    #[error("{0}")]
    UnknownProducerId(String),
    /// INVALID_TXN_STATE: not part of a transaction that the coordinator knows, or outside of the open one.
    #[error("{0}")]
    InvalidTxnState(String),
    /// TRANSACTION_COORDINATOR_FENCED: a marker of a coordinator that was replaced.
    #[error("{0}")]
    TransactionCoordinatorFenced(String),
    /// UNSUPPORTED_FOR_MESSAGE_FORMAT: a record format before version 2.
    #[error("{0}")]
    UnsupportedForMessageFormat(String),
    /// UNSUPPORTED_COMPRESSION_TYPE: a codec number that Kafka has not given out.
    #[error("{0}")]
    UnsupportedCompressionType(String),
    /// KAFKA_STORAGE_ERROR.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Records for which their batch was refused (KIP-467).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedRecords {
    /// The first of them.
    pub told: Vec<RejectedRecord>,
    /// How many there are in all.
    pub count: usize,
}

/// A record for which its batch was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Its number in the batch.
    pub index: i32,
    /// What is wrong with it.
    pub reason: String,
    /// Whether that is its timestamp.
    pub is_out_of_time: bool,
}

impl AppendError {
    pub(super) fn invalid(message: impl Into<String>) -> AppendError {
        AppendError::InvalidRecord { message: message.into(), records: RejectedRecords::default() }
    }
}

impl From<ProducerError> for AppendError {
    fn from(error: ProducerError) -> AppendError {
        let message = error.to_string();
        match error {
            ProducerError::OutOfOrderSequence { .. } => AppendError::OutOfOrderSequence(message),
            ProducerError::InvalidProducerEpoch { .. } => AppendError::InvalidProducerEpoch(message),
            ProducerError::InvalidTxnState { .. } => AppendError::InvalidTxnState(message),
            ProducerError::CoordinatorFenced { .. } => AppendError::TransactionCoordinatorFenced(message),
        }
    }
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// OFFSET_OUT_OF_RANGE.
    #[error("the offset is not in the log, which has {start} to {end}")]
    OffsetOutOfRange {
        /// First offset there is.
        start: Offset,
        /// The end of the log.
        end: Offset,
    },
    /// KAFKA_STORAGE_ERROR.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
