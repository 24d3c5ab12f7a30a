//! What the controller knows: topics, partitions, nodes.

use forebay_storage::ids::{BrokerId, LeaderEpoch, TopicId};
use uuid::Uuid;

use super::command::Endpoint;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// Its id.
    pub topic_id: TopicId,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionInfo>,
}

impl TopicInfo {
    /// How many partitions it has.
    #[must_use]
    pub fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).expect("a topic's partitions are limited")
    }

    /// How many replicas each partition has; the first one's number, as Kafka answers.
    #[must_use]
    pub fn replication_factor(&self) -> i16 {
        let replicas = self.partitions.first().map_or(0, |p| p.replicas.len());
        i16::try_from(replicas).unwrap_or(i16::MAX)
    }
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its replicas, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Its in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// Its leader, -1 for none.
    pub leader: BrokerId,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// Rises with every change.
    pub partition_epoch: i32,
}

impl PartitionInfo {
    /// A partition of which nothing is known yet.
    pub(super) fn unknown() -> PartitionInfo {
        PartitionInfo {
            replicas: Vec::new(),
            isr: Vec::new(),
            leader: BrokerId(-1),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: 0,
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerInfo {
    /// The process's random id.
    pub incarnation: Uuid,
    /// Rises with every registration.
    pub epoch: i64,
    /// Its listeners.
    pub endpoints: Vec<Endpoint>,
    /// Its rack.
    pub rack: Option<String>,
}
