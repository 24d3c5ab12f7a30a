//! Who is a member of a classic group: those that vanish, start again under their name, leave together, or are only awaited.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::*;

use super::Scenario;
use super::classic_groups::{beat, group, join, leave, sync};
use super::member::{Member, alone, await_rebalance, await_state, can, look};
use crate::side::{Side, text};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("membership::members_that_vanish", members_that_vanish),
    ("membership::instances", instances),
    ("membership::leaving_in_batches", leaving_in_batches),
    ("membership::pending_members", pending_members),
];

fn members_that_vanish(side: &mut Side) -> Result<(), String> {
    // One that says nothing for the time of its session.
    let name = side.name("session");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    a.joins_with(side, a.joining(&name).with_session_timeout_ms(700))?;
    a.syncs(side, &name, &[(&a, b"all")])?;
    await_state(side, &name, "Empty")?;
    look(side, &name, "after the time of its session")?;
    a.beats(side, &name, "after the time of its session")?;
    // One that does not come again in the time of a rebalance.
    let name = side.name("rebalance");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    a.joins_with(side, a.joining(&name).with_rebalance_timeout_ms(600))?;
    a.syncs(side, &name, &[(&a, b"all")])?;
    let mut b = Member::new("b");
    b.joins_with(side, b.joining(&name).with_rebalance_timeout_ms(600))?;
    a.beats(side, &name, "after the time of a rebalance")?;
    look(side, &name, "without the one that did not come")?;
    // One that does not sync in that time: the leader waits for nothing, the follower for the leader.
    await_state(side, &name, "Empty")?;
    b.beats(side, &name, "after it did not sync")?;
    // A leader that joins and does not sync, with a follower that waits for it.
    let name = side.name("sync");
    let mut a = alone(side, &name, Member::new("a"))?;
    let mut b = Member::new("b");
    b.send_join(side, b.joining(&name).with_rebalance_timeout_ms(600))?;
    await_rebalance(side, &name, &a)?;
    a.joins_with(side, a.joining(&name).with_rebalance_timeout_ms(600))?;
    b.joined(side)?;
    b.syncs(side, &name, &[])?;
    a.beats(side, &name, "after it did not sync")?;
    look(side, &name, "after the leader did not sync")
}

fn instances(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("group");
    let mut a = alone(side, &name, Member::of_instance("a", "one"))?;
    let mut b = Member::of_instance("b", "two");
    b.asks_to_join(side, &name)?;
    await_rebalance(side, &name, &a)?;
    a.joins(side, &name)?;
    b.joined(side)?;
    b.send_sync(side, &name, &[])?;
    a.syncs(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    b.synced(side)?;
    look(side, &name, "two instances")?;
    // Members are sorted by what stands for their ids, which is the connection they came on: one for each.
    for (who, instance, about, on) in [(&a, "one", "leader", "c"), (&b, "two", "follower", "f")] {
        let mut again = Member { on, id: String::new(), generation: 0, instance: Some(instance) };
        again.joins(side, &name)?;
        look(side, &name, &format!("the {about} has started again"))?;
        who.beats(side, &name, "its former self")?;
        who.commits(side, &name, &made.name, "its former self")?;
        side.on("others").about("its former self joins");
        side.ask(9, &who.joining(&name))?;
        side.about("its former self syncs");
        side.ask(5, &who.syncing(&name, &[]))?;
        again.syncs(side, &name, &[])?;
        again.beats(side, &name, "its new self")?;
        again.commits(side, &name, &made.name, "its new self")?;
        side.about("its former self leaves");
        let identity =
            MemberIdentity::default().with_member_id(text(&who.id)).with_group_instance_id(Some(text(instance)));
        side.ask(5, &LeaveGroupRequest::default().with_group_id(group(&name)).with_members(vec![identity]))?;
    }
    // With other protocols than before, its return is a rebalance.
    let mut again = Member { on: "d", id: String::new(), generation: 0, instance: Some("two") };
    again.send_join(side, again.joining(&name).with_protocols(can(&["roundrobin"])))?;
    await_state(side, &name, "PreparingRebalance")?;
    look(side, &name, "the follower has come back with another protocol")?;
    // A second of the same name shuts the first out while that waits.
    let mut twice = Member { on: "e", id: String::new(), generation: 0, instance: Some("two") };
    twice.send_join(side, twice.joining(&name).with_protocols(can(&["roundrobin"])))?;
    again.joined(side)?;
    look(side, &name, "it has come back twice")
}

fn leaving_in_batches(side: &mut Side) -> Result<(), String> {
    let name = side.name("group");
    let mut a = alone(side, &name, Member::of_instance("a", "one"))?;
    let mut b = Member::new("b");
    b.asks_to_join(side, &name)?;
    await_rebalance(side, &name, &a)?;
    a.joins(side, &name)?;
    b.joined(side)?;
    let identity = |member: &str, instance: Option<&str>, reason: Option<&str>| {
        MemberIdentity::default()
            .with_member_id(text(member))
            .with_group_instance_id(instance.map(text))
            .with_reason(reason.map(text))
    };
    let batch = |list: Vec<MemberIdentity>| LeaveGroupRequest::default().with_group_id(group(&name)).with_members(list);
    for version in 3..=5 {
        side.on("others").about("none of them is there");
        let reason = (version == 5).then_some("maintenance");
        let list =
            vec![identity("", Some("nobody"), reason), identity("stranger", None, None), identity("", None, None)];
        side.ask(version, &batch(list))?;
        side.about("nobody at all");
        side.ask(version, &batch(vec![]))?;
    }
    look(side, &name, "before they leave")?;
    side.about("one by its id, one by its instance, one by both wrongly, one that is gone by then");
    let list = vec![
        identity(&b.id, Some("one"), None),
        identity(&b.id, None, Some("enough")),
        identity("", Some("one"), Some("maintenance")),
        identity(&a.id, Some("one"), None),
    ];
    side.ask(5, &batch(list))?;
    look(side, &name, "after they have left")
}

fn pending_members(side: &mut Side) -> Result<(), String> {
    let name = side.name("group");
    side.coordinator(0, &name)?;
    side.on("others").about("an id is given");
    let request = join(9, &name, "").with_session_timeout_ms(600);
    let given = side.quietly(9, &request)?.ok_or("closed")?;
    side.mask(given.member_id.as_str(), "pending member");
    side.record::<JoinGroupRequest>(9, Some(&given));
    look(side, &name, "while its member is awaited")?;
    side.about("it beats");
    side.ask(4, &beat(&name, -1, &given.member_id))?;
    side.about("it syncs");
    side.ask(5, &sync(5, &name, -1, &given.member_id, true))?;
    side.about("it leaves");
    side.ask(5, &leave(5, &name, &given.member_id))?;
    side.about("it joins after it has left");
    side.ask(9, &join(9, &name, &given.member_id))?;
    // When its time is over, its id is worth nothing. A rebalance waits for it until then, and for minutes for anyone else.
    let name = side.name("expires");
    let mut leader = alone(side, &name, Member::new("a"))?;
    side.on("others");
    let second = side.quietly(9, &request.with_group_id(group(&name)))?.ok_or("closed")?;
    side.mask(second.member_id.as_str(), "second pending member");
    leader.joins(side, &name)?;
    leader.syncs(side, &name, &[(&leader, b"all again")])?;
    side.on("others").about("it leaves after its time");
    side.ask(5, &leave(5, &name, &second.member_id))?;
    side.about("it joins after its time");
    side.ask(9, &join(9, &name, &second.member_id))?;
    look(side, &name, "in the end")
}
