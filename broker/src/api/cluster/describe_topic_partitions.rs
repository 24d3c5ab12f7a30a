//! DescribeTopicPartitions (75): the partitions of topics in name order, page by page (KIP-966).

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::metadata::{PartitionInfo, TopicInfo, validate_topic_name};
use kafka_protocol::messages::describe_topic_partitions_request::Cursor;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor as NextCursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};

use crate::api::call::Call;
use crate::api::cluster::metadata::NO_LEADER;
use crate::api::convert;
use crate::coordinator::is_internal;
use crate::coordinator::metadata::Metadata;
use crate::partition::Partitions;

/// Kafka: `max.request.partition.size.limit`.
const MOST_PARTITIONS: usize = 2000;

/// Answers from the controller's state; what does not fit in the answer begins at its cursor.
pub async fn handle(
    _: &Call,
    request: DescribeTopicPartitionsRequest,
    metadata: &Arc<Metadata>,
    partitions: &Arc<Partitions>,
) -> DescribeTopicPartitionsResponse {
    if let Some(cursor) = &request.cursor
        && !is_valid(cursor, &request)
    {
        return refused(&request);
    }
    let (first_topic, first_partition) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.as_str(), usize::try_from(cursor.partition_index).unwrap_or(0)),
        None => ("", 0),
    };
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, MOST_PARTITIONS);
    let mut response = metadata.query(|machine| {
        let names: BTreeSet<&str> = if request.topics.is_empty() {
            machine.topics().map(|t| t.name.as_str()).collect()
        } else {
            request.topics.iter().map(|t| t.name.as_str()).collect()
        };
        let mut page =
            Page { room: limit, response: DescribeTopicPartitionsResponse::default().with_next_cursor(None) };
        for name in names.range(first_topic..) {
            let from = if *name == first_topic { first_partition } else { 0 };
            if !page.add(name, machine.topic(name), from) {
                break;
            }
        }
        page.response
    });
    response.topics.iter_mut().for_each(|topic| show_offline(topic, partitions));
    response
}

/// Partitions whose only replica lies in a failed folder have no leader (Kafka: KRaftMetadataCache.getPartitionMetadataForDescribeTopicResponse).
fn show_offline(topic: &mut DescribeTopicPartitionsResponseTopic, partitions: &Partitions) {
    let offline = topic.name.as_ref().map(|name| partitions.offline_of(name)).unwrap_or_default();
    for partition in topic.partitions.iter_mut().filter(|p| offline.contains(&p.partition_index)) {
        partition.error_code = ErrorCode::LeaderNotAvailable.code();
        partition.leader_id = NO_LEADER;
        partition.offline_replicas = partition.replica_nodes.clone();
    }
}

/// Kafka: `DescribeTopicPartitionsRequestHandler`: a cursor stands in a topic that is asked for, at a partition that can be.
fn is_valid(cursor: &Cursor, request: &DescribeTopicPartitionsRequest) -> bool {
    let asked = || request.topics.is_empty() || request.topics.iter().any(|t| t.name == cursor.topic_name);
    cursor.partition_index >= 0 && asked()
}

/// Kafka: `DescribeTopicPartitionsRequest.getErrorResponse`.
fn refused(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let topic = |t: &kafka_protocol::messages::describe_topic_partitions_request::TopicRequest| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_error_code(ErrorCode::InvalidRequest.code())
            .with_name(Some(t.name.clone()))
    };
    let topics = request.topics.iter().map(topic).collect();
    DescribeTopicPartitionsResponse::default().with_topics(topics).with_next_cursor(None)
}

/// An answer that is being filled.
struct Page {
    /// Partitions that still fit.
    room: usize,
    response: DescribeTopicPartitionsResponse,
}

impl Page {
    /// Adds a topic's partitions from a number on; false when the answer is full.
    fn add(&mut self, name: &str, topic: Option<&TopicInfo>, from: usize) -> bool {
        if self.room == 0 {
            self.end_at(name, 0);
            return false;
        }
        let answer = DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(convert::topic_name(name)))
            .with_topic_authorized_operations(convert::TOPIC_OPERATIONS);
        let Some(topic) = topic else {
            let error = match validate_topic_name(name) {
                Ok(()) => ErrorCode::UnknownTopicOrPartition,
                Err(_) => ErrorCode::InvalidTopicException,
            };
            self.response.topics.push(answer.with_error_code(error.code()));
            return true;
        };
        let partitions: Vec<_> =
            topic.partitions.iter().enumerate().skip(from).take(self.room).map(partition).collect();
        self.room -= partitions.len();
        let end = from + partitions.len();
        let answer = answer.with_topic_id(topic.topic_id.0).with_is_internal(is_internal(name));
        self.response.topics.push(answer.with_partitions(partitions));
        if end < topic.partitions.len() {
            self.end_at(name, end);
        }
        end >= topic.partitions.len()
    }

    fn end_at(&mut self, name: &str, partition: usize) {
        let partition = i32::try_from(partition).expect("a topic's partitions are limited");
        let cursor = NextCursor::default().with_topic_name(convert::topic_name(name)).with_partition_index(partition);
        self.response.next_cursor = Some(cursor);
    }
}

fn partition((index, info): (usize, &PartitionInfo)) -> DescribeTopicPartitionsResponsePartition {
    let brokers = |list: &[forebay_storage::ids::BrokerId]| list.iter().map(|b| BrokerId(b.0)).collect();
    DescribeTopicPartitionsResponsePartition::default()
        .with_partition_index(i32::try_from(index).expect("a topic's partitions are limited"))
        .with_leader_id(BrokerId(info.leader.0))
        .with_leader_epoch(info.leader_epoch.0)
        .with_replica_nodes(brokers(&info.replicas))
        .with_isr_nodes(brokers(&info.isr))
        .with_eligible_leader_replicas(Some(Vec::new()))
        .with_last_known_elr(Some(Vec::new()))
}
