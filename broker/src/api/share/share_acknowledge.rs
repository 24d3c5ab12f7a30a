//! ShareAcknowledge (79): what a member says of records that it has, without fetching more (Kafka:
//! KafkaApis.handleShareAcknowledgeRequest).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::partition::AcknowledgementBatch;
use kafka_protocol::messages::share_acknowledge_response::{PartitionData, ShareAcknowledgeTopicResponse};
use kafka_protocol::messages::{ShareAcknowledgeRequest, ShareAcknowledgeResponse};

use super::acknowledgements::{Acknowledgements, Outcomes, member, partition_id};
use super::wire::share_acknowledge::{ShareAcknowledge, encode};
use crate::api::call::{Call, Outcome};
use crate::api::throttle;
use crate::partition::Partitions;
use crate::quota::Quotas;
use crate::share::ShareGroups;
use crate::share::sessions::{FINAL_EPOCH, PartitionId, ShareSessionKey};

/// Answers when all of it is durable.
pub async fn handle(
    call: &Call,
    request: ShareAcknowledge,
    groups: &Arc<ShareGroups>,
    partitions: &Arc<Partitions>,
    quotas: &Arc<Quotas>,
) -> Outcome {
    let (response, lock_duration_ms) = match acknowledge(call, &request, groups, partitions).await {
        Ok((member, outcomes)) => {
            (respond(outcomes), groups.limits(&member.group_id).partition.record_lock_duration_ms)
        }
        Err(error) => (ShareAcknowledgeResponse::default().with_error_code(error.code()), 0),
    };
    throttle::count_time(call, quotas);
    Outcome(encode(call, &response.with_throttle_time_ms(call.throttle_time_ms()), lock_duration_ms))
}

async fn acknowledge(
    call: &Call,
    request: &ShareAcknowledge,
    groups: &Arc<ShareGroups>,
    partitions: &Arc<Partitions>,
) -> Result<(ShareSessionKey, Outcomes), ErrorCode> {
    if !groups.are_on() {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let ShareAcknowledge { request, is_renew_ack } = request;
    let member = member(request.group_id.as_deref().map(|id| &**id), request.member_id.as_deref())?;
    groups.sessions.lock().acknowledge(&member, request.share_session_epoch)?;
    let acknowledgements = Acknowledgements {
        member: member.clone(),
        partitions: of_request(request),
        knows_renewals: call.version >= 2,
        is_renew_ack: *is_renew_ack,
    };
    let outcomes = acknowledgements.begin(groups, partitions).await;
    if request.share_session_epoch == FINAL_EPOCH {
        // Nobody waits for it to be durable: what the member had is available at once.
        drop(groups.release_session(&member));
    }
    Ok((member, outcomes))
}

fn of_request(request: &ShareAcknowledgeRequest) -> Vec<(PartitionId, Vec<AcknowledgementBatch>)> {
    let mut partitions = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let batches = partition.acknowledgement_batches.iter().map(|batch| AcknowledgementBatch {
                first_offset: batch.first_offset,
                last_offset: batch.last_offset,
                types: batch.acknowledge_types.clone(),
            });
            partitions.push((partition_id(topic.topic_id, partition.partition_index), batches.collect()));
        }
    }
    partitions
}

fn respond(outcomes: Outcomes) -> ShareAcknowledgeResponse {
    let mut topics: Vec<ShareAcknowledgeTopicResponse> = Vec::new();
    for ((topic_id, partition), (error, message)) in outcomes {
        let data = PartitionData::default()
            .with_partition_index(partition)
            .with_error_code(error.code())
            .with_error_message(message);
        match topics.last_mut().filter(|topic| topic.topic_id == topic_id.0) {
            Some(topic) => topic.partitions.push(data),
            None => topics
                .push(ShareAcknowledgeTopicResponse::default().with_topic_id(topic_id.0).with_partitions(vec![data])),
        }
    }
    ShareAcknowledgeResponse::default().with_responses(topics)
}
