//! ReadShareGroupState (84): a partition's leader begins with what the share coordinator has kept, and fences leaders before it.

use std::sync::Arc;

use forebay_control::share::partition::StateBatch as Kept;
use kafka_protocol::messages::read_share_group_state_response::{PartitionResult, ReadStateResult, StateBatch};
use kafka_protocol::messages::{ReadShareGroupStateRequest, ReadShareGroupStateResponse};

use super::state::{self, key};
use crate::api::call::Call;
use crate::coordinator::share_states::ShareStates;

/// Each share-partition is answered for itself.
pub async fn handle(
    _: &Call,
    request: ReadShareGroupStateRequest,
    states: &Arc<ShareStates>,
) -> ReadShareGroupStateResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    if !state::is_complete(&request.group_id, request.topics.iter().map(|topic| topic.partitions.len())) {
        return ReadShareGroupStateResponse::default();
    }
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let key = key(&request.group_id, topic.topic_id, wanted.partition);
            let read = states.read(key, wanted.leader_epoch).await;
            let (error, message) = state::outcome(&read);
            let result = PartitionResult::default()
                .with_partition(wanted.partition)
                .with_error_code(error)
                .with_error_message(message);
            partitions.push(match read {
                Ok(read) => result
                    .with_state_epoch(read.state_epoch)
                    .with_start_offset(read.start_offset)
                    .with_state_batches(read.batches.iter().map(batch).collect()),
                Err(_) => result,
            });
        }
        results.push(ReadStateResult::default().with_topic_id(topic.topic_id).with_partitions(partitions));
    }
    ReadShareGroupStateResponse::default().with_results(results)
}

fn batch(batch: &Kept) -> StateBatch {
    StateBatch::default()
        .with_first_offset(batch.first_offset)
        .with_last_offset(batch.last_offset)
        .with_delivery_state(batch.delivery_state)
        .with_delivery_count(batch.delivery_count)
}
