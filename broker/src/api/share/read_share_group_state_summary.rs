//! ReadShareGroupStateSummary (87): where share-partitions are, for descriptions of a group's offsets.

use std::sync::Arc;

use super::state::{self, key};
use super::wire::read_state_summary::{PartitionSummary, ReadStateSummary, encode};
use crate::api::call::{Call, Outcome};
use crate::coordinator::share_states::ShareStates;

/// Each share-partition is answered for itself.
pub async fn handle(call: &Call, request: ReadStateSummary, states: &Arc<ShareStates>) -> Outcome {
    let request = request.0;
    let mut results = Vec::with_capacity(request.topics.len());
    if state::is_complete(&request.group_id, request.topics.iter().map(|topic| topic.partitions.len())) {
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for wanted in &topic.partitions {
                let key = key(&request.group_id, topic.topic_id, wanted.partition);
                let summary = states.summary(key).await;
                let (error, message) = state::outcome(&summary);
                let summary = summary.ok();
                partitions.push(PartitionSummary { partition: wanted.partition, error, message, summary });
            }
            results.push((topic.topic_id, partitions));
        }
    }
    Outcome(encode(call, &results))
}
