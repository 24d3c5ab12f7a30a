//! Share groups on the side of a partition's leader (KIP-932): the share coordinator's APIs, sessions, deliveries and acknowledgements.

use std::time::Duration;

use kafka_protocol::messages::delete_share_group_state_request::{DeleteStateData, PartitionData as DeletePartition};
use kafka_protocol::messages::initialize_share_group_state_request::{
    InitializeStateData, PartitionData as InitializePartition,
};
use kafka_protocol::messages::read_share_group_state_request::{PartitionData as ReadPartition, ReadStateData};
use kafka_protocol::messages::read_share_group_state_summary_request::{
    PartitionData as SummaryPartition, ReadStateSummaryData,
};
use kafka_protocol::messages::share_acknowledge_request::{
    AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch as AckBatch,
};
use kafka_protocol::messages::share_fetch_request::{AcknowledgementBatch, FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::write_share_group_state_request::{
    PartitionData as WritePartition, StateBatch, WriteStateData,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use protocol_tests::process::until;
use uuid::Uuid;

use super::Scenario;
use super::produce::append;
use crate::records;
use crate::restart::{Story, Then};
use crate::side::{Side, Topic, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("share_fetch::states", states),
    ("share_fetch::nothing_named", nothing_named),
    ("share_fetch::deliveries", deliveries),
    ("share_fetch::acknowledgements", acknowledgements),
    ("share_fetch::sessions", sessions),
    ("share_fetch::unknown", unknown),
    ("share_fetch::newer_versions", newer_versions),
];

/// What is asked once the brokers were killed.
pub const STORIES: &[(&str, Story)] = &[("share_fetch::killed", killed)];

/// How long a coordinator may take to be there.
const LIMIT: Duration = Duration::from_secs(20);
/// When the scenarios' records are from.
const THEN: i64 = 1_700_000_000_000;

/// Kafka's text of a UUID: URL-safe base64 without padding.
fn kafka_text(id: Uuid) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |shift: i32| if shift >= 0 { id.as_u128() >> shift } else { id.as_u128() << -shift };
    (0..22).map(|place| char::from(DIGITS[(digit(122 - 6 * place) & 63) as usize])).collect()
}

/// A topic, and the share coordinator of its first partition at work.
fn share_topic(side: &mut Side, suffix: &str, group: &str, partitions: i32) -> Result<Topic, String> {
    let made = side.topic(suffix, partitions, &[("retention.ms", "-1")])?;
    for partition in 0..partitions {
        await_coordinator(side, group, made.id, partition)?;
    }
    Ok(made)
}

/// Waits until the share coordinator of a share-partition is there, has read its log, and knows the topic.
fn await_coordinator(side: &mut Side, group: &str, id: Uuid, partition: i32) -> Result<(), String> {
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

fn initialize(side: &mut Side, group: &str, of: &Topic, partition: i32, epoch: i32, start: i64) -> Result<(), String> {
    let partition =
        InitializePartition::default().with_partition(partition).with_state_epoch(epoch).with_start_offset(start);
    let topic = InitializeStateData::default().with_topic_id(of.id).with_partitions(vec![partition]);
    let request = InitializeShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

fn read(side: &mut Side, group: &str, id: Uuid, partition: i32, leader_epoch: i32) -> Result<(), String> {
    let partition = ReadPartition::default().with_partition(partition).with_leader_epoch(leader_epoch);
    let topic = ReadStateData::default().with_topic_id(id).with_partitions(vec![partition]);
    let request = ReadShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
    side.ask(0, &request).map(drop)
}

fn summary(side: &mut Side, group: &str, id: Uuid) -> Result<(), String> {
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

/// Acknowledgements: first offset, last offset, types.
type Acks<'a> = &'a [(i64, i64, &'a [i8])];

/// A fetch of partition 0 by a member, which waits for a moment when there is nothing.
fn fetching(group: &str, member: &str, epoch: i32, of: Uuid, acks: Acks) -> ShareFetchRequest {
    let batch = |(first, last, types): &(i64, i64, &[i8])| {
        AcknowledgementBatch::default()
            .with_first_offset(*first)
            .with_last_offset(*last)
            .with_acknowledge_types(types.to_vec())
    };
    let partition = FetchPartition::default().with_acknowledgement_batches(acks.iter().map(batch).collect());
    let topic = FetchTopic::default().with_topic_id(of).with_partitions(vec![partition]);
    ShareFetchRequest::default()
        .with_group_id(Some(GroupId(text(group))))
        .with_member_id(Some(text(member)))
        .with_share_session_epoch(epoch)
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_max_records(500)
        .with_batch_size(500)
        .with_topics(vec![topic])
}

fn acknowledging(group: &str, member: &str, epoch: i32, of: Uuid, acks: Acks) -> ShareAcknowledgeRequest {
    let batch = |(first, last, types): &(i64, i64, &[i8])| {
        AckBatch::default().with_first_offset(*first).with_last_offset(*last).with_acknowledge_types(types.to_vec())
    };
    let partition = AcknowledgePartition::default().with_acknowledgement_batches(acks.iter().map(batch).collect());
    let topic = AcknowledgeTopic::default().with_topic_id(of).with_partitions(vec![partition]);
    ShareAcknowledgeRequest::default()
        .with_group_id(Some(GroupId(text(group))))
        .with_member_id(Some(text(member)))
        .with_share_session_epoch(epoch)
        .with_topics(vec![topic])
}

/// Three batches of two records each, which the group reads from the start.
fn filled(side: &mut Side, suffix: &str, group: &str) -> Result<Topic, String> {
    let made = share_topic(side, suffix, group, 1)?;
    for values in [["a", "b"], ["c", "d"], ["e", "f"]] {
        append(side, &made.name, 0, records::batch_at(&values.map(|value| (THEN, value))))?;
    }
    initialize(side, group, &made, 0, 0, 0)?;
    Ok(made)
}

fn deliveries(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    let one = |epoch, acks| fetching(&g, "one", epoch, made.id, acks);
    side.about("a batch for one record");
    side.on("one").ask(1, &one(0, &[]).with_max_records(1))?;
    side.about("the rest, in small batches");
    side.on("two").ask(1, &fetching(&g, "two", 0, made.id, &[]).with_batch_size(1))?;
    side.about("nothing is left");
    side.on("one").ask(1, &one(1, &[]))?;
    side.about("one is accepted, one comes again");
    side.on("one").ask(1, &one(2, &[(0, 1, &[1, 2])]))?;
    side.about("rejected; gaps");
    side.on("two").ask(1, &acknowledging(&g, "two", 1, made.id, &[(2, 3, &[3]), (4, 4, &[0])]))?;
    side.about("closes, and gives one back");
    side.on("two").ask(1, &acknowledging(&g, "two", -1, made.id, &[]))?;
    side.about("what was given back");
    side.on("one").ask(1, &one(3, &[]))?;
    side.about("all accepted");
    side.on("one").ask(1, &one(4, &[(1, 1, &[1]), (5, 5, &[1])]))?;
    read(side, &g, made.id, 0, -1)?;
    summary(side, &g, made.id)
}

fn acknowledgements(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    side.ask(1, &fetching(&g, "m", 0, made.id, &[]))?;
    let wrong: &[(&str, Acks)] = &[
        ("backwards", &[(3, 2, &[1])]),
        ("overlapping", &[(0, 3, &[1]), (2, 4, &[1])]),
        ("touching", &[(0, 2, &[2]), (2, 3, &[2])]),
        ("no types", &[(0, 1, &[])]),
        ("too few types", &[(0, 2, &[1, 1])]),
        ("an unknown type", &[(0, 0, &[5])]),
        ("renewed in version 1", &[(0, 0, &[4])]),
        ("never delivered", &[(6, 7, &[1])]),
        ("partly delivered", &[(5, 6, &[1])]),
        ("none", &[]),
    ];
    let mut epoch = 1;
    for (what, acks) in wrong {
        side.about(*what);
        side.ask(1, &acknowledging(&g, "m", epoch, made.id, acks))?;
        side.about(format!("{what}, by the way"));
        side.ask(1, &fetching(&g, "m", epoch + 1, made.id, acks).with_max_wait_ms(0))?;
        epoch += 2;
    }
    side.about("accepted");
    side.ask(1, &acknowledging(&g, "m", epoch, made.id, &[(0, 3, &[1])]))?;
    side.about("accepted again");
    side.ask(1, &acknowledging(&g, "m", epoch + 1, made.id, &[(0, 3, &[1])]))?;
    side.about("the others, and some again");
    side.ask(1, &acknowledging(&g, "m", epoch + 2, made.id, &[(2, 5, &[1])]))?;
    side.about("the others");
    side.ask(1, &acknowledging(&g, "m", epoch + 3, made.id, &[(4, 5, &[1])]))?;
    side.about("long gone");
    side.ask(1, &acknowledging(&g, "m", epoch + 4, made.id, &[(0, 1, &[1])]))?;
    Ok(())
}

fn sessions(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    let m = |epoch| fetching(&g, "m", epoch, made.id, &[]).with_max_wait_ms(0);
    for epoch in [1, -1, -2, i32::MAX] {
        side.about(format!("no session, epoch {epoch}"));
        side.ask(1, &m(epoch))?;
        side.ask(1, &acknowledging(&g, "m", epoch, made.id, &[(0, 0, &[1])]))?;
    }
    side.about("acknowledges at once");
    side.ask(1, &fetching(&g, "m", 0, made.id, &[(0, 0, &[1])]))?;
    side.ask(1, &acknowledging(&g, "m", 0, made.id, &[(0, 0, &[1])]))?;
    side.about("opens");
    side.ask(1, &m(0).with_max_wait_ms(500))?;
    side.about("an epoch too far");
    side.ask(1, &m(2))?;
    side.ask(1, &acknowledging(&g, "m", 3, made.id, &[(0, 0, &[1])]))?;
    side.about("the next epoch, nothing named");
    side.ask(1, &m(1).with_topics(vec![]))?;
    side.about("forgets");
    let forgotten = ForgottenTopic::default().with_topic_id(made.id).with_partitions(vec![0]);
    side.ask(1, &m(2).with_topics(vec![]).with_forgotten_topics_data(vec![forgotten]))?;
    side.about("no records wanted");
    side.ask(1, &m(3).with_max_records(0))?;
    side.about("no bytes wanted");
    side.ask(1, &m(4).with_max_bytes(0))?;
    side.about("closes with acknowledgements");
    side.ask(1, &fetching(&g, "m", -1, made.id, &[(0, 1, &[1])]))?;
    side.about("closed");
    side.ask(1, &m(5))?;
    side.about("no group");
    side.ask(1, &m(0).with_group_id(None))?;
    side.ask(1, &acknowledging(&g, "m", 0, made.id, &[]).with_group_id(None))?;
    for member in [None, Some(""), Some("a member's id of more than 36 characters")] {
        side.about(format!("member {member:?}"));
        side.ask(1, &m(0).with_member_id(member.map(text)))?;
        side.ask(1, &acknowledging(&g, "m", 0, made.id, &[]).with_member_id(member.map(text)))?;
    }
    Ok(())
}

fn unknown(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = share_topic(side, "t", &g, 1)?;
    let nowhere = Uuid::from_u128(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd);
    // Not fetched: Kafka trips over the name that it does not know and answers UNKNOWN_SERVER_ERROR for all of the request, where we
    // say UNKNOWN_TOPIC_ID for the partition.
    side.ask(1, &fetching(&g, "m", 0, made.id, &[]).with_topics(vec![]))?;
    side.about("acknowledges there");
    side.ask(1, &acknowledging(&g, "m", 1, nowhere, &[(0, 0, &[1])]))?;
    side.about("acknowledges what nobody has fetched");
    side.ask(1, &acknowledging(&g, "m", 2, made.id, &[(0, 0, &[1])]))?;
    side.about("a state that was not begun");
    side.ask(1, &fetching(&g, "n", 0, made.id, &[]))?;
    side.about("an unknown partition");
    let mut request = fetching(&g, "o", 0, made.id, &[]);
    request.topics[0].partitions[0].partition_index = 7;
    side.ask(1, &request)?;
    Ok(())
}

/// A request's body in the last version that the codec knows, with `bytes` put in at `at`.
fn spliced<R: Request>(request: &R, version: i16, at: usize, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = bytes::BytesMut::new();
    request.encode(&mut body, version).map_err(|e| e.to_string())?;
    let mut body = body.to_vec();
    body.splice(at..at, bytes.iter().copied());
    Ok(body)
}

/// ShareFetch 2: `ShareAcquireMode` and `IsRenewAck` behind the batch size.
fn fetch_2(side: &mut Side, request: &ShareFetchRequest, mode: i8, is_renew_ack: bool) -> Result<(), String> {
    let texts =
        request.group_id.as_ref().map_or(0, |id| id.len()) + request.member_id.as_ref().map_or(0, |id| id.len());
    let body = spliced(request, 1, texts + 2 + 6 * 4, &[mode as u8, u8::from(is_renew_ack)])?;
    side.ask_beyond::<ShareFetchRequest>(2, 1, &body, |_| {}).map(drop)
}

/// ShareAcknowledge 2: `IsRenewAck` behind the epoch, and in the answer how long locks hold behind the message.
fn acknowledge_2(side: &mut Side, request: &ShareAcknowledgeRequest, is_renew_ack: bool) -> Result<(), String> {
    let texts =
        request.group_id.as_ref().map_or(0, |id| id.len()) + request.member_id.as_ref().map_or(0, |id| id.len());
    let body = spliced(request, 1, texts + 2 + 4, &[u8::from(is_renew_ack)])?;
    let mut lock_ms = Vec::new();
    side.ask_beyond::<ShareAcknowledgeRequest>(2, 1, &body, |frame| {
        // Correlation id, tags, throttle time, error; no message.
        let at = 4 + 1 + 4 + 2 + 1;
        lock_ms = frame.drain(at..at + 4).collect();
    })?;
    side.write_down("how long locks hold", &format!("{lock_ms:?}"));
    Ok(())
}

fn newer_versions(side: &mut Side) -> Result<(), String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    let m = |epoch, acks| fetching(&g, "m", epoch, made.id, acks);
    side.about("no session");
    fetch_2(side, &m(1, &[]), 0, false)?;
    acknowledge_2(side, &acknowledging(&g, "m", 1, made.id, &[(0, 0, &[1])]), false)?;
    side.about("no more than one record");
    fetch_2(side, &m(0, &[]).with_max_records(1), 1, false)?;
    side.about("no more than two, over two batches");
    fetch_2(side, &m(1, &[]).with_max_records(2), 1, false)?;
    side.about("a mode that nobody knows");
    fetch_2(side, &m(2, &[]), 9, false)?;
    side.about("renewed in a request that is not for that");
    acknowledge_2(side, &acknowledging(&g, "m", 3, made.id, &[(0, 0, &[4])]), false)?;
    side.about("renewed");
    acknowledge_2(side, &acknowledging(&g, "m", 4, made.id, &[(0, 0, &[4])]), true)?;
    side.about("renewed beside a fetch");
    fetch_2(side, &m(5, &[(0, 0, &[4])]), 0, true)?;
    let nothing = |epoch, acks| {
        let request = fetching(&g, "m", epoch, made.id, acks);
        request.with_max_wait_ms(0).with_min_bytes(0).with_max_bytes(0).with_max_records(0)
    };
    side.about("renewed and accepted by the way");
    fetch_2(side, &nothing(5, &[(0, 1, &[4, 1])]), 0, true)?;
    side.about("renewed what is done");
    acknowledge_2(side, &acknowledging(&g, "m", 6, made.id, &[(1, 1, &[4])]), true)?;
    side.about("the rest, whole batches");
    fetch_2(side, &m(7, &[]).with_max_records(1), 0, false)?;
    side.about("accepted");
    acknowledge_2(side, &acknowledging(&g, "m", 8, made.id, &[(0, 0, &[1]), (2, 2, &[1])]), false)?;
    counted(side, &g, made.id)
}

/// WriteShareGroupState 1 and ReadShareGroupStateSummary 1: how many records are done with.
fn counted(side: &mut Side, group: &str, id: Uuid) -> Result<(), String> {
    let write = |epochs: (i32, i32)| {
        let partition =
            WritePartition::default().with_state_epoch(epochs.0).with_leader_epoch(epochs.1).with_start_offset(2);
        let topic = WriteStateData::default().with_topic_id(id).with_partitions(vec![partition]);
        WriteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
    };
    // Group, topics, topic id, partitions, partition, two epochs, start offset; then the count.
    let at = 1 + group.len() + 1 + 16 + 1 + 4 + 4 + 4 + 8;
    let body = spliced(&write((0, -1)), 0, at, &3_i32.to_be_bytes())?;
    side.ask_beyond::<WriteShareGroupStateRequest>(1, 0, &body, |_| {})?;
    for (what, id) in [("there", id), ("nowhere", Uuid::from_u128(7))] {
        side.about(what);
        let topic =
            ReadStateSummaryData::default().with_topic_id(id).with_partitions(vec![SummaryPartition::default()]);
        let request = ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic]);
        let body = spliced(&request, 0, 0, &[])?;
        let mut count = Vec::new();
        side.ask_beyond::<ReadShareGroupStateSummaryRequest>(1, 0, &body, |frame| {
            // The last field but for the tags of partition, topic and answer.
            let at = frame.len() - 3 - 4;
            count = frame.drain(at..at + 4).collect();
        })?;
        side.write_down("records done with", &format!("{count:?}"));
    }
    side.about("nowhere");
    let mut nowhere = write((0, -1));
    nowhere.topics[0].topic_id = Uuid::from_u128(7);
    let body = spliced(&nowhere, 0, at, &3_i32.to_be_bytes())?;
    side.ask_beyond::<WriteShareGroupStateRequest>(1, 0, &body, |_| {})?;
    Ok(())
}

/// What was acknowledged before a broker was killed does not come again; the rest does.
fn killed(side: &mut Side) -> Result<Then, String> {
    let g = side.name("g");
    let made = filled(side, "t", &g)?;
    side.about("all");
    side.ask(1, &fetching(&g, "one", 0, made.id, &[]))?;
    side.about("accepts, releases, rejects, and keeps the last");
    side.ask(1, &acknowledging(&g, "one", 1, made.id, &[(0, 2, &[1]), (3, 3, &[2]), (4, 4, &[3])]))?;
    Ok(Box::new(move |side| {
        side.await_leaders(&made.name, 1)?;
        await_coordinator(side, &g, made.id, 0)?;
        side.about("the session is gone");
        side.ask(1, &acknowledging(&g, "one", 2, made.id, &[(5, 5, &[1])]))?;
        side.about("what is left");
        side.ask(1, &fetching(&g, "two", 0, made.id, &[]).with_max_wait_ms(5000))?;
        side.ask(1, &acknowledging(&g, "two", 1, made.id, &[(3, 3, &[1]), (5, 5, &[1])]))?;
        // Without the leader's epoch: Kafka's broker leads in a new one after each start.
        read(side, &g, made.id, 0, -1)
    }))
}
