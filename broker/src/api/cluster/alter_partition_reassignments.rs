//! AlterPartitionReassignments (45): moves partitions to other brokers (KIP-455). On one node they can only stay where they are.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::BrokerId;
use kafka_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::metadata::Metadata;

/// Answers for each partition: already there, or the error that Kafka gives.
pub async fn handle(
    _: &Call,
    request: AlterPartitionReassignmentsRequest,
    metadata: &Arc<Metadata>,
) -> AlterPartitionReassignmentsResponse {
    let responses = request
        .topics
        .into_iter()
        .map(|topic| {
            let partitions = topic.partitions.iter().map(|p| answer(metadata, &topic.name, p)).collect();
            ReassignableTopicResponse::default().with_name(topic.name).with_partitions(partitions)
        })
        .collect();
    AlterPartitionReassignmentsResponse::default().with_responses(responses).with_error_message(None)
}

fn answer(metadata: &Metadata, topic: &str, wanted: &ReassignablePartition) -> ReassignablePartitionResponse {
    let replicas: Option<Vec<BrokerId>> =
        wanted.replicas.as_ref().map(|list| list.iter().map(|b| BrokerId(b.0)).collect());
    let outcome = metadata.query(|m| m.check_reassignment(topic, wanted.partition_index, replicas.as_deref()));
    let (error, message) = outcome.err().unwrap_or((ErrorCode::None, None));
    ReassignablePartitionResponse::default()
        .with_partition_index(wanted.partition_index)
        .with_error_code(error.code())
        .with_error_message(message.as_deref().map(convert::text))
}
