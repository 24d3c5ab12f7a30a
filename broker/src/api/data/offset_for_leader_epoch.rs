//! OffsetForLeaderEpoch (23): where a leader epoch ended, for clients that check for truncation (KIP-320).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{LeaderEpoch, Offset};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use crate::api::call::Call;
use crate::api::convert;
use crate::partition::Partitions;

/// Answers from the leader-epoch checkpoints.
pub async fn handle(
    _: &Call,
    request: OffsetForLeaderEpochRequest,
    partitions: &Arc<Partitions>,
) -> OffsetForLeaderEpochResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut answers = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let end = end_offset(
                partitions,
                &topic.topic,
                wanted.partition,
                wanted.current_leader_epoch,
                LeaderEpoch(wanted.leader_epoch),
            );
            let (error, (epoch, offset)) = match end {
                Ok(end) => (ErrorCode::None, end),
                Err(error) => (error, (LeaderEpoch::UNKNOWN, Offset(-1))),
            };
            answers.push(
                EpochEndOffset::default()
                    .with_error_code(error.code())
                    .with_partition(wanted.partition)
                    .with_leader_epoch(epoch.0)
                    .with_end_offset(offset.0),
            );
        }
        topics.push(OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(answers));
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

fn end_offset(
    partitions: &Partitions,
    topic: &str,
    partition: i32,
    believed: i32,
    epoch: LeaderEpoch,
) -> Result<(LeaderEpoch, Offset), ErrorCode> {
    let partition = convert::get(partitions, topic, partition)?;
    convert::check_leader_epoch(&partition, believed)?;
    // Kafka: a leader notes the start of its epoch when it begins, before its first record (Partition.makeLeader).
    if epoch == partition.leader_epoch() {
        return Ok((epoch, partition.with_log(|log| log.log_end_offset())));
    }
    Ok(partition.with_log(|log| log.epoch_end_offset(epoch)))
}
