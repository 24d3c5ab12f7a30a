//! OffsetDelete (47): removes committed offsets of partitions that the group does not subscribe to (KIP-496).

use std::sync::Arc;

use forebay_control::group::{DeleteOffsets, DeleteOffsetsReply, GroupCommand, GroupReply};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::shared;
use crate::api::convert;
use crate::connection::Call;
use crate::coordinator::groups::Groups;

/// Answers at once.
pub async fn handle(_: &Call, request: OffsetDeleteRequest, groups: &Arc<Groups>) -> OffsetDeleteResponse {
    let partitions = request
        .topics
        .iter()
        .flat_map(|t| t.partitions.iter().map(|p| convert::partition_name(&t.name, p.partition_index)))
        .collect();
    let command = |reply_to| {
        GroupCommand::DeleteOffsets(DeleteOffsets { reply_to, group_id: shared(&request.group_id), partitions })
    };
    let reply = match groups.ask_now(&request.group_id, command) {
        Ok(GroupReply::DeleteOffsets(reply)) => reply,
        Ok(other) => unreachable!("a deletion is answered by {other:?}"),
        Err(error) => DeleteOffsetsReply { error, partitions: Vec::new() },
    };
    let mut results = reply.partitions.into_iter();
    let topics = if reply.error.is_ok() {
        let of_topic = |topic: &kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestTopic| {
            let partitions = results
                .by_ref()
                .take(topic.partitions.len())
                .map(|r| {
                    OffsetDeleteResponsePartition::default()
                        .with_partition_index(r.partition.partition)
                        .with_error_code(r.error.code())
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
