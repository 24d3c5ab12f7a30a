//! Transactional producers that are shut out: by a newer one of their name, and by the coordinator when their time is over.

use kafka_protocol::messages::*;
use protocol_tests::process::until;

use super::Scenario;
use super::transactions::{self, END_LIMIT, add, ending, id_of, init_request, settled};
use super::transactions_v2::{CONCURRENT_TRANSACTIONS, ask_produce, batch, describe, produce, stable};
use crate::side::Side;

pub const SCENARIOS: &[(&str, Scenario)] = &[("zombies::zombies", zombies), ("zombies::times_out", times_out)];

/// Asks for an epoch, again while the transaction before it is being ended; how often that was is each broker's own affair.
pub fn ask_init(side: &mut Side, about: &str, request: &InitProducerIdRequest) -> Result<i16, String> {
    side.about(about);
    let answer = until("the transaction before", END_LIMIT, || match side.quietly(5, request) {
        Ok(Some(a)) if a.error_code == CONCURRENT_TRANSACTIONS => None,
        other => Some(other),
    })??;
    side.record::<InitProducerIdRequest>(5, answer.as_ref());
    Ok(answer.map_or(-1, |a| a.producer_epoch))
}

fn zombies(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 2, &[])?;
    for way in ["adds", "appends"] {
        let name = side.name(way);
        let (id, old) = side.producer(Some(&name))?;
        if way == "adds" {
            transactions::write(side, &name, &made.name, batch(id, old, 0))?;
        } else {
            side.quietly(12, &produce(Some(&name), &made.name, 0, batch(id, old, 0)))?;
        }
        let new = ask_init(side, "another takes over", &init_request(Some(&name), 60_000, -1, -1))?;
        describe(side, &name)?;
        stable(side, &made.name, &[0])?;
        side.about("the zombie ends");
        side.ask(5, &ending(&name, id, old, true))?;
        side.about("the zombie ends in the old version");
        side.ask(4, &ending(&name, id, old, true))?;
        side.about("the zombie writes");
        ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, old, 1)))?;
        side.about("the zombie writes elsewhere");
        ask_produce(side, 12, &produce(Some(&name), &made.name, 1, batch(id, old, 0)))?;
        side.about("the zombie writes in the old version");
        ask_produce(side, 11, &produce(Some(&name), &made.name, 1, batch(id, old, 0)))?;
        ask_init(side, "the zombie would go on", &init_request(Some(&name), 60_000, id, old))?;
        let newer = ask_init(side, "the new one goes on", &init_request(Some(&name), 60_000, id, new))?;
        ask_init(side, "the new one goes on, again", &init_request(Some(&name), 60_000, id, new))?;
        side.about("the new one writes");
        ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, newer, 0)))?;
        let newest = ask_init(side, "it aborts by beginning anew", &init_request(Some(&name), 60_000, id, newer))?;
        describe(side, &name)?;
        side.about("the newest one ends, with nothing written");
        side.ask(5, &ending(&name, id, newest, false))?;
        settled(side, &name)?;
    }
    stable(side, &made.name, &[0, 1])
}

fn times_out(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    for way in ["adds", "appends"] {
        let name = side.name(way);
        side.producer(Some(&name))?;
        let answer = side.quietly(5, &init_request(Some(&name), 300, -1, -1))?.ok_or("closed")?;
        let (id, epoch) = (answer.producer_id.0, answer.producer_epoch);
        if way == "adds" {
            transactions::write(side, &name, &made.name, batch(id, epoch, 0))?;
        } else {
            side.quietly(12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 0)))?;
        }
        until("the coordinator's abort", END_LIMIT, || {
            let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id_of(&name)]);
            let answer = side.quietly(0, &request).ok()??;
            (answer.transaction_states[0].transaction_state.as_str() == "CompleteAbort").then_some(())
        })?;
        describe(side, &name)?;
        stable(side, &made.name, &[0])?;
        for version in [4, 5] {
            side.about("it ends what was aborted");
            side.ask(version, &ending(&name, id, epoch, false))?;
            side.about("it commits what was aborted");
            side.ask(version, &ending(&name, id, epoch, true))?;
        }
        for version in [2, 3] {
            side.about("it adds");
            side.ask(version, &add(version, &name, id, epoch, &[(&made.name, vec![0])]))?;
        }
        side.about("it writes");
        ask_produce(side, 12, &produce(Some(&name), &made.name, 0, batch(id, epoch, 1)))?;
        let next = ask_init(side, "it goes on", &init_request(Some(&name), 60_000, id, epoch))?;
        if next < 0 {
            ask_init(side, "it begins anew", &init_request(Some(&name), 60_000, -1, -1))?;
        }
        describe(side, &name)?;
    }
    stable(side, &made.name, &[0])
}
