//! The one place where failures of the world and refusals of the log become Kafka's error codes.

use forebay_control::error_code::ErrorCode;
use forebay_storage::batch::BatchError;
use forebay_storage::error::StorageError;
use forebay_storage::log::{AppendError, ReadError, RejectedRecords};

/// Kafka's words for THROTTLING_QUOTA_EXCEEDED.
pub const EXCEEDED: &str = "The throttling quota has been exceeded.";

/// A disk that fails or is full: KAFKA_STORAGE_ERROR, which clients take as a reason to try again.
pub fn of_storage(error: &StorageError) -> ErrorCode {
    // The folder has said so, once and not for each request (`partition::DirHealth`).
    let known = error.is_full() || error.is_disk_failure() || matches!(error, StorageError::Broken { .. });
    if !known {
        tracing::error!("storage failed: {error}");
    }
    ErrorCode::KafkaStorageError
}

/// A read that cannot be done.
pub fn of_read(error: &ReadError) -> ErrorCode {
    match error {
        ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::Storage(error) => of_storage(error),
    }
}

/// Bytes that are no batch.
pub fn of_batch(error: &BatchError) -> ErrorCode {
    match error {
        // Kafka: ProduceRequest.validateRecords takes format 2 alone; ByteBufferLogInputStream knows none but 0, 1 and 2.
        BatchError::UnsupportedMagic(0 | 1) => ErrorCode::InvalidRecord,
        _ => ErrorCode::CorruptMessage,
    }
}

/// An append that was refused, with the records at fault (KIP-467).
pub fn of_append(error: &AppendError) -> (ErrorCode, RejectedRecords) {
    let none = RejectedRecords::default();
    match error {
        AppendError::CorruptMessage(_) => (ErrorCode::CorruptMessage, none),
        AppendError::MessageTooLarge(_) => (ErrorCode::MessageTooLarge, none),
        AppendError::RecordListTooLarge(_) => (ErrorCode::RecordListTooLarge, none),
        AppendError::InvalidTimestamp { records, .. } => (ErrorCode::InvalidTimestamp, records.clone()),
        AppendError::InvalidRecord { records, .. } => (ErrorCode::InvalidRecord, records.clone()),
        AppendError::OutOfOrderSequence(_) => (ErrorCode::OutOfOrderSequenceNumber, none),
        AppendError::InvalidProducerEpoch(_) => (ErrorCode::InvalidProducerEpoch, none),
        AppendError::UnknownProducerId(_) => (ErrorCode::UnknownProducerId, none),
        AppendError::InvalidTxnState(_) => (ErrorCode::InvalidTxnState, none),
        AppendError::TransactionCoordinatorFenced(_) => (ErrorCode::TransactionCoordinatorFenced, none),
        AppendError::UnsupportedForMessageFormat(_) => (ErrorCode::UnsupportedForMessageFormat, none),
        AppendError::UnsupportedCompressionType(_) => (ErrorCode::UnsupportedCompressionType, none),
        AppendError::Storage(error) => (of_storage(error), none),
    }
}
