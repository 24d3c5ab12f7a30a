//! Members of consumer groups (KIP-848), as clients play them.

use std::time::{Duration, Instant};

use kafka_protocol::messages::*;

use super::client::Client;
use super::requests::Topic;
use super::{group, text, topic};

/// How long a group may take to get where it shall be.
const LIMIT: Duration = Duration::from_secs(20);

/// What a member says when it joins, with an id of its own choice (version 1).
pub fn joining(group_id: &str, member_id: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    beating(group_id, member_id, 0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(topics.iter().map(|name| topic(name)).collect()))
        .with_topic_partitions(Some(vec![]))
}

/// What a member says when nothing has changed for it.
pub fn beating(group_id: &str, member_id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group(group_id))
        .with_member_id(text(member_id))
        .with_member_epoch(epoch)
}

/// The same with what it has.
pub fn owning(
    group_id: &str,
    member_id: &str,
    epoch: i32,
    of: &Topic,
    partitions: &[i32],
) -> ConsumerGroupHeartbeatRequest {
    let owned = consumer_group_heartbeat_request::TopicPartitions::default()
        .with_topic_id(of.id)
        .with_partitions(partitions.to_vec());
    beating(group_id, member_id, epoch).with_topic_partitions(Some(vec![owned]))
}

/// The partitions of one topic in an answer; `None` when nothing has changed.
pub fn assigned(answer: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    answer.assignment.as_ref().map(|a| a.topic_partitions.first().map(|t| t.partitions.clone()).unwrap_or_default())
}

/// Beats until the answer is as wanted; the answer.
pub fn beat_until(
    client: &mut Client,
    request: &ConsumerGroupHeartbeatRequest,
    wanted: impl Fn(&ConsumerGroupHeartbeatResponse) -> bool,
) -> ConsumerGroupHeartbeatResponse {
    let deadline = Instant::now() + LIMIT;
    let mut request = request.clone();
    loop {
        let answer = client.call(1, &request);
        if wanted(&answer) {
            return answer;
        }
        assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
        assert!(Instant::now() < deadline, "not within {LIMIT:?}; last {answer:?}");
        request.member_epoch = answer.member_epoch;
    }
}

/// A group as ConsumerGroupDescribe shows it.
pub fn described(client: &mut Client, group_id: &str) -> consumer_group_describe_response::DescribedGroup {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(group_id)]);
    client.call(1, &request).groups.remove(0)
}
