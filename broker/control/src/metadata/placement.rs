//! Which nodes hold a new partition: those the client names, or a stripe over all of them
//! (Kafka: ReplicationControlManager.validateManualPartitionAssignment, StripedReplicaPlacer).

use forebay_storage::ids::{BrokerId, LeaderEpoch, TopicId};

use super::machine::MetadataMachine;
use super::record::PartitionRecord;
use super::refusal::Refusal;
use crate::error_code::ErrorCode;

impl MetadataMachine {
    /// Replicas for `count` new partitions after `start`; INVALID_REPLICATION_FACTOR when there are too few nodes.
    pub(super) fn place(&self, start: usize, count: usize, factor: i16) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
        let nodes: Vec<BrokerId> = self.brokers.keys().copied().collect();
        let replicas = match usize::try_from(factor) {
            Ok(replicas) if replicas > 0 => replicas,
            _ => {
                return refuse(format!(
                    "Invalid replication factor {factor}: the replication factor must be positive."
                ));
            }
        };
        if nodes.is_empty() {
            return refuse("All brokers are currently fenced or in controlled shutdown.".to_owned());
        }
        if replicas > nodes.len() {
            return refuse(format!(
                "The target replication factor of {factor} cannot be reached because only {} broker(s) are registered \
                 or some brokers have all their log directories cordoned.",
                nodes.len()
            ));
        }
        let stripe = |at: usize| (0..replicas).map(|i| nodes[(at + i) % nodes.len()]).collect();
        Ok((start..start + count).map(stripe).collect())
    }

    /// Checks the replicas a client chose for one partition; `factor` is what the partitions before it have.
    pub(super) fn check_replicas(&self, replicas: &[BrokerId], factor: Option<usize>) -> Result<(), Refusal> {
        let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        if replicas.is_empty() {
            return refuse("The manual partition assignment includes an empty replica list.".to_owned());
        }
        let mut sorted = replicas.to_vec();
        sorted.sort_unstable();
        for (at, broker) in sorted.iter().enumerate() {
            if !self.brokers.contains_key(broker) {
                return refuse(format!(
                    "The manual partition assignment includes broker {broker}, but no such broker is registered."
                ));
            }
            if at > 0 && sorted[at - 1] == *broker {
                return refuse(format!("The manual partition assignment includes the broker {broker} more than once."));
            }
        }
        match factor {
            Some(factor) if factor != replicas.len() => refuse(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
                 previous partitions, which have {factor} replica(s).",
                replicas.len()
            )),
            _ => Ok(()),
        }
    }
}

/// The record of a new partition: all replicas are in sync, the first one leads.
pub(super) fn new_partition(topic_id: TopicId, partition: usize, replicas: Vec<BrokerId>) -> PartitionRecord {
    PartitionRecord {
        partition: i32::try_from(partition).expect("a topic's partitions are limited"),
        topic_id,
        leader: replicas[0],
        isr: replicas.clone(),
        replicas,
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
    }
}
