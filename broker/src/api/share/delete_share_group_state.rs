//! DeleteShareGroupState (86): share-partitions end.

use std::sync::Arc;

use kafka_protocol::messages::delete_share_group_state_response::{DeleteStateResult, PartitionResult};
use kafka_protocol::messages::{DeleteShareGroupStateRequest, DeleteShareGroupStateResponse};

use super::state::{self, key};
use crate::api::call::Call;
use crate::coordinator::share_states::ShareStates;

/// Each share-partition is answered for itself; one that is not there is none the less deleted.
pub async fn handle(
    _: &Call,
    request: DeleteShareGroupStateRequest,
    states: &Arc<ShareStates>,
) -> DeleteShareGroupStateResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    if !state::is_complete(&request.group_id, request.topics.iter().map(|topic| topic.partitions.len())) {
        return DeleteShareGroupStateResponse::default();
    }
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let key = key(&request.group_id, topic.topic_id, wanted.partition);
            let (error, message) = state::outcome(&states.delete(key).await);
            let result = PartitionResult::default().with_partition(wanted.partition);
            partitions.push(result.with_error_code(error).with_error_message(message));
        }
        results.push(DeleteStateResult::default().with_topic_id(topic.topic_id).with_partitions(partitions));
    }
    DeleteShareGroupStateResponse::default().with_results(results)
}
