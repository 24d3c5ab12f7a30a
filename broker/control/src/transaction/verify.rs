//! Is a partition part of a transaction? Asked before a transactional append (Kafka: handleVerifyPartitionsInTransaction; KIP-890).

use forebay_storage::ids::{ProducerEpoch, ProducerId, TopicPartition};

use super::machine::TransactionMachine;
use crate::error_code::ErrorCode;

impl TransactionMachine {
    /// NONE when the producer may append to `partition` in its open transaction; else INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING,
    /// PRODUCER_FENCED, CONCURRENT_TRANSACTIONS, or TRANSACTION_ABORTABLE when the partition was never added (AddPartitionsToTxn below
    /// version 5 and Produce below version 12 answer INVALID_TXN_STATE for the last one).
    #[must_use]
    pub fn verify_partition(
        &self,
        transactional_id: &str,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        partition: &TopicPartition,
    ) -> ErrorCode {
        match self.entry_of(transactional_id, producer_id, producer_epoch) {
            Ok(entry) if entry.partitions.contains(partition) => ErrorCode::None,
            Ok(_) => ErrorCode::TransactionAbortable,
            Err(error) => error,
        }
    }

    /// As [`TransactionMachine::verify_partition`], for each partition of a verify-only AddPartitionsToTxn.
    #[must_use]
    pub fn verify_partitions(
        &self,
        transactional_id: &str,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        partitions: &[TopicPartition],
    ) -> Vec<(TopicPartition, ErrorCode)> {
        let verify = |p: &TopicPartition| self.verify_partition(transactional_id, producer_id, producer_epoch, p);
        partitions.iter().map(|p| (p.clone(), verify(p))).collect()
    }
}
