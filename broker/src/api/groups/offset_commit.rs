//! OffsetCommit (8): a group's new positions.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{CommitOffsets, GroupCommand, GroupReply, OffsetToCommit, PartitionResult};
use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::{maybe_shared, shared};
use crate::api::call::Call;
use crate::api::convert;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;

/// Commits the offsets of the partitions that exist; the others are refused one by one.
pub async fn handle(
    call: &Call,
    request: OffsetCommitRequest,
    groups: &Arc<Groups>,
    metadata: &Arc<Metadata>,
) -> OffsetCommitResponse {
    let mut offsets = Vec::new();
    for topic in &request.topics {
        for p in &topic.partitions {
            let partition = convert::partition_name(&topic.name, p.partition_index);
            let Some(topic_id) = metadata.topic_id_of(&partition) else { continue };
            offsets.push(OffsetToCommit {
                partition,
                topic_id,
                offset: Offset(p.committed_offset),
                leader_epoch: LeaderEpoch(p.committed_leader_epoch),
                metadata: maybe_shared(&p.committed_metadata),
            });
        }
    }
    let asked = !offsets.is_empty();
    let command = |reply_to| {
        GroupCommand::CommitOffsets(CommitOffsets {
            reply_to,
            group_id: shared(&request.group_id),
            generation: request.generation_id_or_member_epoch,
            member_id: shared(&request.member_id),
            instance_id: maybe_shared(&request.group_instance_id),
            retention_ms: (request.retention_time_ms >= 0).then_some(request.retention_time_ms),
            knows_group_id_not_found: call.version >= 9,
            offsets,
        })
    };
    let reply = if asked { results(groups.ask(&request.group_id, command).await) } else { Ok(Vec::new()) };
    let mut outcomes = Outcomes::new(reply);
    let topics = request
        .topics
        .iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|p| {
                    OffsetCommitResponsePartition::default()
                        .with_partition_index(p.partition_index)
                        .with_error_code(outcomes.next(&topic.name, p.partition_index, metadata).code())
                })
                .collect();
            OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions)
        })
        .collect();
    OffsetCommitResponse::default().with_topics(topics)
}

/// The reply to a commit, plain or transactional.
pub fn results(reply: Result<GroupReply, ErrorCode>) -> Result<Vec<PartitionResult>, ErrorCode> {
    match reply? {
        GroupReply::CommitOffsets(results) => Ok(results),
        other => unreachable!("a commit is answered by {other:?}"),
    }
}

/// What became of each partition of a commit, plain or transactional, in the order of the request. Partitions that do not exist
/// were never asked for.
pub struct Outcomes {
    reply: Result<std::vec::IntoIter<PartitionResult>, ErrorCode>,
}

impl Outcomes {
    /// Of this reply.
    pub fn new(reply: Result<Vec<PartitionResult>, ErrorCode>) -> Outcomes {
        Outcomes { reply: reply.map(Vec::into_iter) }
    }

    /// Of the request's next partition.
    pub fn next(&mut self, topic: &str, partition: i32, metadata: &Metadata) -> ErrorCode {
        let answered = |results: &mut std::vec::IntoIter<PartitionResult>| {
            let next = results.as_slice().first()?;
            let same = *next.partition.topic == *topic && next.partition.partition == partition;
            if same { results.next().map(|r| r.error) } else { None }
        };
        match &mut self.reply {
            Ok(results) => answered(results).unwrap_or(ErrorCode::UnknownTopicOrPartition),
            Err(error) => match metadata.topic_id_of(&TopicPartition::new(topic, partition)) {
                Some(_) => *error,
                None => ErrorCode::UnknownTopicOrPartition,
            },
        }
    }
}
