//! What brokers ask one another about share groups, and the newest version of what administrators ask, in vain and not.

use bytes::BytesMut;
use kafka_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::delete_share_group_state_request::{DeleteStateData, PartitionData as DeletePartition};
use kafka_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kafka_protocol::messages::initialize_share_group_state_request::{
    InitializeStateData, PartitionData as InitializePartition,
};
use kafka_protocol::messages::read_share_group_state_request::{PartitionData as ReadPartition, ReadStateData};
use kafka_protocol::messages::read_share_group_state_summary_request::{
    PartitionData as SummaryPartition, ReadStateSummaryData,
};
use kafka_protocol::messages::write_share_group_state_request::{PartitionData as WritePartition, WriteStateData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Encodable;
use uuid::Uuid;

use super::Scenario;
use super::consumer_groups::{self, group, named};
use super::share_states::share_topic;
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] =
    &[("between_brokers::in_vain", in_vain), ("between_brokers::offsets_with_their_lag", offsets_with_their_lag)];

/// Every request about a group that is none, a topic that is none, and a partition that is none.
fn in_vain(side: &mut Side) -> Result<(), String> {
    let id = side.name("g");
    let made = share_topic(side, "t", &id, 1)?;
    let nowhere = Uuid::from_u128(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd);
    let cases = [
        ("no group", "", made.id, 0),
        ("an unknown topic", &*id, nowhere, 0),
        ("no topic", &*id, Uuid::nil(), 0),
        ("no partition", &*id, made.id, -1),
    ];
    for (about, group_id, topic_id, partition) in cases {
        side.about(about);
        let of = InitializePartition::default().with_partition(partition).with_state_epoch(1).with_start_offset(0);
        let of = InitializeStateData::default().with_topic_id(topic_id).with_partitions(vec![of]);
        let asked = InitializeShareGroupStateRequest::default().with_group_id(text(group_id)).with_topics(vec![of]);
        side.ask(0, &asked)?;
        side.about(about);
        let of = ReadPartition::default().with_partition(partition);
        let of = ReadStateData::default().with_topic_id(topic_id).with_partitions(vec![of]);
        side.ask(0, &ReadShareGroupStateRequest::default().with_group_id(text(group_id)).with_topics(vec![of]))?;
        side.about(about);
        let of = WritePartition::default().with_partition(partition).with_state_epoch(1).with_start_offset(1);
        let of = WriteStateData::default().with_topic_id(topic_id).with_partitions(vec![of]);
        side.ask(0, &WriteShareGroupStateRequest::default().with_group_id(text(group_id)).with_topics(vec![of]))?;
        side.about(about);
        let of = SummaryPartition::default().with_partition(partition);
        let of = ReadStateSummaryData::default().with_topic_id(topic_id).with_partitions(vec![of]);
        side.ask(0, &ReadShareGroupStateSummaryRequest::default().with_group_id(text(group_id)).with_topics(vec![of]))?;
        side.about(about);
        let of = DeletePartition::default().with_partition(partition);
        let of = DeleteStateData::default().with_topic_id(topic_id).with_partitions(vec![of]);
        side.ask(0, &DeleteShareGroupStateRequest::default().with_group_id(text(group_id)).with_topics(vec![of]))?;
    }
    Ok(())
}

/// DescribeShareGroupOffsets 1 asks as version 0 does; its answer has `Lag` in each partition (KIP-1226).
fn offsets_with_their_lag(side: &mut Side) -> Result<(), String> {
    let (id, other) = (named(side, "group")?, named(side, "other")?);
    let made = share_topic(side, "t", &id, 1)?;
    let start = AlterShareGroupOffsetsRequestPartition::default().with_start_offset(0);
    let of =
        AlterShareGroupOffsetsRequestTopic::default().with_topic_name(topic(&made.name)).with_partitions(vec![start]);
    side.quietly(0, &AlterShareGroupOffsetsRequest::default().with_group_id(group(&id)).with_topics(vec![of]))?;
    side.quietly(1, &consumer_groups::join(&other, "m", &[&made.name]))?;
    for (about, group_id, name) in [
        ("an offset", &id, &*made.name),
        ("of a consumer group", &other, &*made.name),
        ("of a topic that is not there", &id, "no-such-topic"),
    ] {
        let of = DescribeShareGroupOffsetsRequestTopic::default().with_topic_name(topic(name)).with_partitions(vec![0]);
        let asked =
            DescribeShareGroupOffsetsRequestGroup::default().with_group_id(group(group_id)).with_topics(Some(vec![of]));
        let request = DescribeShareGroupOffsetsRequest::default().with_groups(vec![asked]);
        side.about(about);
        side.ask(0, &request)?;
        let mut body = BytesMut::new();
        request.encode(&mut body, 0).map_err(|e| e.to_string())?;
        // Correlation id, tags, throttle time; one group, one topic, its id, one partition: number, offset, epoch.
        let at = 4 + 1 + 4 + (1 + 1 + group_id.len()) + (1 + 1 + name.len() + 16) + (1 + 4 + 8 + 4);
        let mut lag = Vec::new();
        side.about(about);
        side.ask_beyond::<DescribeShareGroupOffsetsRequest>(1, 0, &body, |frame| {
            lag = frame.drain(at..at + 8).collect();
        })?;
        side.write_down("lag", &format!("{lag:?}"));
    }
    Ok(())
}
