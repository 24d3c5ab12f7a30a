//! Classic groups with several members: each step of a rebalance, in which state what is answered, and who is thrown out when.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use protocol_tests::process::until;
use std::time::Duration;

use super::Scenario;
use super::classic_groups::{SUBSCRIPTION, beat, group, join, leave, sync};
use crate::side::{Side, text, topic};

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("rebalances::two_members", two_members),
    ("rebalances::chosen_protocol", chosen_protocol),
    ("rebalances::who_starts_one", who_starts_one),
    ("rebalances::members_that_vanish", members_that_vanish),
    ("rebalances::instances", instances),
    ("rebalances::leaving_in_batches", leaving_in_batches),
    ("rebalances::pending_members", pending_members),
    ("rebalances::other_types", other_types),
];

/// How long a group may take to get where it shall be.
const LIMIT: Duration = Duration::from_secs(20);

/// A member: the connection it speaks over, and what it knows of itself.
#[derive(Clone, Debug, Default)]
pub struct Member {
    pub on: &'static str,
    pub id: String,
    pub generation: i32,
    pub instance: Option<&'static str>,
}

/// The protocols a member can, best first.
fn can(names: &[&str]) -> Vec<JoinGroupRequestProtocol> {
    let one = |name: &&str| {
        JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(Bytes::from_static(SUBSCRIPTION))
    };
    names.iter().map(one).collect()
}

impl Member {
    pub fn new(on: &'static str) -> Member {
        Member { on, ..Member::default() }
    }

    pub fn of_instance(on: &'static str, instance: &'static str) -> Member {
        Member { on, instance: Some(instance), ..Member::default() }
    }

    /// What it joins with, in the newest version.
    pub fn joining(&self, name: &str) -> JoinGroupRequest {
        // Longer than a restart takes.
        join(9, name, &self.id)
            .with_session_timeout_ms(600_000)
            .with_rebalance_timeout_ms(600_000)
            .with_group_instance_id(self.instance.map(text))
            .with_reason(Some(text("because")))
    }

    /// Asks to join without waiting; a new dynamic member is given its id first.
    pub fn send_join(&mut self, side: &mut Side, request: JoinGroupRequest) -> Result<(), String> {
        side.on(self.on);
        let mut request = request;
        if self.id.is_empty() && self.instance.is_none() {
            let given = side.quietly(9, &request)?.ok_or("closed")?;
            if given.error_code != 79 {
                return Err(format!("an id is given first, and not {given:?}"));
            }
            self.id = given.member_id.to_string();
            side.mask(&self.id, format!("member {}", self.on));
            request.member_id = text(&self.id);
        }
        side.send(9, &request)
    }

    /// What it was answered.
    pub fn joined(&mut self, side: &mut Side) -> Result<JoinGroupResponse, String> {
        let mut answer = side.on(self.on).answer::<JoinGroupRequest>(9)?.ok_or("closed")?;
        if answer.error_code == 0 {
            self.generation = answer.generation_id;
            if self.id != answer.member_id.as_str() {
                self.id = answer.member_id.to_string();
                side.mask(&self.id, format!("member {} of generation {}", self.on, self.generation));
            }
        }
        let unsorted = answer.clone();
        if !answer.leader.is_empty() && side.masked(&answer.leader) == answer.leader.as_str() {
            side.mask(&answer.leader, "leader");
        }
        let known: Vec<_> = answer.members.iter().map(|m| (m.group_instance_id.clone(), m.member_id.clone())).collect();
        mask_instances(side, &known);
        // Ids are random; what stands for them is not.
        answer.members.sort_by_key(|m| side.masked(&m.member_id));
        side.about(format!("{} has joined", self.on));
        side.record::<JoinGroupRequest>(9, Some(&answer));
        Ok(unsorted)
    }

