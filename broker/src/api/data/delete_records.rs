//! DeleteRecords (21): moves the first offset of partitions forward (KIP-107).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::Offset;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use crate::api::call::Call;
use crate::api::{convert, errors};
use crate::partition::Partitions;

/// Answers when every partition's start has moved.
pub async fn handle(_: &Call, request: DeleteRecordsRequest, partitions: &Arc<Partitions>) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut results = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let outcome = delete(partitions, &topic.name, wanted.partition_index, Offset(wanted.offset));
            let (low_watermark, error) = match outcome {
                Ok(start) => (start.0, ErrorCode::None),
                Err(error) => (-1, error),
            };
            results.push(
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(wanted.partition_index)
                    .with_low_watermark(low_watermark)
                    .with_error_code(error.code()),
            );
        }
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(results));
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

fn delete(partitions: &Partitions, topic: &str, partition: i32, before: Offset) -> Result<Offset, ErrorCode> {
    // Kafka: ReplicaManager.deleteRecordsOnLocalLog refuses its own topics.
    if crate::coordinator::is_internal(topic) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let partition = convert::get(partitions, topic, partition)?;
    // Kafka: Partition.deleteRecordsOnLeader, "as the policy delete is not set".
    if !partition.with_log(|log| log.config().delete) {
        return Err(ErrorCode::PolicyViolation);
    }
    partition.delete_records(before).map_err(|e| errors::of_read(&e))
}
