//! A member of a classic group as the scenarios play it, over a connection of its own, and what everyone sees of its group.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use protocol_tests::process::until;
use std::time::Duration;

use super::classic_groups::{SUBSCRIPTION, beat, group, join, sync};
use crate::side::{Side, text, topic};

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
pub fn can(names: &[&str]) -> Vec<JoinGroupRequestProtocol> {
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

    /// What it syncs with, in the newest version.
    pub fn syncing(&self, name: &str, assignments: &[(&Member, &'static [u8])]) -> SyncGroupRequest {
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

    /// Asks to join with what it joins with, without waiting.
    pub fn asks_to_join(&mut self, side: &mut Side, name: &str) -> Result<(), String> {
        self.send_join(side, self.joining(name))
    }

    /// Joins and waits for the answer.
    pub fn joins(&mut self, side: &mut Side, name: &str) -> Result<JoinGroupResponse, String> {
        self.joins_with(side, self.joining(name))
    }

    /// As [`Member::joins`], with a request of its own.
    pub fn joins_with(&mut self, side: &mut Side, request: JoinGroupRequest) -> Result<JoinGroupResponse, String> {
        self.send_join(side, request)?;
        self.joined(side)
    }

    /// Syncs and waits for the answer.
    pub fn syncs(&self, side: &mut Side, name: &str, list: &[(&Member, &'static [u8])]) -> Result<(), String> {
        self.send_sync(side, name, list)?;
        self.synced(side)
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
    pub fn beats_until(&self, side: &mut Side, name: &str, code: i16) -> Result<(), String> {
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

/// Waits until a member of a group is told to join again.
pub fn await_rebalance(side: &mut Side, name: &str, member: &Member) -> Result<(), String> {
    member.beats_until(side, name, 27)
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

/// A group with one member, which is its leader, in its first generation.
pub fn alone(side: &mut Side, name: &str, mut leader: Member) -> Result<Member, String> {
    side.coordinator(0, name)?;
    leader.joins(side, name)?;
    leader.syncs(side, name, &[(&leader, b"all")])?;
    Ok(leader)
}
