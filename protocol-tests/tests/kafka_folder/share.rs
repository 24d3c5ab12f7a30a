//! A share group, by its requests: librdkafka knows none.

use crate::client::{text, until};
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
use kafka_protocol::messages::{
    AlterShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequest, FindCoordinatorRequest, GroupId,
    ShareGroupDescribeRequest, TopicName,
};
use kafka_protocol::protocol::{Decodable, Request, StrBytes};
use protocol_tests::wire::{self, Answer, Connection};

const GROUP: &str = "sharers";

/// Where the group begins in each partition.
const STARTS: [i64; 2] = [2, 5];

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str(GROUP))
}

/// Makes the group by saying where it begins in a topic of two partitions.
pub fn begin(port: u16, topic: &str) -> Result<(), String> {
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![group().0]);
    until("a coordinator of the share group", || {
        Ok(ask(port, 6, &find)?.filter(|answer| answer.coordinators[0].error_code == 0))
    })?;
    let start = |(partition, offset)| {
        AlterShareGroupOffsetsRequestPartition::default().with_partition_index(partition).with_start_offset(offset)
    };
    let of = AlterShareGroupOffsetsRequestTopic::default()
        .with_topic_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partitions((0..).zip(STARTS).map(start).collect());
    let request = AlterShareGroupOffsetsRequest::default().with_group_id(group()).with_topics(vec![of]);
    until("the offsets of the share group", || {
        let done = |partitions: &[_]| partitions.len() == STARTS.len();
        let answer = ask(port, 0, &request)?.filter(|answer| answer.error_code == 0);
        Ok(answer.filter(|a| {
            a.responses.iter().all(|t| done(&t.partitions) && t.partitions.iter().all(|p| p.error_code == 0))
        }))
    })
    .map(drop)
}

/// What is known of the group: its state, and where it is in each partition. It must be where it began.
pub fn observe(port: u16) -> Result<String, String> {
    let asked = DescribeShareGroupOffsetsRequestGroup::default().with_group_id(group()).with_topics(None);
    let request = DescribeShareGroupOffsetsRequest::default().with_groups(vec![asked]);
    let offsets = until("the share group's offsets", || {
        let Some(answer) = ask(port, 0, &request)? else { return Ok(None) };
        let mut found: Vec<(i32, i64)> = Vec::new();
        for partition in answer.groups.iter().flat_map(|g| &g.topics).flat_map(|t| &t.partitions) {
            if partition.error_code != 0 {
                return Ok(None);
            }
            found.push((partition.partition_index, partition.start_offset));
        }
        found.sort_unstable();
        Ok((found == (0..).zip(STARTS).collect::<Vec<_>>()).then_some(found))
    })?;
    let request = ShareGroupDescribeRequest::default().with_group_ids(vec![group()]);
    let described = ask(port, 1, &request)?.ok_or("no answer to ShareGroupDescribe")?;
    let [one] = &described.groups[..] else { return Err(format!("one group is described, and not {described:?}")) };
    if (one.error_code, one.group_state.as_str(), one.members.len()) != (0, "Empty", 0) {
        return Err(format!("it is there and has no members, but {one:?}"));
    }
    Ok(format!("error {}, {}, {} members, {offsets:?}", one.error_code, one.group_state, one.members.len()))
}

/// Asks over a connection of its own; all these requests and answers are flexible.
fn ask<R: Request>(port: u16, version: i16, request: &R) -> Result<Option<R::Response>, String> {
    let mut body = BytesMut::new();
    request.encode(&mut body, version).map_err(text)?;
    let mut connection = Connection::open(port).map_err(text)?;
    connection.send(&wire::request(R::KEY, version, 2, 1, &body));
    let Answer::Frame(frame) = connection.answer() else { return Ok(None) };
    let mut frame = Bytes::from(frame);
    // Correlation id, tags.
    frame.advance(4 + 1);
    R::Response::decode(&mut frame, version).map(Some).map_err(text)
}
