//! ReadShareGroupStateSummary, versions 0 and 1. Version 1 has `DeliveryCompleteCount` in the answer (KIP-1226).

use bytes::{BufMut, Bytes, BytesMut};
use forebay_control::share::state::StateSummary;
use kafka_protocol::messages::ReadShareGroupStateSummaryRequest;
use kafka_protocol::protocol::{Decodable, StrBytes};
use uuid::Uuid;

use crate::api::call::{Call, Hangup, Reply};
use crate::api::wire::Request;
use crate::api::wire::writer::{put_compact_count, put_compact_nullable_text};

/// First version with `DeliveryCompleteCount`.
const COUNT_FROM: i16 = 1;

/// The request, which is the same in both versions.
#[derive(Clone, Debug)]
pub struct ReadStateSummary(pub ReadShareGroupStateSummaryRequest);

impl Request for ReadStateSummary {
    const FIRST: i16 = 0;
    const LAST: i16 = 1;

    fn read(body: &mut Bytes, _: i16) -> Result<ReadStateSummary, String> {
        ReadShareGroupStateSummaryRequest::decode(body, 0).map(ReadStateSummary).map_err(|error| error.to_string())
    }
}

/// The answer for one share-partition.
#[derive(Clone, Debug)]
pub struct PartitionSummary {
    /// Which.
    pub partition: i32,
    /// Kafka's code.
    pub error: i16,
    /// What it means.
    pub message: Option<StrBytes>,
    /// Where it is; `None` with an error.
    pub summary: Option<StateSummary>,
}

/// Frames the answer.
pub fn encode(call: &Call, results: &[(Uuid, Vec<PartitionSummary>)]) -> Result<Reply, Hangup> {
    let mut body = BytesMut::new();
    put_compact_count(&mut body, results.len());
    for (topic_id, partitions) in results {
        body.put_u128(topic_id.as_u128());
        put_compact_count(&mut body, partitions.len());
        for partition in partitions {
            put_partition(&mut body, partition, call.version);
        }
        body.put_u8(0);
    }
    body.put_u8(0);
    call.frame_flexible(&body)
}

fn put_partition(body: &mut BytesMut, partition: &PartitionSummary, version: i16) {
    // Kafka's answer to an error has every field's default.
    let nothing = StateSummary { state_epoch: 0, leader_epoch: 0, start_offset: 0, delivery_complete_count: -1 };
    let summary = partition.summary.unwrap_or(nothing);
    body.put_i32(partition.partition);
    body.put_i16(partition.error);
    put_compact_nullable_text(body, partition.message.as_deref());
    body.put_i32(summary.state_epoch);
    body.put_i32(summary.leader_epoch);
    body.put_i64(summary.start_offset);
    if version >= COUNT_FROM {
        body.put_i32(summary.delivery_complete_count);
    }
    body.put_u8(0);
}
