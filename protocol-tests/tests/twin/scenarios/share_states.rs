//! The share coordinator (KIP-932): what it keeps of a share-partition, and what it refuses.

use std::time::Duration;

use kafka_protocol::messages::delete_share_group_state_request::{DeleteStateData, PartitionData as DeletePartition};
use kafka_protocol::messages::initialize_share_group_state_request::{
    InitializeStateData, PartitionData as InitializePartition,
};
use kafka_protocol::messages::read_share_group_state_request::{PartitionData as ReadPartition, ReadStateData};
use kafka_protocol::messages::read_share_group_state_summary_request::{
    PartitionData as SummaryPartition, ReadStateSummaryData,
};
use kafka_protocol::messages::write_share_group_state_request::{
    PartitionData as WritePartition, StateBatch, WriteStateData,
};
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use uuid::Uuid;

use super::Scenario;
use crate::side::{Side, Topic, text};

pub const SCENARIOS: &[(&str, Scenario)] =
    &[("share_states::states", states), ("share_states::nothing_named", nothing_named)];

/// How long a coordinator may take to be there.
const LIMIT: Duration = Duration::from_secs(20);

/// Kafka's text of a UUID: URL-safe base64 without padding.
pub fn kafka_text(id: Uuid) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |shift: i32| if shift >= 0 { id.as_u128() >> shift } else { id.as_u128() << -shift };
    (0..22).map(|place| char::from(DIGITS[(digit(122 - 6 * place) & 63) as usize])).collect()
}

/// A topic, and the share coordinator of its first partition at work.
pub fn share_topic(side: &mut Side, suffix: &str, group: &str, partitions: i32) -> Result<Topic, String> {
    let made = side.topic(suffix, partitions, &[("retention.ms", "-1")])?;
    for partition in 0..partitions {
        await_coordinator(side, group, made.id, partition)?;
    }
    Ok(made)
}

/// Waits until the share coordinator of a share-partition is there, has read its log, and knows the topic.
pub fn await_coordinator(side: &mut Side, group: &str, id: Uuid, partition: i32) -> Result<(), String> {
    let key = format!("{group}:{}:{partition}", kafka_text(id));
    let find = FindCoordinatorRequest::default().with_key_type(2).with_coordinator_keys(vec![text(&key)]);
    let asked = SummaryPartition::default().with_partition(partition).with_leader_epoch(0);
    let topic = ReadStateSummaryData::default().with_topic_id(id).with_partitions(vec![asked]);
    let request = ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    until("the share coordinator", LIMIT, || {
        let found = side.quietly(6, &find).ok()??;
        let answer = side.quietly(0, &request).ok()??;
        (found.coordinators[0].error_code == 0 && answer.results[0].partitions[0].error_code == 0).then_some(())
    })
}

