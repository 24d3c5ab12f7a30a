//! What a transaction coordinator answers.

use forebay_storage::ids::{ProducerEpoch, ProducerId};

use crate::error_code::ErrorCode;

/// An answer of [`super::TransactionMachine`].
///
/// Kafka's `KafkaApis` translates for old clients: PRODUCER_FENCED becomes INVALID_PRODUCER_EPOCH for InitProducerId below version 4 and
/// AddPartitionsToTxn, AddOffsetsToTxn and EndTxn below version 2; [`super::version::for_client`] does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To [`super::Command::InitProducerId`].
    InitProducerId {
        /// INVALID_REQUEST, INVALID_TRANSACTION_TIMEOUT, CONCURRENT_TRANSACTIONS, PRODUCER_FENCED, POLICY_VIOLATION (too many ids).
        error: ErrorCode,
        /// The id to use; -1 on error.
        producer_id: ProducerId,
        /// The epoch to use; -1 on error.
        producer_epoch: ProducerEpoch,
    },
    /// To [`super::Command::AddPartitions`] and [`super::Command::AddOffsets`]; on error no partition was added.
    AddPartitions {
        /// INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS, POLICY_VIOLATION (too many partitions).
        error: ErrorCode,
    },
    /// To [`super::Command::EndTxn`].
    EndTxn {
        /// INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE.
        error: ErrorCode,
        /// The id to go on with; -1 on error and for clients below version 2.
        producer_id: ProducerId,
        /// The epoch to go on with; -1 on error and for clients below version 2.
        producer_epoch: ProducerEpoch,
    },
}
