//! What brokers know after they were killed and started again: transactions, groups, producers, topics, configs.

use kafka_protocol::messages::*;

use super::aborted_lists::{Writer, play, told, writers};
use super::classic_groups::{beat, group, join};
use super::consumer_group_lives::target;
use super::consumer_groups;
use super::member::{Member, alone, await_state, look};
use super::transactions::{ending, settled};
use super::transactions_v2::{ask_produce, describe, produce, stable};
use crate::records::{self, Origin};
use crate::restart::Story;
use crate::side::{Side, text};

pub const STORIES: &[(&str, Story)] = &[
    ("restarted::open_transactions", open_transactions),
    ("restarted::aborted_transactions", aborted_transactions),
    ("restarted::producers", producers),
    ("restarted::groups", groups),
    ("restarted::group_amid_a_rebalance", group_amid_a_rebalance),
    ("restarted::limit_of_members", limit_of_members),
    ("restarted::racks", racks),
    ("restarted::initial_delay", initial_delay),
    ("restarted::offsets_expire", |_| Ok(Box::new(super::offsets::expire))),
];

fn transactional(writer: &Writer, sequence: i32) -> bytes::Bytes {
    let origin = Origin { id: writer.id, epoch: writer.epoch, sequence, transactional: true };
    records::batch_of(origin, &["v"])
}

fn open_transactions(side: &mut Side) -> Result<crate::restart::Then, String> {
    let made = side.topic("t", 2, &[])?;
    let mut three = writers(side, 3)?;
    three.iter_mut().try_for_each(|writer| writer.write(side, &made.name, &["v"]))?;
    three[2].end(side, true)?;
    Ok(Box::new(move |side| {
        side.await_leaders(&made.name, 2)?;
        for writer in &three {
            side.loaded(&writer.name)?;
            describe(side, &writer.name)?;
        }
        stable(side, &made.name, &[0, 1])?;
        let [a, b, c] = &three[..] else { return Err("three".into()) };
        side.about("one goes on");
        ask_produce(side, 12, &produce(Some(&a.name), &made.name, 0, transactional(a, 1)))?;
        side.about("one repeats itself");
        ask_produce(side, 12, &produce(Some(&a.name), &made.name, 0, transactional(a, 0)))?;
        side.about("and commits");
        side.ask(5, &ending(&a.name, a.id, a.epoch, true))?;
        settled(side, &a.name)?;
        stable(side, &made.name, &[0, 1])?;
        side.about("one repeats its end");
        side.ask(5, &ending(&c.name, c.id, c.epoch - 1, true))?;
        side.about("another is taken over");
        let (_, epoch) = side.producer(Some(&b.name))?;
        side.write_down("its epoch", &epoch.to_string());
        settled(side, &b.name)?;
        describe(side, &b.name)?;
        stable(side, &made.name, &[0, 1])
    }))
}

fn aborted_transactions(side: &mut Side) -> Result<crate::restart::Then, String> {
    let made = side.topic("log", 1, &[])?;
    let mut three = writers(side, 3)?;
    play(side, &made.name, &mut three)?;
    Ok(Box::new(move |side| {
        side.await_leaders(&made.name, 1)?;
        told(side, &made, 52)?;
        side.loaded(&three[1].name)?;
        three[1].end(side, false)?;
        told(side, &made, 2)
    }))
}

fn producers(side: &mut Side) -> Result<crate::restart::Then, String> {
    let made = side.topic("t", 1, &[])?;
    let (id, epoch) = side.producer(None)?;
    let batch = move |epoch: i16, sequence: i32| {
        records::batch_of(Origin { id, epoch, sequence, transactional: false }, &["v"])
    };
    for sequence in 0..8 {
        side.quietly(12, &produce(None, &made.name, 0, batch(epoch, sequence)))?;
    }
    Ok(Box::new(move |side| {
        side.await_leaders(&made.name, 1)?;
        for (about, epoch, sequence) in [
            ("the last again", epoch, 7),
            // What Kafka remembers beyond the last batch depends on how it was stopped.
            ("the eighth from behind", epoch, 0),
            ("a gap", epoch, 9),
            ("the next", epoch, 8),
            ("the next epoch", epoch + 1, 0),
            ("the epoch before", epoch, 9),
        ] {
            side.about(about);
            side.ask(12, &produce(None, &made.name, 0, batch(epoch, sequence)))?;
        }
        Ok(())
    }))
}

