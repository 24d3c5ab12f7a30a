//! Brokers that soon forget their producers and have room for few fetch sessions.

use std::time::Duration;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::*;
use protocol_tests::process::until;

use super::Scenario;
use super::fetch::{ask, of, part, request};
use super::transactions::{ending, settled};
use super::transactions_v2::produce;
use crate::records::{self, Origin};
use crate::side::{Side, topic};

/// These need the brokers' third life (`restart.rs`).
pub const SCENARIOS: &[(&str, Scenario)] =
    &[("limits::forgotten_producers", forgotten_producers), ("limits::places_for_sessions", places_for_sessions)];

/// How many fetch sessions there may be (`max.incremental.fetch.session.cache.slots`): one in each of Kafka's eight shards.
const SESSIONS: usize = 8;

const LIMIT: Duration = Duration::from_secs(60);

/// Waits until a partition has forgotten a producer.
fn await_forgotten(side: &mut Side, of: &str, partition: i32, id: i64) -> Result<(), String> {
    let named = TopicRequest::default().with_name(topic(of)).with_partition_indexes(vec![partition]);
    let request = DescribeProducersRequest::default().with_topics(vec![named]);
    until(&format!("that {of}-{partition} forgets producer {id}"), LIMIT, || {
        let answer = side.quietly(0, &request).ok()??;
        let known = answer.topics[0].partitions[0].active_producers.iter().any(|p| p.producer_id.0 == id);
        (!known).then_some(())
    })
}

fn forgotten_producers(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let (id, _) = side.producer(None)?;
    for (about, epoch, sequence) in [
        ("the first", 3, 0),
        ("what it has sent before", 3, 0),
        ("the next one", 3, 1),
        ("a gap", 3, 9),
        ("an epoch before", 2, 4),
        ("an epoch behind", 5, 4),
    ] {
        side.about(about);
        let batch = records::batch_of(Origin { id, epoch, sequence, transactional: false }, &["v"]);
        side.ask(12, &produce(None, &made.name, 0, batch))?;
        await_forgotten(side, &made.name, 0, id)?;
    }
    let name = side.name("transaction");
    let (id, epoch) = side.producer(Some(&name))?;
    let batch = |epoch, sequence| records::batch_of(Origin { id, epoch, sequence, transactional: true }, &["v"]);
    side.about("a transaction begins");
    side.ask(12, &produce(Some(&name), &made.name, 1, batch(epoch, 0)))?;
    // Long enough for another one to be forgotten, which writes behind it.
    let (other, _) = side.producer(None)?;
    let plain = records::batch_of(Origin { id: other, epoch: 0, sequence: 0, transactional: false }, &["v"]);
    side.quietly(12, &produce(None, &made.name, 1, plain))?;
    await_forgotten(side, &made.name, 1, other)?;
    side.about("one with an open transaction is not forgotten");
    side.ask(12, &produce(Some(&name), &made.name, 1, batch(epoch, 1)))?;
    side.ask(5, &ending(&name, id, epoch, true))?;
    settled(side, &name)?;
    await_forgotten(side, &made.name, 1, id)?;
    side.about("the transaction after it, not from 0");
    side.ask(12, &produce(Some(&name), &made.name, 1, batch(epoch + 1, 2)))?;
    side.about("the transaction after it");
    side.ask(12, &produce(Some(&name), &made.name, 1, batch(epoch + 1, 0)))?;
    side.ask(5, &ending(&name, id, epoch + 1, true))?;
    settled(side, &name)?;
    await_forgotten(side, &made.name, 1, id)?;
    side.about("a late append of an epoch that is over");
    side.ask(12, &produce(Some(&name), &made.name, 1, batch(epoch, 2)))?;
    Ok(())
}

fn places_for_sessions(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    let open = |partitions: i32| {
        let parts = (0..partitions).map(|index| part(index, 0, 1000)).collect();
        request(17, vec![of(17, &made, parts)]).with_session_epoch(0)
    };
    let mut ids = Vec::new();
    for round in ["all places", "all places again"] {
        for _ in 0..SESSIONS {
            ids.push(side.quietly(17, &open(1))?.ok_or("closed")?.session_id);
        }
        let new: Vec<i32> = ids.iter().rev().take(SESSIONS).copied().collect();
        side.write_down(round, &format!("{:?}", new.iter().map(|id| *id > 0).collect::<Vec<_>>()));
        for id in &new {
            side.mask(format!("session_id: {id},"), "session_id: of one");
        }
        side.about("no place is left");
        ask(side, 17, &open(1))?;
        side.about("not for a larger one either, before the others are old");
        ask(side, 17, &open(2))?;
        side.about("what has none cannot go on");
        ask(side, 17, &request(17, vec![]).with_session_id(0).with_session_epoch(1))?;
        side.about("what has one goes on");
        ask(side, 17, &request(17, vec![]).with_session_id(new[0]).with_session_epoch(1))?;
        for id in &new {
            side.about("closed");
            ask(side, 17, &request(17, vec![]).with_session_id(*id).with_session_epoch(-1))?;
        }
        side.about("what was closed");
        ask(side, 17, &request(17, vec![]).with_session_id(new[1]).with_session_epoch(1))?;
    }
    Ok(())
}
