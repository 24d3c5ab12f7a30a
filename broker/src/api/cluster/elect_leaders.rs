//! ElectLeaders (43): gives partitions their preferred leaders, or any (KIP-460). On one node each partition has its leader already.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;

/// Kinds of election: to the preferred replica, and to one that may have missed records.
const KINDS: std::ops::RangeInclusive<i8> = 0..=1;

/// Answers for each partition why it needs no election.
pub async fn handle(call: &Call, request: ElectLeadersRequest, metadata: &Arc<Metadata>) -> ElectLeadersResponse {
    let kind = request.election_type;
    let refused =
        (!KINDS.contains(&kind)).then(|| (ErrorCode::InvalidRequest, format!("Unknown election type {kind}")));
    let topics = match request.topic_partitions {
        // Kafka names every topic, and of their partitions those alone that had an election.
        None => metadata.query(|m| m.topics().map(|t| (convert::topic_name(&t.name), Vec::new())).collect()),
        Some(topics) => topics.into_iter().map(|t| (t.topic, t.partitions)).collect::<Vec<_>>(),
    };
    let results = topics
        .into_iter()
        .map(|(topic, partitions)| {
            let results = partitions
                .into_iter()
                .map(|partition| {
                    let (error, message) = refused.clone().unwrap_or_else(|| why_not(metadata, &topic, partition));
                    PartitionResult::default()
                        .with_partition_id(partition)
                        .with_error_code(error.code())
                        .with_error_message(Some(convert::text(&message)))
                })
                .collect();
            ReplicaElectionResult::default().with_topic(topic).with_partition_result(results)
        })
        .collect();
    let response = ElectLeadersResponse::default().with_replica_election_results(results);
    match refused {
        Some((error, _)) if call.version >= 1 => response.with_error_code(error.code()),
        _ => response,
    }
}

/// Kafka: `ReplicationControlManager.electLeader`.
fn why_not(metadata: &Metadata, topic: &str, partition: i32) -> (ErrorCode, String) {
    metadata.query(|m| match (m.topic(topic), m.partition(topic, partition)) {
        (None, _) => (ErrorCode::UnknownTopicOrPartition, format!("No such topic as {topic}")),
        (_, None) => (ErrorCode::UnknownTopicOrPartition, format!("No such partition as {topic}-{partition}")),
        _ => (ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition.".to_owned()),
    })
}