    fn syncing(&self, name: &str, assignments: &[(&Member, &'static [u8])]) -> SyncGroupRequest {
        let one = |(member, bytes): &(&Member, &'static [u8])| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(&member.id))
                .with_assignment(Bytes::from_static(bytes))
        };
        sync(5, name, self.generation, &self.id, false)
            .with_group_instance_id(self.instance.map(text))
            .with_assignments(assignments.iter().map(one).collect())
    }

    pub fn send_sync(&self, side: &mut Side, name: &str, list: &[(&Member, &'static [u8])]) -> Result<(), String> {
        side.on(self.on).send(5, &self.syncing(name, list))
    }

    pub fn synced(&self, side: &mut Side) -> Result<(), String> {
        let answer = side.on(self.on).answer::<SyncGroupRequest>(5)?;
        side.about(format!("{} has synced", self.on));
        side.record::<SyncGroupRequest>(5, answer.as_ref());
        Ok(())
    }

    /// As [`Member::synced`], whatever is assigned: its length alone.
    pub fn synced_to_some(&self, side: &mut Side) -> Result<(), String> {
        let mut answer = side.on(self.on).answer::<SyncGroupRequest>(5)?.ok_or("closed")?;
        answer.assignment = Bytes::from(format!("{} bytes", answer.assignment.len()));
        side.about(format!("{} has synced", self.on));
        side.record::<SyncGroupRequest>(5, Some(&answer));
        Ok(())
    }

    pub fn beats(&self, side: &mut Side, name: &str, about: &str) -> Result<i16, String> {
        side.on("others").about(format!("{} beats, {about}", self.on));
        let request = beat(name, self.generation, &self.id).with_group_instance_id(self.instance.map(text));
        Ok(side.ask(4, &request)?.error_code)
    }

    /// Beats until the answer is the one that is waited for: when timers strike is each broker's own.
    fn beats_until(&self, side: &mut Side, name: &str, code: i16) -> Result<(), String> {
        side.on("others");
        let request = beat(name, self.generation, &self.id).with_group_instance_id(self.instance.map(text));
        until(&format!("error {code} for {}", self.on), LIMIT, || match side.quietly(4, &request) {
            Ok(Some(answer)) => (answer.error_code == code).then_some(()),
            _ => None,
        })
    }

    pub fn commits(&self, side: &mut Side, name: &str, of: &str, about: &str) -> Result<(), String> {
        side.on("others").about(format!("{} commits, {about}", self.on));
        let part = OffsetCommitRequestPartition::default().with_committed_offset(3).with_committed_metadata(None);
        let one = OffsetCommitRequestTopic::default().with_name(topic(of)).with_partitions(vec![part]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group(name))
            .with_member_id(text(&self.id))
            .with_group_instance_id(self.instance.map(text))
            .with_generation_id_or_member_epoch(self.generation)
            .with_topics(vec![one]);
        for version in [7, 9] {
            side.ask(version, &request)?;
        }
        Ok(())
    }
}

/// Instances are given ids before their members know them.
fn mask_instances(side: &mut Side, known: &[(Option<StrBytes>, StrBytes)]) {
    for (instance, id) in known {
        if let Some(instance) = instance.as_ref().filter(|_| side.masked(id) == id.as_str()) {
            side.mask(id, format!("an id of {}", instance.as_str()));
        }
    }
}

/// What everyone sees of a group, members in the order of their assignments.
pub fn look(side: &mut Side, name: &str, about: &str) -> Result<(), String> {
    side.on("others").about(about);
    let request = DescribeGroupsRequest::default().with_groups(vec![group(name)]);
    let mut answer = side.quietly(6, &request)?.ok_or("closed")?;
    for one in &mut answer.groups {
        let known: Vec<_> = one.members.iter().map(|m| (m.group_instance_id.clone(), m.member_id.clone())).collect();
        mask_instances(side, &known);
        one.members.sort_by_key(|m| side.masked(&m.member_id));
    }
    side.record::<DescribeGroupsRequest>(6, Some(&answer));
    side.about(about);
    side.ask_sorted(5, &ListGroupsRequest::default(), |a| a.groups.retain(|g| g.group_id.as_str() == name))?;
    Ok(())
}

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

/// Waits until a member of a group is told to join again.
fn await_rebalance(side: &mut Side, name: &str, member: &Member) -> Result<(), String> {
    member.beats_until(side, name, 27)
}

/// A group with one member, which is its leader, in its first generation.
pub fn alone(side: &mut Side, name: &str, mut leader: Member) -> Result<Member, String> {
    side.coordinator(0, name)?;
    let request = leader.joining(name);
    leader.send_join(side, request)?;
    leader.joined(side)?;
    leader.send_sync(side, name, &[(&leader, b"all")])?;
    leader.synced(side)?;
    Ok(leader)
}

fn two_members(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("group");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    let request = a.joining(&name);
    a.send_join(side, request)?;
    a.joined(side)?;
    from_outside(side, &name, &made.name, "before the first sync")?;
    a.commits(side, &name, &made.name, "before the first sync")?;
    a.beats(side, &name, "before the first sync")?;
    a.send_sync(side, &name, &[(&a, b"all")])?;
    a.synced(side)?;
    from_outside(side, &name, &made.name, "stable")?;
    a.commits(side, &name, &made.name, "stable")?;
    let mut b = Member::new("b");
    let request = b.joining(&name);
    b.send_join(side, request)?;
    await_rebalance(side, &name, &a)?;
    a.beats(side, &name, "while the other joins")?;
    a.commits(side, &name, &made.name, "while the other joins")?;
    from_outside(side, &name, &made.name, "joining")?;
    side.on("a").about("a syncs, while the other joins");
    side.ask(5, &a.syncing(&name, &[]))?;
    let request = a.joining(&name);
    a.send_join(side, request)?;
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
    a.send_sync(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    a.synced(side)?;
    b.synced(side)?;
    from_outside(side, &name, &made.name, "stable with two")?;
    b.beats(side, &name, "stable with two")?;
    side.on("others").about("b leaves");
    side.ask(5, &leave(5, &name, &b.id))?;
    await_rebalance(side, &name, &a)?;
    b.beats(side, &name, "gone")?;
    b.commits(side, &name, &made.name, "gone")?;
    let request = a.joining(&name);
    a.send_join(side, request)?;
    a.joined(side)?;
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
    a.send_join(side, request.clone())?;
    a.joined(side)?;
    a.send_sync(side, &name, &[(&a, b"all")])?;
    a.synced(side)?;
    let other = b.joining(&name).with_protocols(can(second));
    if b.send_join(side, other).is_err() {
        let refused = b.joining(&name).with_protocols(can(second));
        side.about(format!("refused: {about}"));
        side.ask(9, &refused)?;
        return look(side, &name, about);
    }
    let _ = until("a rebalance", Duration::from_secs(2), || a.beats_until(side, &name, 27).ok());
    a.send_join(side, request.with_member_id(text(&a.id)))?;
    a.joined(side)?;
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
    let request = b.joining(&name);
    b.send_join(side, request)?;
    await_rebalance(side, &name, &a)?;
    let request = a.joining(&name);
    a.send_join(side, request)?;
    a.joined(side)?;
    b.joined(side)?;
    a.send_sync(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    a.synced(side)?;
    b.send_sync(side, &name, &[])?;
    b.synced(side)?;
    // A follower that has nothing new to say is told of the generation there is.
    let request = b.joining(&name);
    b.send_join(side, request)?;
    b.joined(side)?;
    look(side, &name, "after a follower came again")?;
    b.send_sync(side, &name, &[])?;
    b.synced(side)?;
    // One that has something new starts a rebalance.
    let request = b.joining(&name).with_protocols(can(&["roundrobin", "range"]));
    b.send_join(side, request)?;
    await_rebalance(side, &name, &a)?;
    let request = a.joining(&name);
    a.send_join(side, request)?;
    a.joined(side)?;
    b.joined(side)?;
    // While assignments are waited for, both kinds are answered at once when nothing is new.
    let request = b.joining(&name).with_protocols(can(&["roundrobin", "range"]));
    b.send_join(side, request)?;
    b.joined(side)?;
    a.send_sync(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    a.synced(side)?;
    // The leader always does.
    let request = a.joining(&name);
    a.send_join(side, request)?;
    await_rebalance(side, &name, &b)?;
    look(side, &name, "after the leader came again")?;
    let request = b.joining(&name);
    b.send_join(side, request)?;
    a.joined(side)?;
    b.joined(side)?;
    side.on("others").about("a changes its mind and leaves");
    side.ask(5, &leave(5, &name, &a.id))?;
    await_rebalance(side, &name, &b)?;
    let request = b.joining(&name);
    b.send_join(side, request)?;
    b.joined(side)?;
    look(side, &name, "with one that was a follower")
}

fn members_that_vanish(side: &mut Side) -> Result<(), String> {
    // One that says nothing for the time of its session.
    let name = side.name("session");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    let request = a.joining(&name).with_session_timeout_ms(700);
    a.send_join(side, request)?;
    a.joined(side)?;
    a.send_sync(side, &name, &[(&a, b"all")])?;
    a.synced(side)?;
    await_state(side, &name, "Empty")?;
    look(side, &name, "after the time of its session")?;
    a.beats(side, &name, "after the time of its session")?;
    // One that does not come again in the time of a rebalance.
    let name = side.name("rebalance");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    let request = a.joining(&name).with_rebalance_timeout_ms(600);
    a.send_join(side, request)?;
    a.joined(side)?;
    a.send_sync(side, &name, &[(&a, b"all")])?;
    a.synced(side)?;
    let mut b = Member::new("b");
    let request = b.joining(&name).with_rebalance_timeout_ms(600);
    b.send_join(side, request)?;
    b.joined(side)?;
    a.beats(side, &name, "after the time of a rebalance")?;
    look(side, &name, "without the one that did not come")?;
    // One that does not sync in that time: the leader waits for nothing, the follower for the leader.
    await_state(side, &name, "Empty")?;
    b.beats(side, &name, "after it did not sync")?;
    // A leader that joins and does not sync, with a follower that waits for it.
    let name = side.name("sync");
    let mut a = alone(side, &name, Member::new("a"))?;
    let mut b = Member::new("b");
    let request = b.joining(&name).with_rebalance_timeout_ms(600);
    b.send_join(side, request)?;
    await_rebalance(side, &name, &a)?;
    let request = a.joining(&name).with_rebalance_timeout_ms(600);
    a.send_join(side, request)?;
    a.joined(side)?;
    b.joined(side)?;
    b.send_sync(side, &name, &[])?;
    b.synced(side)?;
    a.beats(side, &name, "after it did not sync")?;
    look(side, &name, "after the leader did not sync")
}

/// Waits until a group is in a state.
pub fn await_state(side: &mut Side, name: &str, state: &str) -> Result<(), String> {
    side.on("others");
    let request = DescribeGroupsRequest::default().with_groups(vec![group(name)]);
    until(&format!("{name} is {state}"), LIMIT, || {
        let answer = side.quietly(5, &request).ok()??;
        (answer.groups[0].group_state.as_str() == state).then_some(())
    })
}

fn instances(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("group");
    let mut a = alone(side, &name, Member::of_instance("a", "one"))?;
    let mut b = Member::of_instance("b", "two");
    let request = b.joining(&name);
    b.send_join(side, request)?;
    await_rebalance(side, &name, &a)?;
    let request = a.joining(&name);
    a.send_join(side, request)?;
    a.joined(side)?;
    b.joined(side)?;
    b.send_sync(side, &name, &[])?;
    a.send_sync(side, &name, &[(&a, b"half"), (&b, b"other half")])?;
    a.synced(side)?;
    b.synced(side)?;
    look(side, &name, "two instances")?;
    // Members are sorted by what stands for their ids, which is the connection they came on: one for each.
    for (who, instance, about, on) in [(&a, "one", "leader", "c"), (&b, "two", "follower", "f")] {
        let mut again = Member { on, id: String::new(), generation: 0, instance: Some(instance) };
        let request = again.joining(&name);
        again.send_join(side, request)?;
        again.joined(side)?;
        look(side, &name, &format!("the {about} has started again"))?;
        who.beats(side, &name, "its former self")?;
        who.commits(side, &name, &made.name, "its former self")?;
        side.on("others").about("its former self joins");
        side.ask(9, &who.joining(&name))?;
        side.about("its former self syncs");
        side.ask(5, &who.syncing(&name, &[]))?;
        again.send_sync(side, &name, &[])?;
        again.synced(side)?;
        again.beats(side, &name, "its new self")?;
        again.commits(side, &name, &made.name, "its new self")?;
        side.about("its former self leaves");
        let identity =
            MemberIdentity::default().with_member_id(text(&who.id)).with_group_instance_id(Some(text(instance)));
        side.ask(5, &LeaveGroupRequest::default().with_group_id(group(&name)).with_members(vec![identity]))?;
    }
    // With other protocols than before, its return is a rebalance.
    let mut again = Member { on: "d", id: String::new(), generation: 0, instance: Some("two") };
    let request = again.joining(&name).with_protocols(can(&["roundrobin"]));
    again.send_join(side, request)?;
    await_state(side, &name, "PreparingRebalance")?;
    look(side, &name, "the follower has come back with another protocol")?;
    // A second of the same name shuts the first out while that waits.
    let mut twice = Member { on: "e", id: String::new(), generation: 0, instance: Some("two") };
    let request = twice.joining(&name).with_protocols(can(&["roundrobin"]));
    twice.send_join(side, request)?;
    again.joined(side)?;
    look(side, &name, "it has come back twice")
}

fn leaving_in_batches(side: &mut Side) -> Result<(), String> {
    let name = side.name("group");
    let mut a = alone(side, &name, Member::of_instance("a", "one"))?;
    let mut b = Member::new("b");
    let request = b.joining(&name);
    b.send_join(side, request)?;
    await_rebalance(side, &name, &a)?;
    let request = a.joining(&name);
    a.send_join(side, request)?;
    a.joined(side)?;
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
    let second = side.quietly(9, &request)?.ok_or("closed")?;
    side.mask(second.member_id.as_str(), "second pending member");
    // When its time is over, its id is worth nothing.
    let leaving = leave(5, &name, &second.member_id);
    std::thread::sleep(Duration::from_millis(1500));
    side.about("it leaves after its time");
    side.ask(5, &leaving)?;
    side.about("it joins after its time");
    side.ask(9, &join(9, &name, &second.member_id))?;
    look(side, &name, "in the end")
}

fn other_types(side: &mut Side) -> Result<(), String> {
    let made = side.topic("t", 1, &[])?;
    let name = side.name("connect");
    side.coordinator(0, &name)?;
    let mut a = Member::new("a");
    let protocol =
        JoinGroupRequestProtocol::default().with_name(text("sessioned")).with_metadata(Bytes::from_static(b"any"));
    let request = a.joining(&name).with_protocol_type(text("connect")).with_protocols(vec![protocol]);
    a.send_join(side, request)?;
    a.joined(side)?;
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
    let request = b.joining(&name);
    b.send_join(side, request)?;
    b.joined(side)?;
    look(side, &name, "of consumers now")
}
