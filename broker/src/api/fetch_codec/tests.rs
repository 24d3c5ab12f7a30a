//! The encoder against `kafka-protocol`'s, in every version.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::{BrokerId, LeaderEpoch, Offset, ProducerId, TopicId};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData,
};
use kafka_protocol::messages::{self, FetchResponse, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::api::piece::Piece;

fn text(s: &str) -> StrBytes {
    StrBytes::from_string(s.to_owned())
}

fn joined(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes()).copied().collect()
}

/// The same answer as a message of `kafka-protocol`, without what `version` has no room for.
fn message(version: i16, answer: &FetchAnswer) -> FetchResponse {
    let mut message = FetchResponse::default().with_throttle_time_ms(answer.throttle_ms);
    if version >= 7 {
        message = message.with_error_code(answer.error.code()).with_session_id(answer.session_id);
    }
    if version >= 16 {
        message = message.with_node_endpoints(answer.node_endpoints.iter().map(node).collect());
    }
    message.with_responses(answer.topics.iter().map(|topic| topic_message(version, topic)).collect())
}

fn node(endpoint: &NodeEndpoint) -> messages::fetch_response::NodeEndpoint {
    messages::fetch_response::NodeEndpoint::default()
        .with_node_id(messages::BrokerId(endpoint.id.0))
        .with_host(text(&endpoint.host))
        .with_port(endpoint.port)
        .with_rack(endpoint.rack.as_deref().map(text))
}

fn topic_message(version: i16, topic: &TopicAnswer) -> FetchableTopicResponse {
    FetchableTopicResponse::default()
        .with_topic(TopicName(text(&topic.name)))
        .with_topic_id(topic.id.0)
        .with_partitions(topic.partitions.iter().map(|partition| partition_message(version, partition)).collect())
}

fn partition_message(version: i16, partition: &PartitionAnswer) -> PartitionData {
    let aborted = |a: &Aborted| {
        AbortedTransaction::default()
            .with_producer_id(messages::ProducerId(a.producer_id.0))
            .with_first_offset(a.first_offset.0)
    };
    let mut message = PartitionData::default()
        .with_partition_index(partition.partition)
        .with_error_code(partition.error.code())
        .with_high_watermark(partition.high_watermark.0)
        .with_last_stable_offset(partition.last_stable_offset.0)
        .with_log_start_offset(partition.log_start_offset.0)
        .with_aborted_transactions(partition.aborted_transactions.as_ref().map(|a| a.iter().map(aborted).collect()))
        .with_records(Some(joined(&partition.records).into()));
    if version >= 11 {
        message = message.with_preferred_read_replica(messages::BrokerId(partition.preferred_read_replica.0));
    }
    if version >= 12 {
        if let Some(EpochEnd { epoch, end_offset }) = partition.diverging_epoch {
            message = message
                .with_diverging_epoch(EpochEndOffset::default().with_epoch(epoch.0).with_end_offset(end_offset.0));
        }
        if let Some(Leader { id, epoch }) = partition.current_leader {
            let leader = LeaderIdAndEpoch::default().with_leader_id(messages::BrokerId(id.0));
            message = message.with_current_leader(leader.with_leader_epoch(epoch.0));
        }
    }
    message
}

fn expected(version: i16, correlation_id: i32, answer: &FetchAnswer) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.put_u32(0);
    ResponseHeader::default()
        .with_correlation_id(correlation_id)
        .encode(&mut frame, FetchResponse::header_version(version))
        .unwrap();
    message(version, answer).encode(&mut frame, version).unwrap();
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.to_vec()
}

fn error() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(ErrorCode::ALL)
}

