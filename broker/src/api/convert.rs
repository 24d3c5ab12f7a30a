//! Small conversions between wire types and ids.

use std::sync::Arc;

use forebay_storage::ids::{LeaderEpoch, TopicId, TopicPartition};
use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::partition::{Absent, Partition, Partitions};
use forebay_control::error_code::ErrorCode;

/// A string for the wire.
pub fn text(s: &str) -> StrBytes {
    StrBytes::from_string(s.to_owned())
}

/// A topic name for the wire.
pub fn topic_name(s: &str) -> TopicName {
    TopicName(text(s))
}

/// A partition to work with. Kafka: ReplicaManager.getPartitionOrError; one whose log is offline is KAFKA_STORAGE_ERROR.
pub fn get(partitions: &Partitions, topic: &str, partition: i32) -> Result<Arc<Partition>, ErrorCode> {
    partitions.find(topic, partition).map_err(|absent| match absent {
        Absent::Unknown => ErrorCode::UnknownTopicOrPartition,
        Absent::Offline => ErrorCode::KafkaStorageError,
    })
}

/// Names a topic the way a request does: by id from some version on, by name before.
pub fn find(partitions: &Partitions, name: &TopicName, id: Uuid, partition: i32) -> Result<Arc<Partition>, ErrorCode> {
    if id.is_nil() {
        get(partitions, name.as_str(), partition)
    } else {
        match partitions.topic_by_id(TopicId(id)) {
            None => Err(ErrorCode::UnknownTopicId),
            Some(topic) => get(partitions, &topic, partition),
        }
    }
}

/// Compares the leader epoch that a client believes in with ours (KIP-320); negative means that it does not say.
pub fn check_leader_epoch(partition: &Partition, believed: i32) -> Result<(), ErrorCode> {
    let LeaderEpoch(current) = partition.leader_epoch();
    match believed {
        e if e < 0 || e == current => Ok(()),
        e if e < current => Err(ErrorCode::FencedLeaderEpoch),
        _ => Err(ErrorCode::UnknownLeaderEpoch),
    }
}

/// A partition's name from wire fields.
pub fn partition_name(topic: &TopicName, partition: i32) -> TopicPartition {
    TopicPartition::new(topic.as_str(), partition)
}

/// "Not asked for", where authorized operations are given.
pub const NO_OPERATIONS: i32 = i32::MIN;
/// Everything that may be done to a cluster, as bits of Kafka's `AclOperation` codes: CREATE, ALTER, DESCRIBE, CLUSTER_ACTION,
/// DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
pub const CLUSTER_OPERATIONS: i32 = bits(&[5, 7, 8, 9, 10, 11, 12]);
/// Everything that may be done to a topic: READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
pub const TOPIC_OPERATIONS: i32 = bits(&[3, 4, 5, 6, 7, 8, 10, 11]);
/// Everything that may be done to a group: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
const GROUP_OPERATIONS: i32 = bits(&[3, 6, 8, 10, 11]);

/// The authorized operations of a group, where they are shown.
pub fn group_operations(shown: bool) -> i32 {
    if shown { GROUP_OPERATIONS } else { NO_OPERATIONS }
}

const fn bits(codes: &[u32]) -> i32 {
    let mut set = 0;
    let mut at = 0;
    while at < codes.len() {
        set |= 1 << codes[at];
        at += 1;
    }
    set
}
