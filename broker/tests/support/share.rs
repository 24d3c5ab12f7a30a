//! Requests about share groups (KIP-932), in every version that is served.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::initialize_share_group_state_request::{
    InitializeStateData, PartitionData as InitializePartition,
};
use kafka_protocol::messages::read_share_group_state_request::{PartitionData as ReadPartition, ReadStateData};
use kafka_protocol::messages::read_share_group_state_response::PartitionResult as ReadResult;
use kafka_protocol::messages::read_share_group_state_summary_request::{
    PartitionData as SummaryPartition, ReadStateSummaryData,
};
use kafka_protocol::messages::read_share_group_state_summary_response::PartitionResult as SummaryResult;
use kafka_protocol::messages::write_share_group_state_request::{
    PartitionData as WritePartition, StateBatch, WriteStateData,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Encodable, Request};

use super::client::{Client, decode};
use super::requests::Topic;
use super::text;

/// Begins a share-partition at `start` in the state epoch 0; the error code.
pub fn initialize(client: &mut Client, group: &str, topic: &Topic, partition: i32, start: i64) -> i16 {
    initialize_in_epoch(client, group, topic, partition, start, 0)
}

/// The same in another state epoch.
pub fn initialize_in_epoch(
    client: &mut Client,
    group: &str,
    topic: &Topic,
    partition: i32,
    start: i64,
    epoch: i32,
) -> i16 {
    let partition =
        InitializePartition::default().with_partition(partition).with_state_epoch(epoch).with_start_offset(start);
    let topic = InitializeStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    let request = InitializeShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    client.call(0, &request).results[0].partitions[0].error_code
}

/// What the share coordinator keeps of partition 0.
pub fn read_state(client: &mut Client, group: &str, topic: &Topic, leader_epoch: i32) -> ReadResult {
    let partition = ReadPartition::default().with_leader_epoch(leader_epoch);
    let topic = ReadStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    let request = ReadShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    client.call(0, &request).results[0].partitions[0].clone()
}

/// A request to keep that of partition 0 from `start` on offsets `first..=last` have a state after a number of deliveries.
pub fn write_request(
    group: &str,
    topic: &Topic,
    epochs: (i32, i32),
    start: i64,
    batch: (i64, i64, i8, i16),
) -> WriteShareGroupStateRequest {
    let batch = StateBatch::default()
        .with_first_offset(batch.0)
        .with_last_offset(batch.1)
        .with_delivery_state(batch.2)
        .with_delivery_count(batch.3);
    let partition = WritePartition::default()
        .with_state_epoch(epochs.0)
        .with_leader_epoch(epochs.1)
        .with_start_offset(start)
        .with_state_batches(vec![batch]);
    let topic = WriteStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    WriteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

/// Sends a request of [`write_request`] in a version; from version 1 on with this many records done with. The error code.
pub fn write_state(client: &mut Client, version: i16, request: &WriteShareGroupStateRequest, done: i32) -> i16 {
    if version == 0 {
        return client.call(0, request).results[0].partitions[0].error_code;
    }
    let mut body = encoded(request, 0);
    // Group, topics, topic id, partitions, partition, two epochs, start offset; then the count.
    let at = 1 + request.group_id.len() + 1 + 16 + 1 + 4 + 4 + 4 + 8;
    insert(&mut body, at, &done.to_be_bytes());
    let response: WriteShareGroupStateResponse = call_raw(client, 85, version, 0, &body);
    response.results[0].partitions[0].error_code
}

/// Where partition 0 is, and from version 1 on how many records are done with.
pub fn summary(client: &mut Client, version: i16, group: &str, topic: &Topic) -> (SummaryResult, Option<i32>) {
    let topic =
        ReadStateSummaryData::default().with_topic_id(topic.id).with_partitions(vec![SummaryPartition::default()]);
    let request = ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    if version == 0 {
        return (client.call(0, &request).results[0].partitions[0].clone(), None);
    }
    client.send_body(87, version, 2, &encoded(&request, 0));
    let frame = client.receive_frame().expect("an answer");
    // The count is the last field of the only partition, before the tags of partition, topic and answer.
    let at = frame.len() - 3 - 4;
    let count = i32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
    let mut without = BytesMut::from(&frame[..at]);
    without.put_slice(&frame[at + 4..]);
    let (_, response) = decode::<ReadShareGroupStateSummaryResponse>(&mut without.freeze(), 0, "summary");
    (response.results[0].partitions[0].clone(), Some(count))
}

/// A request's body in a version.
pub fn encoded<R: Request>(request: &R, version: i16) -> Vec<u8> {
    let mut body = BytesMut::new();
    request.encode(&mut body, version).unwrap();
    body.to_vec()
}

/// Puts bytes between those of a body.
pub fn insert(body: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    body.splice(at..at, bytes.iter().copied());
}

/// Sends a body in a version that `kafka-protocol` does not know, and reads an answer of the form of version `like`.
pub fn call_raw<T>(client: &mut Client, key: i16, version: i16, like: i16, body: &[u8]) -> T
where
    T: kafka_protocol::protocol::Decodable
        + kafka_protocol::protocol::HeaderVersion
        + kafka_protocol::protocol::Message,
{
    let sent = client.send_body(key, version, 2, body);
    let mut frame: Bytes = client.receive_frame().expect("an answer");
    let (correlation_id, response) = decode(&mut frame, like, "a raw answer");
    assert_eq!(correlation_id, sent);
    assert!(frame.is_empty(), "bytes behind the answer {frame:?}");
    response
}
