//! What the five APIs of the share coordinator have in common (Kafka: ShareCoordinatorService).

use forebay_control::share::state::{SharePartitionKey, ShareStateError};
use forebay_storage::ids::TopicId;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

/// A share-partition from wire fields.
pub fn key(group_id: &str, topic_id: Uuid, partition: i32) -> SharePartitionKey {
    SharePartitionKey { group_id: group_id.into(), topic_id: TopicId(topic_id), partition }
}

/// Whether a request names a group, and at least one partition of each of its topics; Kafka has an empty answer for all others.
pub fn is_complete(group_id: &str, mut partitions: impl ExactSizeIterator<Item = usize>) -> bool {
    !group_id.is_empty() && partitions.len() > 0 && partitions.all(|count| count > 0)
}

/// The error code and the message of an answer.
pub fn outcome<T>(done: &Result<T, ShareStateError>) -> (i16, Option<StrBytes>) {
    match done {
        Ok(_) => (0, None),
        Err(refused) => (refused.error.code(), Some(StrBytes::from_static_str(refused.message))),
    }
}
