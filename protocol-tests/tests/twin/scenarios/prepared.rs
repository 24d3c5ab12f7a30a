//! Transactions whose coordinator went down when it had decided and not told anyone, and producers that have no epoch left.
//!
//! Nobody can kill a broker in that moment on purpose, so the decision is written into the coordinator's log as a client may that calls
//! itself `__admin_client`. The coordinator that runs does not look; the one that comes after it does.

use bytes::BufMut;
use kafka_protocol::messages::*;

use super::aborted_lists::{Writer, writers};
use super::fetch::committed_from;
use super::transactions::{self, ending, init_request, settled};
use super::transactions_v2::{ask_produce, describe, produce, stable};
use super::zombies::ask_init;
use crate::records::{self, Origin, now_ms};
use crate::restart::{Story, Then};
use crate::side::{Side, topic};

pub const STORIES: &[(&str, Story)] = &[("prepared::decided", decided), ("prepared::the_last_epoch", the_last_epoch)];

const LOG: &str = "__transaction_state";

/// States of a transaction in the coordinator's log (Kafka: `TransactionState`).
const PREPARE_COMMIT: i8 = 2;
const PREPARE_ABORT: i8 = 3;
const COMPLETE_ABORT: i8 = 5;

/// The last epoch that a client may have.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// Writes what a coordinator would write of a transaction (TransactionLogValue, version 1).
fn put_state(
    side: &mut Side,
    of: &Writer,
    epoch: i16,
    state: i8,
    partition_of: Option<&str>,
    v2: bool,
) -> Result<(), String> {
    let mut key = vec![0, 0];
    key.put_u16(u16::try_from(of.name.len()).unwrap());
    key.put_slice(of.name.as_bytes());
    let mut value = Vec::new();
    value.put_i16(1);
    value.put_i64(of.id);
    value.put_i16(epoch);
    value.put_i32(600_000);
    value.put_i8(state);
    // Lengths of what is compact are one more than they are.
    value.put_u8(1 + u8::from(partition_of.is_some()));
    if let Some(name) = partition_of {
        value.put_u8(u8::try_from(name.len() + 1).unwrap());
        value.put_slice(name.as_bytes());
        value.put_slice(&[2, 0, 0, 0, 0, 0]);
    }
    value.put_i64(now_ms());
    value.put_i64(now_ms());
    // Tag 2 is the version that the client speaks.
    value.put_slice(if v2 { &[1, 2, 2, 0, 2] } else { &[0] });
    let partition = partition_for(side, &of.name)?;
    let request = produce(None, LOG, partition, records::keyed(&key, &value));
    let answer = side.as_client("__admin_client").quietly(9, &request)?.ok_or("closed")?;
    side.as_client("twin");
    match answer.responses[0].partition_responses[0].error_code {
        0 => Ok(()),
        code => Err(format!("{LOG}-{partition}: error {code}")),
    }
}

/// Where a transactional id lives (Kafka: `TransactionStateManager.partitionFor`).
fn partition_for(side: &mut Side, name: &str) -> Result<i32, String> {
    let named = metadata_request::MetadataRequestTopic::default().with_name(Some(topic(LOG)));
    let answer = side.quietly(9, &MetadataRequest::default().with_topics(Some(vec![named])))?.ok_or("closed")?;
    let count = i32::try_from(answer.topics[0].partitions.len()).unwrap();
    let hash = name.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    Ok(hash.checked_abs().unwrap_or(0) % count)
}

fn batch(of: &Writer, epoch: i16, sequence: i32) -> bytes::Bytes {
    records::batch_of(Origin { id: of.id, epoch, sequence, transactional: true }, &["v"])
}

/// In both protocols and both ways: the markers come, readers go on, and the producer is told that its end is done.
fn decided(side: &mut Side) -> Result<Then, String> {
    let all = writers(side, 4)?;
    let mut cases = Vec::new();
    for (at, writer) in all.into_iter().enumerate() {
        let (v2, commit) = (at >= 2, at % 2 == 0);
        let made = side.topic(&format!("t{at}"), 1, &[])?;
        if v2 {
            side.quietly(12, &produce(Some(&writer.name), &made.name, 0, batch(&writer, writer.epoch, 0)))?;
        } else {
            transactions::write(side, &writer.name, &made.name, batch(&writer, writer.epoch, 0))?;
        }
        side.about("not ended");
        stable(side, &made.name, &[0])?;
        // In the newer protocol the decision moves the epoch.
        let epoch = writer.epoch + i16::from(v2);
        let state = if commit { PREPARE_COMMIT } else { PREPARE_ABORT };
        put_state(side, &writer, epoch, state, Some(&made.name), v2)?;
        cases.push((writer, made, v2, commit));
    }
    Ok(Box::new(move |side| {
        for (writer, made, v2, commit) in &cases {
            side.await_leaders(&made.name, 1)?;
            side.loaded(&writer.name)?;
            settled(side, &writer.name)?;
            describe(side, &writer.name)?;
            stable(side, &made.name, &[0])?;
            committed_from(side, 12, made, 0, 1 << 20)?;
            let version = if *v2 { 5 } else { 4 };
            side.about("it ends once more");
            side.ask(version, &ending(&writer.name, writer.id, writer.epoch, *commit))?;
            side.about("it ends the other way");
            side.ask(version, &ending(&writer.name, writer.id, writer.epoch, !*commit))?;
            let next = writer.epoch + i16::from(*v2);
            side.about("the next transaction");
            if *v2 {
                ask_produce(side, 12, &produce(Some(&writer.name), &made.name, 0, batch(writer, next, 0)))?;
            } else {
                transactions::write(side, &writer.name, &made.name, batch(writer, next, 1))?;
            }
            side.about("its end");
            side.ask(version, &ending(&writer.name, writer.id, next, true))?;
            settled(side, &writer.name)?;
            ask_init(side, "it begins anew", &init_request(Some(&writer.name), 60_000, -1, -1))?;
            stable(side, &made.name, &[0])?;
        }
        Ok(())
    }))
}

