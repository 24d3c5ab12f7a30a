//! OffsetDelete (47): removes committed offsets of partitions that the group does not subscribe to (KIP-496).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{DeleteOffsets, DeleteOffsetsReply, GroupCommand, GroupReply};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse, TopicName};

use super::shared;
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;

/// Answers at once. Partitions that do not exist are refused here, the others by the coordinator.
pub async fn handle(
    _: &Call,
    request: OffsetDeleteRequest,
    groups: &Arc<Groups>,
    metadata: &Arc<Metadata>,
) -> OffsetDeleteResponse {
    let exists = |name: &TopicName, partition: i32| {
        let partition = convert::partition_name(name, partition);
        metadata.topic_id_of(&partition).map(|_| partition)
    };
    let partitions = request
        .topics
        .iter()
        .flat_map(|t| t.partitions.iter().filter_map(|p| exists(&t.name, p.partition_index)))
        .collect();
    let command = |reply_to| {
        GroupCommand::DeleteOffsets(DeleteOffsets { reply_to, group_id: shared(&request.group_id), partitions })
    };
    let reply = match groups.ask(&request.group_id, command).await {
        Ok(GroupReply::DeleteOffsets(reply)) => reply,
        Ok(other) => unreachable!("a deletion is answered by {other:?}"),
        Err(error) => DeleteOffsetsReply { error, partitions: Vec::new() },
    };
    let mut results = reply.partitions.into_iter();
    let topics = if reply.error.is_ok() {
        let of_topic = |topic: &kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|p| {
                    let error = match exists(&topic.name, p.partition_index) {
                        Some(_) => results.next().map_or(ErrorCode::None, |r| r.error),
                        None => ErrorCode::UnknownTopicOrPartition,
                    };
                    OffsetDeleteResponsePartition::default()
                        .with_partition_index(p.partition_index)
                        .with_error_code(error.code())
                })
                .collect();
            OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions)
        };
        request.topics.iter().map(of_topic).collect()
    } else {
        Vec::new()
    };
    OffsetDeleteResponse::default().with_error_code(reply.error.code()).with_topics(topics)
}
