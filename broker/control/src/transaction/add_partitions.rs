//! AddPartitionsToTxn and AddOffsetsToTxn (Kafka: TransactionCoordinator.handleAddPartitionsToTransaction; KIP-98, KIP-447).

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::CONSUMER_OFFSETS_TOPIC;
use super::command::{AddOffsets, AddPartitions};
use super::machine::{Decision, TransactionMachine, answered, updated};
use super::reply::Reply;
use super::state::TransactionState;
use super::version::TransactionVersion;
use crate::error_code::ErrorCode;

impl TransactionMachine {
    pub(super) fn add_partitions(&self, now: Timestamp, command: AddPartitions) -> Decision {
        let entry = match self.entry_of(&command.transactional_id, command.producer_id, command.producer_epoch) {
            Ok(entry) => entry,
            Err(error) => return answered(command.reply_to, Reply::AddPartitions { error }),
        };
        let ok = Reply::AddPartitions { error: ErrorCode::None };
        if entry.state == TransactionState::Ongoing && command.partitions.iter().all(|p| entry.partitions.contains(p)) {
            return answered(command.reply_to, ok);
        }
        let next = entry.add_partitions(command.partitions, command.client_version, now);
        if next.partitions.len() > self.config.max_partitions_per_transaction {
            return answered(command.reply_to, Reply::AddPartitions { error: ErrorCode::PolicyViolation });
        }
        let timer = if entry.state == TransactionState::Ongoing { None } else { next.timeout() };
        let mut decision = updated(next);
        decision.timers.extend(timer);
        decision.replies.push((command.reply_to, ok));
        decision
    }

    /// Kafka treats it as the addition of the group's partition of `__consumer_offsets`.
    pub(super) fn add_offsets(&self, now: Timestamp, command: AddOffsets) -> Decision {
        self.add_partitions(
            now,
            AddPartitions {
                reply_to: command.reply_to,
                transactional_id: command.transactional_id,
                producer_id: command.producer_id,
                producer_epoch: command.producer_epoch,
                partitions: vec![TopicPartition::new(CONSUMER_OFFSETS_TOPIC, command.offsets_partition)],
                client_version: TransactionVersion::V0,
            },
        )
    }
}
