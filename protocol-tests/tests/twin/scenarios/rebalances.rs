//! Classic groups with several members: each step of a rebalance, and in which state what is answered.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::*;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use super::classic_groups::{group, leave};
use super::member::{Member, alone, await_rebalance, can, look};
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("rebalances::two_members", two_members),
    ("rebalances::chosen_protocol", chosen_protocol),
    ("rebalances::who_starts_one", who_starts_one),
    ("rebalances::other_types", other_types),
];

/// What is asked of a group from outside, in the state it is in.
fn from_outside(side: &mut Side, name: &str, of: &str, about: &str) -> Result<(), String> {
    look(side, name, about)?;
    side.about(format!("deleted, {about}"));
    side.ask(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(name)]))?;
    let part = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let one = OffsetDeleteRequestTopic::default().with_name(topic(of)).with_partitions(vec![part]);
    side.about(format!("its offsets deleted, {about}"));
    side.ask(0, &OffsetDeleteRequest::default().with_group_id(group(name)).with_topics(vec![one]))?;
    for (member, generation) in [("", -1), ("stranger", -1), ("stranger", 1), ("", 1)] {
        let stranger = Member { on: "a stranger", id: member.into(), generation, instance: None };
        stranger.commits(side, name, of, &format!("as {member:?} of generation {generation}, {about}"))?;
    }
    Ok(())
}

fn two_members(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("group");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    a.joins(side, &name)?;
    from_outside(side, &name, &made.name, "before the first sync")?;
    a.commits(side, &name, &made.name, "before the first sync")?;
    a.beats(side, &name, "before the first sync")?;
    a.syncs(side, &name, &[(&a, b"all")])?;
    from_outside(side, &name, &made.name, "stable")?;
    a.commits(side, &name, &made.name, "stable")?;
    let mut b = Member::new("b");
    b.asks_to_join(side, &name)?;
    await_rebalance(side, &name, &a)?;
    a.beats(side, &name, "while the other joins")?;
    a.commits(side, &name, &made.name, "while the other joins")?;
    from_outside(side, &name, &made.name, "joining")?;
    side.on("a").about("a syncs, while the other joins");
    side.ask(5, &a.syncing(&name, &[]))?;
    a.asks_to_join(side, &name)?;
    let (old, _) = (a.clone(), a.joined(side)?);
    b.joined(side)?;
    old.beats(side, &name, "of the generation before")?;
    old.commits(side, &name, &made.name, "of the generation before")?;
    side.on("others").about("the old generation syncs");
    side.ask(5, &old.syncing(&name, &[]))?;
    b.send_sync(side, &name, &[])?;
    a.beats(side, &name, "while the other waits for its assignment")?;
    b.beats(side, &name, "while it waits for its assignment")?;
    b.commits(side, &name, &made.name, "while it waits for its assignment")?;
    from_outside(side, &name, &made.name, "syncing")?;
    a.syncs(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    b.synced(side)?;
    from_outside(side, &name, &made.name, "stable with two")?;
    b.beats(side, &name, "stable with two")?;
    side.on("others").about("b leaves");
    side.ask(5, &leave(5, &name, &b.id))?;
    await_rebalance(side, &name, &a)?;
    b.beats(side, &name, "gone")?;
    b.commits(side, &name, &made.name, "gone")?;
    a.joins(side, &name)?;
    side.on("others").about("a leaves without having synced");
    side.ask(5, &leave(5, &name, &a.id))?;
    from_outside(side, &name, &made.name, "empty")?;
    a.beats(side, &name, "empty")?;
    a.commits(side, &name, &made.name, "empty")
}

/// The second member joins with what it can; the first comes again.
fn two_that_can(side: &mut Side, about: &str, first: &[&str], second: &[&str]) -> Result<(), String> {
    let name = side.name(about);
    side.coordinator(0, &name)?;
    let (mut a, mut b) = (Member::new("a"), Member::new("b"));
    let request = a.joining(&name).with_protocols(can(first));
    a.joins_with(side, request.clone())?;
    a.syncs(side, &name, &[(&a, b"all")])?;
    let other = b.joining(&name).with_protocols(can(second));
    if b.send_join(side, other).is_err() {
        let refused = b.joining(&name).with_protocols(can(second));
        side.about(format!("refused: {about}"));
        side.ask(9, &refused)?;
        return look(side, &name, about);
    }
    let _ = until("a rebalance", Duration::from_secs(2), || a.beats_until(side, &name, 27).ok());
    a.joins_with(side, request.with_member_id(text(&a.id)))?;
    b.joined(side)?;
    look(side, &name, about)
}

fn chosen_protocol(side: &mut Side) -> Result<(), String> {
    two_that_can(side, "the same", &["range", "roundrobin"], &["range", "roundrobin"])?;
    two_that_can(side, "one in common", &["range", "roundrobin"], &["sticky", "roundrobin"])?;
    two_that_can(side, "in two orders", &["range", "roundrobin"], &["roundrobin", "range"])?;
    two_that_can(side, "none in common", &["range"], &["sticky"])
}

fn who_starts_one(side: &mut Side) -> Result<(), String> {
    let name = side.name("group");
    let mut a = alone(side, &name, Member::new("a"))?;
    let mut b = Member::new("b");
    b.asks_to_join(side, &name)?;
    await_rebalance(side, &name, &a)?;
    a.joins(side, &name)?;
    b.joined(side)?;
    a.syncs(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    b.syncs(side, &name, &[])?;
    // A follower that has nothing new to say is told of the generation there is.
    b.joins(side, &name)?;
    look(side, &name, "after a follower came again")?;
    b.syncs(side, &name, &[])?;
    // One that has something new starts a rebalance.
    b.send_join(side, b.joining(&name).with_protocols(can(&["roundrobin", "range"])))?;
    await_rebalance(side, &name, &a)?;
    a.joins(side, &name)?;
    b.joined(side)?;
    // While assignments are waited for, both kinds are answered at once when nothing is new.
    b.joins_with(side, b.joining(&name).with_protocols(can(&["roundrobin", "range"])))?;
    a.syncs(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    // The leader always does.
    a.asks_to_join(side, &name)?;
    await_rebalance(side, &name, &b)?;
    look(side, &name, "after the leader came again")?;
    b.asks_to_join(side, &name)?;
    a.joined(side)?;
    b.joined(side)?;
    side.on("others").about("a changes its mind and leaves");
    side.ask(5, &leave(5, &name, &a.id))?;
    await_rebalance(side, &name, &b)?;
    b.joins(side, &name)?;
    look(side, &name, "with one that was a follower")
}

fn other_types(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("connect");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    let protocol =
        JoinGroupRequestProtocol::default().with_name(text("sessioned")).with_metadata(Bytes::from_static(b"any"));
    a.joins_with(side, a.joining(&name).with_protocol_type(text("connect")).with_protocols(vec![protocol]))?;
    for (kind, protocol) in [(Some("consumer"), Some("sessioned")), (Some("connect"), Some("sessioned"))] {
        side.on("others").about(format!("syncs as {kind:?} {protocol:?}"));
        let request = a.syncing(&name, &[(&a, b"all")]);
        side.ask(5, &request.with_protocol_type(kind.map(text)).with_protocol_name(protocol.map(text)))?;
    }
    from_outside(side, &name, &made.name, "of another type")?;
    a.commits(side, &name, &made.name, "of another type")?;
    side.about("leaves");
    side.ask(5, &leave(5, &name, &a.id))?;
    from_outside(side, &name, &made.name, "of another type, empty")?;
    let mut b = Member::new("b");
    b.joins(side, &name)?;
    look(side, &name, "of consumers now")
}
