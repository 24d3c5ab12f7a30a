//! ListOffsets (2): first, last or timed offsets of partitions.

use std::collections::HashSet;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp};
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::api::call::Call;
use crate::api::{convert, errors};
use crate::partition::Partitions;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// A found position: offset, its timestamp, its leader epoch; -1 where there is none.
type Found = (Offset, Timestamp, LeaderEpoch);

const NOT_FOUND: Found = (Offset(-1), Timestamp::NONE, LeaderEpoch::UNKNOWN);

/// Answers at once: one replica's log is all there is to ask.
pub async fn handle(call: &Call, request: ListOffsetsRequest, partitions: &Arc<Partitions>) -> ListOffsetsResponse {
    let committed = request.isolation_level == 1;
    let mut seen = HashSet::new();
    let mut twice = HashSet::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let name = convert::partition_name(&topic.name, partition.partition_index);
            if !seen.insert(name.clone()) {
                twice.insert(name);
            }
        }
    }
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut said = HashSet::new();
    for topic in &request.topics {
        let mut answers = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let name = convert::partition_name(&topic.name, wanted.partition_index);
            if twice.contains(&name) && !said.insert(name.clone()) {
                continue; // One answer for what is asked twice.
            }
            let found = if twice.contains(&name) {
                Err(ErrorCode::InvalidRequest)
            } else if !(0..=1).contains(&request.isolation_level) {
                // Kafka: IsolationLevel.forId throws what is no error of the protocol.
                Err(ErrorCode::UnknownServerError)
            } else if !is_served(wanted.timestamp, call.version) {
                Err(ErrorCode::UnsupportedVersion)
            } else {
                find(partitions, &topic.name, wanted, committed)
            };
            answers.push(answer(wanted.partition_index, call.version, found));
        }
        topics.push(ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(answers));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

fn answer(index: i32, version: i16, found: Result<Found, ErrorCode>) -> ListOffsetsPartitionResponse {
    let (error, (offset, timestamp, epoch)) = match found {
        Ok(found) => (ErrorCode::None, found),
        Err(error) => (error, NOT_FOUND),
    };
    let answer = ListOffsetsPartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(error.code())
        .with_timestamp(timestamp.0)
        .with_offset(offset.0);
    if version >= 4 { answer.with_leader_epoch(epoch.0) } else { answer }
}

/// Whether a version knows what a timestamp stands for (Kafka: KafkaApis.handleListOffsetRequest).
fn is_served(timestamp: i64, version: i16) -> bool {
    match timestamp {
        0.. | LATEST | EARLIEST => true,
        MAX_TIMESTAMP => version >= 7,
        EARLIEST_LOCAL => version >= 8,
        LATEST_TIERED => version >= 9,
        EARLIEST_PENDING_UPLOAD => version >= 11,
        _ => false,
    }
}

fn find(
    partitions: &Partitions,
    topic: &str,
    wanted: &ListOffsetsPartition,
    committed: bool,
) -> Result<Found, ErrorCode> {
    let partition = convert::get(partitions, topic, wanted.partition_index)?;
    convert::check_leader_epoch(&partition, wanted.current_leader_epoch)?;
    let leader_epoch = partition.leader_epoch();
    partition.with_log(|log| {
        let end = if committed { log.last_stable_offset() } else { log.high_watermark() };
        // Kafka: a leader notes the start of its epoch when it begins, before its first record (Partition.makeLeader).
        let epoch_at = |offset| log.epoch_at(offset).unwrap_or(leader_epoch);
        match wanted.timestamp {
            LATEST => Ok((end, Timestamp::NONE, leader_epoch)),
            // Everything is local.
            EARLIEST | EARLIEST_LOCAL => {
                let start = log.log_start_offset();
                Ok((start, Timestamp::NONE, epoch_at(start)))
            }
            MAX_TIMESTAMP => {
                let found = log.max_timestamp_offset().map_err(|e| errors::of_storage(&e))?;
                Ok(found.filter(|(offset, _, _)| *offset < end).unwrap_or(NOT_FOUND))
            }
            // Nothing is tiered to remote storage.
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(NOT_FOUND),
            time => {
                let found = log.offset_for_timestamp(Timestamp(time)).map_err(|e| errors::of_storage(&e))?;
                Ok(found.filter(|(offset, _, _)| *offset < end).unwrap_or(NOT_FOUND))
            }
        }
    })
}
