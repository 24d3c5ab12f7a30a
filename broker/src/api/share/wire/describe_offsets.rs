//! DescribeShareGroupOffsets, versions 0 and 1. Version 1 has `Lag` in the answer (KIP-1226).

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::DescribeShareGroupOffsetsRequest;
use kafka_protocol::protocol::Decodable;
use uuid::Uuid;

use crate::api::call::{Call, Hangup, Reply};
use crate::api::wire::Request;
use crate::api::wire::writer::{put_compact_count, put_compact_nullable_text};

/// First version with `Lag`.
const LAG_FROM: i16 = 1;

/// The request, which is the same in both versions.
#[derive(Clone, Debug)]
pub struct DescribeOffsets(pub DescribeShareGroupOffsetsRequest);

impl Request for DescribeOffsets {
    const FIRST: i16 = 0;
    const LAST: i16 = 1;

    fn read(body: &mut Bytes, _: i16) -> Result<DescribeOffsets, String> {
        DescribeShareGroupOffsetsRequest::decode(body, 0).map(DescribeOffsets).map_err(|error| error.to_string())
    }
}

/// A group of the answer.
#[derive(Clone, Debug)]
pub struct GroupOffsets {
    /// Which.
    pub group_id: String,
    /// Its topics.
    pub topics: Vec<TopicOffsets>,
    /// Kafka's code.
    pub error: i16,
}

/// A topic of the answer.
#[derive(Clone, Debug)]
pub struct TopicOffsets {
    /// Its name.
    pub name: String,
    /// Its id; zero for one that is not there.
    pub id: Uuid,
    /// Its partitions.
    pub partitions: Vec<PartitionOffset>,
}

/// A partition of the answer.
#[derive(Clone, Copy, Debug)]
pub struct PartitionOffset {
    /// Which.
    pub partition: i32,
    /// SPSO; -1 when it is not known.
    pub start_offset: i64,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// How many records there are from SPSO on that are not done with; -1 when that is not known.
    pub lag: i64,
    /// Kafka's code and what it means.
    pub error: Option<(i16, &'static str)>,
}

/// Frames the answer.
pub fn encode(call: &Call, groups: &[GroupOffsets]) -> Result<Reply, Hangup> {
    let mut body = BytesMut::new();
    // Throttle time.
    body.put_i32(0);
    put_compact_count(&mut body, groups.len());
    for group in groups {
        put_compact_nullable_text(&mut body, Some(&group.group_id));
        put_compact_count(&mut body, group.topics.len());
        for topic in &group.topics {
            put_compact_nullable_text(&mut body, Some(&topic.name));
            body.put_u128(topic.id.as_u128());
            put_compact_count(&mut body, topic.partitions.len());
            topic.partitions.iter().for_each(|partition| put_partition(&mut body, partition, call.version));
            body.put_u8(0);
        }
        body.put_i16(group.error);
        put_compact_nullable_text(&mut body, None);
        body.put_u8(0);
    }
    body.put_u8(0);
    call.frame_flexible(&body)
}

fn put_partition(body: &mut BytesMut, partition: &PartitionOffset, version: i16) {
    body.put_i32(partition.partition);
    body.put_i64(partition.start_offset);
    body.put_i32(partition.leader_epoch);
    if version >= LAG_FROM {
        body.put_i64(partition.lag);
    }
    body.put_i16(partition.error.map_or(0, |(code, _)| code));
    put_compact_nullable_text(body, partition.error.map(|(_, message)| message));
    body.put_u8(0);
}
