//! InitializeShareGroupState (83): share-partitions begin, or begin anew at another offset.

use std::sync::Arc;

use kafka_protocol::messages::initialize_share_group_state_response::{InitializeStateResult, PartitionResult};
use kafka_protocol::messages::{InitializeShareGroupStateRequest, InitializeShareGroupStateResponse};

use super::state::{self, key};
use crate::api::call::Call;
use crate::coordinator::share_states::ShareStates;

/// Each share-partition is answered for itself. A request without a group or topics gets an empty answer, as from Kafka.
pub async fn handle(
    _: &Call,
    request: InitializeShareGroupStateRequest,
    states: &Arc<ShareStates>,
) -> InitializeShareGroupStateResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    if request.group_id.is_empty() {
        return InitializeShareGroupStateResponse::default();
    }
    for topic in request.topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let key = key(&request.group_id, topic.topic_id, wanted.partition);
            let (error, message) =
                state::outcome(&states.initialize(key, wanted.state_epoch, wanted.start_offset).await);
            let result = PartitionResult::default().with_partition(wanted.partition);
            partitions.push(result.with_error_code(error).with_error_message(message));
        }
        results.push(InitializeStateResult::default().with_topic_id(topic.topic_id).with_partitions(partitions));
    }
    InitializeShareGroupStateResponse::default().with_results(results)
}
