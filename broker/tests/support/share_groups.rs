//! Requests about share groups and their members.

use std::time::{Duration, Instant};

use kafka_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::describe_share_group_offsets_response::DescribeShareGroupOffsetsResponsePartition;
use kafka_protocol::messages::share_group_describe_response::DescribedGroup;
use kafka_protocol::messages::*;

use super::client::{Client, decode};
use super::requests::Topic;
use super::share::encoded;
use super::{group, text, topic};

/// How long a state may take that is begun behind the heartbeats.
const LIMIT: Duration = Duration::from_secs(20);

/// A member joins.
pub fn joining_share(group_id: &str, member_id: &str, topics: &[&str]) -> ShareGroupHeartbeatRequest {
    let names = topics.iter().map(|name| topic(name)).collect();
    beating_share(group_id, member_id, 0).with_subscribed_topic_names(Some(names))
}

/// A member says that nothing has changed, or with -1 that it leaves.
pub fn beating_share(group_id: &str, member_id: &str, epoch: i32) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest::default()
        .with_group_id(group(group_id))
        .with_member_id(text(member_id))
        .with_member_epoch(epoch)
}

/// The partitions of all topics in an answer; `None` when nothing has changed.
pub fn assigned_share(answer: &ShareGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let topics = &answer.assignment.as_ref()?.topic_partitions;
    Some(topics.iter().flat_map(|t| t.partitions.iter().copied()).collect())
}

/// Joins and beats until the member has that many partitions. The member's epoch then, and its partitions.
pub fn share_member(
    client: &mut Client,
    group_id: &str,
    member_id: &str,
    topics: &[&str],
    wanted: usize,
) -> (i32, Vec<i32>) {
    let deadline = Instant::now() + LIMIT;
    let mut request = joining_share(group_id, member_id, topics);
    loop {
        let answer = client.call(1, &request);
        assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
        match assigned_share(&answer) {
            Some(partitions) if partitions.len() == wanted => return (answer.member_epoch, partitions),
            _ => assert!(Instant::now() < deadline, "not within {LIMIT:?}; last {answer:?}"),
        }
        request = beating_share(group_id, member_id, answer.member_epoch);
    }
}

/// A group as ShareGroupDescribe shows it.
pub fn described_share(client: &mut Client, group_id: &str) -> DescribedGroup {
    let request = ShareGroupDescribeRequest::default().with_group_ids(vec![group(group_id)]);
    client.call(1, &request).groups.remove(0)
}

/// A request for a group's offset in one partition.
pub fn share_offset_request(group_id: &str, of: &Topic, partition: i32) -> DescribeShareGroupOffsetsRequest {
    let topic = DescribeShareGroupOffsetsRequestTopic::default()
        .with_topic_name(topic(&of.name))
        .with_partitions(vec![partition]);
    let asked = DescribeShareGroupOffsetsRequestGroup::default().with_group_id(group(group_id));
    DescribeShareGroupOffsetsRequest::default().with_groups(vec![asked.with_topics(Some(vec![topic]))])
}

/// Where a group is in a partition, and from version 1 on how much is left.
pub fn share_offset(
    client: &mut Client,
    version: i16,
    group_id: &str,
    of: &Topic,
    partition: i32,
) -> (DescribeShareGroupOffsetsResponsePartition, Option<i64>) {
    let request = share_offset_request(group_id, of, partition);
    let first =
        |mut answer: DescribeShareGroupOffsetsResponse| answer.groups.remove(0).topics.remove(0).partitions.remove(0);
    if version == 0 {
        return (first(client.call(0, &request)), None);
    }
    client.send_body(90, version, 2, &encoded(&request, 0));
    let frame = client.receive_frame().expect("an answer");
    // Behind the lag of the only partition: its error and message, its tags, the topic's, the group's error, message and tags, the
    // answer's tags. There is no message.
    let at = frame.len() - (2 + 1 + 1 + 1 + 2 + 1 + 1 + 1) - 8;
    let lag = i64::from_be_bytes(frame[at..at + 8].try_into().unwrap());
    let without = [&frame[..at], &frame[at + 8..]].concat();
    let (_, answer) = decode::<DescribeShareGroupOffsetsResponse>(&mut without.into(), 0, "a group's offsets");
    (first(answer), Some(lag))
}

/// Lets a group go on at an offset of a partition; the partition's error, or the request's.
pub fn alter_share_offset(client: &mut Client, group_id: &str, of: &Topic, partition: i32, offset: i64) -> i16 {
    let wanted = alter_share_group_offsets_request::AlterShareGroupOffsetsRequestPartition::default()
        .with_partition_index(partition)
        .with_start_offset(offset);
    let of = alter_share_group_offsets_request::AlterShareGroupOffsetsRequestTopic::default()
        .with_topic_name(topic(&of.name))
        .with_partitions(vec![wanted]);
    let request = AlterShareGroupOffsetsRequest::default().with_group_id(group(group_id)).with_topics(vec![of]);
    let answer = client.call(0, &request);
    if answer.error_code == 0 { answer.responses[0].partitions[0].error_code } else { answer.error_code }
}

/// Lets a group forget a topic; the topic's error, or the request's.
pub fn delete_share_offsets(client: &mut Client, group_id: &str, of: &Topic) -> i16 {
    let of = delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic::default()
        .with_topic_name(topic(&of.name));
    let request = DeleteShareGroupOffsetsRequest::default().with_group_id(group(group_id)).with_topics(vec![of]);
    let answer = client.call(0, &request);
    if answer.error_code == 0 { answer.responses[0].error_code } else { answer.error_code }
}
