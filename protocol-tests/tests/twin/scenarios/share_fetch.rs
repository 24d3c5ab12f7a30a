//! Share groups on the side of a partition's leader (KIP-932): sessions, deliveries and acknowledgements.

use kafka_protocol::messages::share_acknowledge_request::{
    AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch as AckBatch,
};
use kafka_protocol::messages::share_fetch_request::{AcknowledgementBatch, FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::Scenario;
use super::produce::append;
use super::share_states::{await_coordinator, initialize, read, share_topic, summary};
use crate::records;
use crate::restart::{Story, Then};
use crate::side::{Side, Topic, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("share_fetch::deliveries", deliveries),
    ("share_fetch::acknowledgements", acknowledgements),
    ("share_fetch::sessions", sessions),
    ("share_fetch::unknown", unknown),
];

/// What is asked once the brokers were killed.
pub const STORIES: &[(&str, Story)] = &[("share_fetch::killed", killed)];

/// When the scenarios' records are from.
const THEN: i64 = 1_700_000_000_000;

/// Acknowledgements: first offset, last offset, types.
pub type Acks<'a> = &'a [(i64, i64, &'a [i8])];

/// A fetch of partition 0 by a member, which waits for a moment when there is nothing.
pub fn fetching(group: &str, member: &str, epoch: i32, of: Uuid, acks: Acks) -> ShareFetchRequest {
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

pub fn acknowledging(group: &str, member: &str, epoch: i32, of: Uuid, acks: Acks) -> ShareAcknowledgeRequest {
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
pub fn filled(side: &mut Side, suffix: &str, group: &str) -> Result<Topic, String> {
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
