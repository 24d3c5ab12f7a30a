//! AlterReplicaLogDirs (34): moves logs between the data folders of this broker (KIP-113).

use std::path::Path;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};

use crate::api::call::Call;
use crate::partition::{Absent, MoveRefusal, Partitions};

/// Answers whether each move begins; DescribeLogDirs tells how it goes on.
pub async fn handle(
    _: &Call,
    request: AlterReplicaLogDirsRequest,
    partitions: &Arc<Partitions>,
) -> AlterReplicaLogDirsResponse {
    let mut results: Vec<AlterReplicaLogDirTopicResult> = Vec::new();
    for dir in &request.dirs {
        for topic in &dir.topics {
            let moved = |partition: &i32| {
                let begun = partitions.move_log(&topic.name, *partition, Path::new(dir.path.as_str()));
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(*partition)
                    .with_error_code(begun.err().map_or(ErrorCode::None, error_code).code())
            };
            let of_topic = topic.partitions.iter().map(moved);
            match results.iter_mut().find(|known| known.topic_name == topic.name) {
                Some(known) => known.partitions.extend(of_topic),
                None => results.push(
                    AlterReplicaLogDirTopicResult::default()
                        .with_topic_name(topic.name.clone())
                        .with_partitions(of_topic.collect()),
                ),
            }
        }
    }
    AlterReplicaLogDirsResponse::default().with_results(results)
}

/// Kafka: ReplicaManager.alterReplicaLogDirs.
fn error_code(refusal: MoveRefusal) -> ErrorCode {
    match refusal {
        MoveRefusal::NoSuchDir => ErrorCode::LogDirNotFound,
        MoveRefusal::DirOffline | MoveRefusal::Absent(Absent::Offline) => ErrorCode::KafkaStorageError,
        MoveRefusal::NameTooLong => ErrorCode::InvalidTopicException,
        MoveRefusal::Absent(Absent::Unknown) => ErrorCode::UnknownTopicOrPartition,
    }
}