fn groups(side: &mut Side) -> Result<crate::restart::Then, String> {
    let made = side.topic("t", 1, &[])?;
    let (dynamic, fixed, gone) = (side.name("dynamic"), side.name("static"), side.name("gone"));
    let member = alone(side, &dynamic, Member::new("a"))?;
    member.commits(side, &dynamic, &made.name, "before")?;
    let instance = alone(side, &fixed, Member::of_instance("b", "one"))?;
    let left = alone(side, &gone, Member::new("c"))?;
    left.commits(side, &gone, &made.name, "before")?;
    side.on("others").quietly(5, &super::classic_groups::leave(5, &gone, &left.id))?;
    Ok(Box::new(move |side| {
        for name in [&dynamic, &fixed, &gone] {
            side.on("others").coordinator(0, name)?;
            look(side, name, "after the restart")?;
        }
        member.beats(side, &dynamic, "after the restart")?;
        member.commits(side, &dynamic, &made.name, "after the restart")?;
        member.syncs(side, &dynamic, &[])?;
        instance.beats(side, &fixed, "after the restart")?;
        let mut again = Member::of_instance("d", "one");
        again.joins(side, &fixed)?;
        instance.beats(side, &fixed, "its former self")?;
        for name in [&dynamic, &gone] {
            let one = offset_fetch_request::OffsetFetchRequestGroup::default()
                .with_group_id(group(name))
                .with_member_id(None)
                .with_topics(None);
            side.on("others").ask(9, &OffsetFetchRequest::default().with_groups(vec![one]))?;
        }
        side.about("one that has ended");
        side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(&gone)]))?;
        Ok(())
    }))
}

fn group_amid_a_rebalance(side: &mut Side) -> Result<crate::restart::Then, String> {
    let name = side.name("group");
    let mut a = alone(side, &name, Member::new("a"))?;
    let mut b = Member::new("b");
    b.asks_to_join(side, &name)?;
    await_state(side, &name, "PreparingRebalance")?;
    Ok(Box::new(move |side| {
        side.on("others").coordinator(0, &name)?;
        look(side, &name, "as it was before")?;
        a.beats(side, &name, "after the restart")?;
        side.on("others").about("the one that was on its way");
        side.ask(9, &b.joining(&name))?;
        side.ask(4, &beat(&name, b.generation, &b.id))?;
        a.joins(side, &name)?;
        look(side, &name, "joined again")
    }))
}

/// Two members join, and are both in the first generation.
fn two_join(side: &mut Side, name: &str) -> Result<(), String> {
    side.coordinator(0, name)?;
    let mut members = [Member::of_instance("a", "one"), Member::of_instance("b", "two")];
    for member in &mut members {
        member.asks_to_join(side, name)?;
        // One behind the other, so that both brokers have the same leader.
        await_state(side, name, "PreparingRebalance")?;
    }
    members.iter_mut().try_for_each(|member| member.joined(side).map(drop))
}

/// After the restart two members are all that a group may have.
fn limit_of_members(side: &mut Side) -> Result<crate::restart::Then, String> {
    let name = side.name("full");
    Ok(Box::new(move |side| {
        two_join(side, &name)?;
        for version in [3, 4, 5, 9] {
            side.on("others").about("one too many");
            side.ask(version, &join(version, &name, ""))?;
        }
        side.about("one too many, with a name of its own");
        side.ask(9, &join(9, &name, "").with_group_instance_id(Some(text("three"))))?;
        look(side, &name, "full")
    }))
}

/// After the restart the first rebalance of a group waits for more members.
fn initial_delay(side: &mut Side) -> Result<crate::restart::Then, String> {
    let name = side.name("patient");
    Ok(Box::new(move |side| {
        two_join(side, &name)?;
        look(side, &name, "after the delay")
    }))
}

/// Nobody looks at racks, neither those of the members nor the broker's, which has one since the restart: Kafka 4.3's assignors do not ask
/// for them.
fn racks(side: &mut Side) -> Result<crate::restart::Then, String> {
    let made = side.topic("t", 4, &[])?;
    Ok(Box::new(move |side| {
        side.await_leaders(&made.name, 4)?;
        for assignor in ["uniform", "range"] {
            let id = consumer_groups::named(side, assignor)?;
            for (member, rack) in [("a", "another-rack"), ("b", "a-rack"), ("c", "a-rack")] {
                let request = consumer_groups::join(&id, member, &[&made.name]);
                side.quietly(1, &request.with_server_assignor(Some(text(assignor))).with_rack_id(Some(text(rack))))?;
                side.about(format!("{assignor}: {member} in {rack}"));
                target(side, &id)?;
            }
        }
        Ok(())
    }))
}