/// What is written down of a producer's id, which is each broker's own: 1 if it is another one than before, 2 if it is the other one that
/// was `given` already, and else 0.
fn told(answered: ProducerId, of: &Writer, given: Option<ProducerId>) -> ProducerId {
    let other = answered.0 > 0 && answered.0 != of.id;
    ProducerId(i64::from(other) + i64::from(other && given == Some(answered)))
}

/// Asks for the end of a transaction; the id that the producer has from now on.
fn ends(
    side: &mut Side,
    about: &str,
    of: &Writer,
    epoch: i16,
    given: Option<ProducerId>,
) -> Result<ProducerId, String> {
    side.about(about);
    let end = ending(&of.name, of.id, epoch, true);
    Ok(side.ask_sorted(5, &end, |a| a.producer_id = told(a.producer_id, of, given))?.producer_id)
}

/// Of each epoch there is one end, and when none is left the producer gets another id (KIP-890, KIP-360).
fn the_last_epoch(side: &mut Side) -> Result<Then, String> {
    let made = side.topic("t", 2, &[])?;
    let four = writers(side, 4)?;
    for writer in &four {
        put_state(side, writer, LAST_EPOCH, COMPLETE_ABORT, None, true)?;
    }
    Ok(Box::new(move |side| {
        side.await_leaders(&made.name, 2)?;
        for writer in &four {
            side.loaded(&writer.name)?;
            describe(side, &writer.name)?;
        }
        // Kafka's coordinator has no ids to give away before it has asked the controller for some.
        side.producer(None)?;
        let [ends_it, begins_anew, goes_on, speaks_old] = &four[..] else { return Err("four".into()) };
        side.about("in its last epoch");
        ask_produce(side, 12, &produce(Some(&ends_it.name), &made.name, 0, batch(ends_it, LAST_EPOCH, 0)))?;
        let next = ends(side, "the end of its last epoch", ends_it, LAST_EPOCH, None)?;
        settled(side, &ends_it.name)?;
        ends(side, "the same again", ends_it, LAST_EPOCH, Some(next))?;
        side.mask(format!("producer_id: {next:?},"), "producer_id: the next one");
        describe(side, &ends_it.name)?;
        side.about("a late append of its last epoch");
        ask_produce(side, 12, &produce(Some(&ends_it.name), &made.name, 0, batch(ends_it, LAST_EPOCH, 1)))?;
        let next = Writer { name: ends_it.name.clone(), id: next.0, epoch: 0, sequence: 0 };
        side.about("with its new id");
        ask_produce(side, 12, &produce(Some(&next.name), &made.name, 0, batch(&next, 0, 0)))?;
        side.about("the end with its new id");
        side.ask(5, &ending(&next.name, next.id, 0, true))?;
        settled(side, &next.name)?;
        inits(side, "another begins anew", begins_anew, None, None)?;
        let given = Some(inits(side, "it goes on from its last epoch", goes_on, Some(LAST_EPOCH), None)?);
        inits(side, "it goes on from its last epoch, again", goes_on, Some(LAST_EPOCH), given)?;
        inits(side, "it goes on from an earlier one", goes_on, Some(7), given)?;
        // The older protocol leaves the epoch as it is.
        transactions::write(side, &speaks_old.name, &made.name, batch(speaks_old, LAST_EPOCH, 0))?;
        side.about("the end in the older protocol");
        side.ask(4, &ending(&speaks_old.name, speaks_old.id, LAST_EPOCH, true))?;
        settled(side, &speaks_old.name)?;
        describe(side, &speaks_old.name)?;
        stable(side, &made.name, &[0, 1])
    }))
}

/// Begins anew, or goes on from an epoch; the id that was answered.
fn inits(
    side: &mut Side,
    about: &str,
    of: &Writer,
    epoch: Option<i16>,
    given: Option<ProducerId>,
) -> Result<ProducerId, String> {
    side.about(about);
    let request = match epoch {
        Some(epoch) => init_request(Some(&of.name), 60_000, of.id, epoch),
        None => init_request(Some(&of.name), 60_000, -1, -1),
    };
    Ok(side.ask_sorted(5, &request, |a| a.producer_id = told(a.producer_id, of, given))?.producer_id)
}