pub fn initialize(
    side: &mut Side,
    group: &str,
    of: &Topic,
    partition: i32,
    epoch: i32,
    start: i64,
) -> Result<(), String> {
    let partition =
        InitializePartition::default().with_partition(partition).with_state_epoch(epoch).with_start_offset(start);
    let topic = InitializeStateData::default().with_topic_id(of.id).with_partitions(vec![partition]);
    let request = InitializeShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

pub fn read(side: &mut Side, group: &str, id: Uuid, partition: i32, leader_epoch: i32) -> Result<(), String> {
    let partition = ReadPartition::default().with_partition(partition).with_leader_epoch(leader_epoch);
    let topic = ReadStateData::default().with_topic_id(id).with_partitions(vec![partition]);
    let request = ReadShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

pub fn summary(side: &mut Side, group: &str, id: Uuid) -> Result<(), String> {
    let partition = SummaryPartition::default().with_leader_epoch(0);
    let topic = ReadStateSummaryData::default().with_topic_id(id).with_partitions(vec![partition]);
    let request = ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

/// Keeps `batches` (first, last, state, deliveries) from `start` on in an epoch of the state and of the leader.
fn write(
    side: &mut Side,
    group: &str,
    id: Uuid,
    epochs: (i32, i32),
    start: i64,
    batches: &[(i64, i64, i8, i16)],
) -> Result<(), String> {
    let batch = |(first, last, state, count): &(i64, i64, i8, i16)| {
        StateBatch::default()
            .with_first_offset(*first)
            .with_last_offset(*last)
            .with_delivery_state(*state)
            .with_delivery_count(*count)
    };
    let partition = WritePartition::default()
        .with_state_epoch(epochs.0)
        .with_leader_epoch(epochs.1)
        .with_start_offset(start)
        .with_state_batches(batches.iter().map(batch).collect());
    let topic = WriteStateData::default().with_topic_id(id).with_partitions(vec![partition]);
    let request = WriteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

fn delete(side: &mut Side, group: &str, id: Uuid) -> Result<(), String> {
    let topic = DeleteStateData::default().with_topic_id(id).with_partitions(vec![DeletePartition::default()]);
    let request = DeleteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

fn states(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = share_topic(side, "t", &g, 1)?;
    side.about("not begun");
    read(side, &g, made.id, 0, 0)?;
    summary(side, &g, made.id)?;
    write(side, &g, made.id, (0, 0), 0, &[(0, 0, 0, 1)])?;
    delete(side, &g, made.id)?;
    initialize(side, &g, &made, 0, 3, 5)?;
    side.about("an older epoch");
    initialize(side, &g, &made, 0, 2, 0)?;
    read(side, &g, made.id, 0, 7)?;
    side.about("an older leader");
    read(side, &g, made.id, 0, 6)?;
    write(side, &g, made.id, (3, 6), 5, &[(5, 5, 0, 1)])?;
    side.about("an older state");
    write(side, &g, made.id, (2, 7), 5, &[(5, 5, 0, 1)])?;
    write(side, &g, made.id, (3, 7), 5, &[(5, 9, 0, 1), (10, 14, 2, 1)])?;
    side.about("more deliveries come before fewer");
    write(side, &g, made.id, (3, 7), 5, &[(7, 11, 4, 3)])?;
    read(side, &g, made.id, 0, 7)?;
    side.about("the start has moved");
    write(side, &g, made.id, (3, 7), 8, &[(20, 20, 0, 1)])?;
    read(side, &g, made.id, 0, 7)?;
    summary(side, &g, made.id)?;
    side.about("no epochs");
    write(side, &g, made.id, (-1, -1), -1, &[(21, 21, 0, 2)])?;
    read(side, &g, made.id, 0, -1)?;
    side.about("begun anew");
    initialize(side, &g, &made, 0, 4, 0)?;
    read(side, &g, made.id, 0, 7)?;
    delete(side, &g, made.id)?;
    read(side, &g, made.id, 0, 7)?;
    side.about("a partition that is not there");
    initialize(side, &g, &made, 1, 0, 0)?;
    read(side, &g, made.id, 1, 0)?;
    side.about("no partition");
    initialize(side, &g, &made, -1, 0, 0)?;
    read(side, &g, made.id, -1, 0)
}

fn nothing_named(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = share_topic(side, "t", &g, 1)?;
    for group in ["", g.as_str()] {
        side.about(format!("no topics, group {group:?}"));
        side.ask(0, &InitializeShareGroupStateRequest::default().with_group_id(text(group)))?;
        side.ask(0, &ReadShareGroupStateRequest::default().with_group_id(text(group)))?;
        side.ask(0, &WriteShareGroupStateRequest::default().with_group_id(text(group)))?;
        side.ask(0, &DeleteShareGroupStateRequest::default().with_group_id(text(group)))?;
        side.ask(0, &ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)))?;
    }
    side.about("a topic without partitions");
    let topic = InitializeStateData::default().with_topic_id(made.id);
    side.ask(0, &InitializeShareGroupStateRequest::default().with_group_id(text(&g)).with_topics(vec![topic]))?;
    let topic = ReadStateData::default().with_topic_id(made.id);
    side.ask(0, &ReadShareGroupStateRequest::default().with_group_id(text(&g)).with_topics(vec![topic]))?;
    let topic = DeleteStateData::default().with_topic_id(made.id);
    side.ask(0, &DeleteShareGroupStateRequest::default().with_group_id(text(&g)).with_topics(vec![topic]))?;
    Ok(())
}
