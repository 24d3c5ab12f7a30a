//! WriteShareGroupState (85): a partition's leader has it kept what members have acknowledged.

use std::sync::Arc;

use kafka_protocol::messages::WriteShareGroupStateResponse;
use kafka_protocol::messages::write_share_group_state_response::{PartitionResult, WriteStateResult};

use super::state::{self, key};
use super::wire::FIRST_ENCODED;
use super::wire::write_state::WriteShareGroupState;
use crate::api::call::{Call, Outcome};
use crate::coordinator::share_states::ShareStates;

/// Each share-partition is answered for itself.
pub async fn handle(call: &Call, request: WriteShareGroupState, states: &Arc<ShareStates>) -> Outcome {
    let mut results = Vec::with_capacity(request.topics.len());
    if state::is_complete(&request.group_id, request.topics.iter().map(|topic| topic.partitions.len())) {
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for (partition, write) in topic.partitions {
                let key = key(&request.group_id, topic.topic_id, partition);
                let (error, message) = state::outcome(&states.write(key, write).await);
                let result = PartitionResult::default().with_partition(partition);
                partitions.push(result.with_error_code(error).with_error_message(message));
            }
            results.push(WriteStateResult::default().with_topic_id(topic.topic_id).with_partitions(partitions));
        }
    }
    // Version 1 changed the request alone.
    let call = Call { version: FIRST_ENCODED, ..call.clone() };
    Outcome(call.encode(&WriteShareGroupStateResponse::default().with_results(results)))
}