fn partition() -> impl Strategy<Value = PartitionAnswer> {
    let offsets = (any::<i64>(), any::<i64>(), any::<i64>());
    let aborted = prop::option::of(prop::collection::vec((any::<i64>(), any::<i64>()), 0..4));
    let records = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4);
    // -1 and -1 is the default, which the other encoder leaves out.
    let epoch_end = prop::option::of((0i32.., any::<i64>()));
    let leader = prop::option::of((0i32.., any::<i32>()));
    let tags = (epoch_end, leader);
    (any::<i32>(), error(), offsets, aborted, any::<i32>(), tags, records).prop_map(
        |(partition, error, (high, stable, start), aborted, preferred, (epoch_end, leader), records)| PartitionAnswer {
            partition,
            error,
            high_watermark: Offset(high),
            last_stable_offset: Offset(stable),
            log_start_offset: Offset(start),
            aborted_transactions: aborted.map(|aborted| {
                let one = |(id, offset)| Aborted { producer_id: ProducerId(id), first_offset: Offset(offset) };
                aborted.into_iter().map(one).collect()
            }),
            preferred_read_replica: BrokerId(preferred),
            diverging_epoch: epoch_end
                .map(|(epoch, end)| EpochEnd { epoch: LeaderEpoch(epoch), end_offset: Offset(end) }),
            current_leader: leader.map(|(id, epoch)| Leader { id: BrokerId(id), epoch: LeaderEpoch(epoch) }),
            records: records.into_iter().map(|piece| Bytes::from(piece).into()).collect(),
        },
    )
}

fn answer() -> impl Strategy<Value = FetchAnswer> {
    let topic = ("[a-z.]{0,140}", any::<u128>(), prop::collection::vec(partition(), 0..4)).prop_map(
        |(name, id, partitions)| TopicAnswer { name: name.into(), id: TopicId(Uuid::from_u128(id)), partitions },
    );
    let endpoint = (any::<i32>(), "[a-z]{0,9}", any::<i32>(), prop::option::of("[a-z]{0,5}")).prop_map(
        |(id, host, port, rack)| NodeEndpoint { id: BrokerId(id), host: host.into(), port, rack: rack.map(Arc::from) },
    );
    let topics = prop::collection::vec(topic, 0..4);
    let endpoints = prop::collection::vec(endpoint, 0..3);
    (any::<i32>(), error(), any::<i32>(), topics, endpoints).prop_map(
        |(throttle_ms, error, session_id, topics, node_endpoints)| FetchAnswer {
            throttle_ms,
            error,
            session_id,
            topics,
            node_endpoints,
        },
    )
}

proptest! {
    #[test]
    fn every_version_is_what_the_other_encoder_writes(answer in answer(), correlation_id in any::<i32>()) {
        for version in 4..=18 {
            let chunks = encode_fetch_response(version, correlation_id, &answer);
            prop_assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
            prop_assert_eq!(joined(&chunks), expected(version, correlation_id, &answer), "version {}", version);
        }
    }

    #[test]
    fn records_are_not_copied(answer in answer()) {
        let chunks = encode_fetch_response(17, 1, &answer);
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        for piece in partitions.flat_map(|partition| &partition.records).filter(|piece| !piece.is_empty()) {
            prop_assert!(chunks.iter().any(|chunk| chunk.bytes().as_ptr() == piece.bytes().as_ptr() && chunk.len() == piece.len()));
        }
    }
}

#[test]
fn an_empty_incremental_answer_is_a_few_bytes() {
    let answer = FetchAnswer { session_id: 7, ..FetchAnswer::refused(ErrorCode::None) };
    let chunks = encode_fetch_response(12, 5, &answer);
    // Length, correlation id, no tags, throttle time, error, session, no topics, no tags.
    let bytes = [0, 0, 0, 17, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0];
    assert_eq!(joined(&chunks), bytes);
}

#[test]
fn a_refused_partition_has_no_offsets_and_empty_records() {
    let refused = PartitionAnswer::refused(3, ErrorCode::UnknownTopicOrPartition);
    let topic = TopicAnswer { name: "t".into(), id: TopicId::ZERO, partitions: vec![refused] };
    let answer = FetchAnswer { topics: vec![topic], ..FetchAnswer::refused(ErrorCode::None) };
    let frame = joined(&encode_fetch_response(4, 1, &answer));
    let minus_one = [0xFF; 8];
    let mut partition = vec![0, 0, 0, 3, 0, 3];
    partition.extend(minus_one);
    partition.extend(minus_one);
    // No list of aborted transactions, zero bytes of records.
    partition.extend([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
    assert!(frame.ends_with(&partition));
}
