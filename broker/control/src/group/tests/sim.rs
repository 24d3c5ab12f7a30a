//! A runtime in miniature: decides, keeps the records, applies, collects replies and fires timers in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicId, TopicPartition};

use crate::error_code::ErrorCode;
use crate::group::draft::GroupDecision;
use crate::group::*;
use crate::machine::{Event, LogRecord, Machine, ReplyTo};

/// What the log partition holds.
#[derive(Clone, Debug)]
pub enum Logged {
    Record(LogRecord),
    Marker(ProducerId, bool),
}

pub struct Sim {
    pub machine: GroupMachine,
    pub now: i64,
    pub log: Vec<Logged>,
    pub timers: BTreeMap<(i64, u64), GroupTimer>,
    pub replies: BTreeMap<ReplyTo, GroupReply>,
    pub effects: Vec<GroupEffect>,
    pub config: GroupConfig,
    asked: u64,
    armed: u64,
}

pub const GROUP: &str = "group";
/// A moment well after 1970, so that differences do not hide below zero.
pub const START: i64 = 1_000_000_000;

impl Sim {
    pub fn new() -> Sim {
        Sim::with(GroupConfig::default())
    }

    pub fn with(config: GroupConfig) -> Sim {
        let mut sim = Sim {
            machine: GroupMachine::new(config.clone()),
            now: START,
            log: Vec::new(),
            timers: BTreeMap::new(),
            replies: BTreeMap::new(),
            effects: Vec::new(),
            config,
            asked: 0,
            armed: 0,
        };
        let decision = sim.machine.on_loaded(Timestamp(sim.now));
        sim.settle(decision);
        sim
    }

    /// A group that rebalances without the delay of the first time.
    pub fn hasty() -> Sim {
        Sim::with(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() })
    }

    /// A broker that has nothing but the log.
    pub fn restarted(&self) -> Sim {
        let mut sim = Sim {
            machine: replay(&self.config, &self.log),
            now: self.now,
            log: self.log.clone(),
            timers: BTreeMap::new(),
            replies: BTreeMap::new(),
            effects: Vec::new(),
            config: self.config.clone(),
            asked: self.asked,
            armed: self.armed,
        };
        let decision = sim.machine.on_loaded(Timestamp(sim.now));
        sim.settle(decision);
        sim
    }

    fn settle(&mut self, decision: GroupDecision) {
        for event in decision.events {
            match &event {
                GroupEvent::TransactionEnded { producer_id, committed } => {
                    self.log.push(Logged::Marker(*producer_id, *committed));
                }
                event => self.log.extend(event.record().map(Logged::Record)),
            }
            self.machine.apply(event);
        }
        for (reply_to, reply) in decision.replies {
            let before = self.replies.insert(reply_to, reply);
            assert_eq!(before, None, "{reply_to:?} was answered twice");
            assert!(reply_to.0 < self.asked, "{reply_to:?} was never given out");
        }
        self.effects.extend(decision.effects);
        for (at, timer) in decision.timers {
            self.armed += 1;
            self.timers.insert((at.0, self.armed), timer);
        }
    }

    pub fn run(&mut self, command: GroupCommand) {
        let decision = self.machine.decide(Timestamp(self.now), command);
        self.settle(decision);
    }

    pub fn ask(&mut self, command: impl FnOnce(ReplyTo) -> GroupCommand) -> ReplyTo {
        let reply_to = ReplyTo(self.asked);
        self.asked += 1;
        self.run(command(reply_to));
        reply_to
    }

    /// Lets time pass and fires what is due on the way.
    pub fn advance(&mut self, ms: i64) {
        let until = self.now + ms;
        while let Some(entry) = self.timers.first_entry() {
            let (at, _) = *entry.key();
            if at > until {
                break;
            }
            let timer = entry.remove();
            self.now = self.now.max(at);
            self.run(GroupMachine::timer_command(timer));
        }
        self.now = until;
    }

    pub fn reply(&self, to: ReplyTo) -> &GroupReply {
        self.replies.get(&to).unwrap_or_else(|| panic!("{to:?} is not answered yet"))
    }

    pub fn is_answered(&self, to: ReplyTo) -> bool {
        self.replies.contains_key(&to)
    }

    pub fn joined(&self, to: ReplyTo) -> &JoinReply {
        match self.reply(to) {
            GroupReply::Join(reply) => reply,
            other => panic!("not a join: {other:?}"),
        }
    }

    pub fn synced(&self, to: ReplyTo) -> &SyncReply {
        match self.reply(to) {
            GroupReply::Sync(reply) => reply,
            other => panic!("not a sync: {other:?}"),
        }
    }

    pub fn join(&mut self, member: Joiner) -> ReplyTo {
        let uuid = format!("uuid{}", self.asked);
        self.ask(|to| GroupCommand::Join(member.command(to, &uuid)))
    }

    pub fn sync(&mut self, generation: i32, member: &str, assignments: &[(&str, &str)]) -> ReplyTo {
        let sync = Sync {
            reply_to: ReplyTo(0),
            group_id: GROUP.into(),
            generation,
            member_id: member.into(),
            instance_id: None,
            protocol_type: None,
            protocol_name: None,
            assignments: assignments.iter().map(|(m, a)| ((*m).into(), Bytes::copy_from_slice(a.as_bytes()))).collect(),
        };
        self.sync_as(sync)
    }

    pub fn sync_as(&mut self, sync: Sync) -> ReplyTo {
        self.ask(|reply_to| GroupCommand::Sync(Sync { reply_to, ..sync }))
    }

    pub fn heartbeat(&mut self, generation: i32, member: &str) -> ErrorCode {
        self.heartbeat_as(generation, member, None)
    }

    pub fn heartbeat_as(&mut self, generation: i32, member: &str, instance: Option<&str>) -> ErrorCode {
        let to = self.ask(|reply_to| {
            GroupCommand::Heartbeat(Heartbeat {
                reply_to,
                group_id: GROUP.into(),
                generation,
                member_id: member.into(),
                instance_id: instance.map(Into::into),
            })
        });
        match self.reply(to) {
            GroupReply::Heartbeat(error) => *error,
            other => panic!("not a heartbeat: {other:?}"),
        }
    }

    pub fn leave(&mut self, members: &[(&str, Option<&str>)]) -> Vec<ErrorCode> {
        let members = members
            .iter()
            .map(|(id, instance)| LeavingMember {
                member_id: (*id).into(),
                instance_id: instance.map(Into::into),
                reason: None,
            })
            .collect();
        let to = self.ask(|reply_to| GroupCommand::Leave(Leave { reply_to, group_id: GROUP.into(), members }));
        match self.reply(to) {
            GroupReply::Leave(reply) => {
                assert_eq!(reply.error, ErrorCode::None);
                reply.members.iter().map(|m| m.error).collect()
            }
            other => panic!("not a leave: {other:?}"),
        }
    }

    pub fn commit(&mut self, commit: CommitOffsets) -> Vec<ErrorCode> {
        let to = self.ask(|reply_to| GroupCommand::CommitOffsets(CommitOffsets { reply_to, ..commit }));
        self.committed(to)
    }

    pub fn committed(&self, to: ReplyTo) -> Vec<ErrorCode> {
        match self.reply(to) {
            GroupReply::CommitOffsets(results) => results.iter().map(|r| r.error).collect(),
            other => panic!("not a commit: {other:?}"),
        }
    }

    pub fn commit_in_transaction(&mut self, producer: i64, commit: CommitOffsets) -> Vec<ErrorCode> {
        let to = self.ask(|reply_to| {
            GroupCommand::CommitTransactionalOffsets(CommitTransactionalOffsets {
                reply_to,
                group_id: commit.group_id,
                producer_id: ProducerId(producer),
                producer_epoch: ProducerEpoch(0),
                generation: commit.generation,
                member_id: commit.member_id,
                instance_id: commit.instance_id,
                offsets: commit.offsets,
            })
        });
        self.committed(to)
    }

    pub fn end_transaction(&mut self, producer: i64, committed: bool) {
        self.run(GroupCommand::TransactionMarker(TransactionMarker { producer_id: ProducerId(producer), committed }));
    }

    /// The committed offset of partition 0 of `topic`, -1 for none.
    pub fn offset(&self, topic: &str) -> i64 {
        self.fetch(topic, false).offset.0
    }

    pub fn fetch(&self, topic: &str, require_stable: bool) -> FetchedOffset {
        self.machine.fetch_offsets(GROUP, Some(&[TopicPartition::new(topic, 0)]), require_stable).remove(0)
    }

    pub fn group(&self) -> GroupDescription {
        self.machine.describe_group(GROUP)
    }

    pub fn state(&self) -> &'static str {
        self.group().state
    }

    pub fn member_ids(&self) -> Vec<String> {
        self.group().members.iter().map(|m| m.member_id.to_string()).collect()
    }

    /// Two stable members, the leader first; their ids and the generation.
    pub fn stable_pair(&mut self) -> (Arc<str>, Arc<str>, i32) {
        let (a, b) = (self.join(Joiner::new("a")), self.join(Joiner::new("b")));
        self.advance(self.config.initial_rebalance_delay_ms.into());
        let (a, b) = (self.joined(a).clone(), self.joined(b).clone());
        let (leader, follower) = if a.leader == a.member_id { (a, b) } else { (b, a) };
        let generation = leader.generation;
        let assignments = [(&*leader.member_id, "for leader"), (&*follower.member_id, "for follower")];
        self.sync(generation, &leader.member_id, &assignments);
        self.sync(generation, &follower.member_id, &[]);
        assert_eq!(self.state(), "Stable");
        (leader.member_id, follower.member_id, generation)
    }
}

pub fn replay(config: &GroupConfig, log: &[Logged]) -> GroupMachine {
    let mut machine = GroupMachine::new(config.clone());
    for entry in log {
        let event = match entry {
            Logged::Marker(producer_id, committed) => GroupEvent::transaction_ended(*producer_id, *committed),
            Logged::Record(r) => GroupEvent::parse(&r.key, r.value.as_deref(), r.producer).unwrap().unwrap(),
        };
        machine.apply(event);
    }
    machine
}

/// A JoinGroup with the defaults of a modern consumer.
#[derive(Clone)]
pub struct Joiner {
    pub client: &'static str,
    pub member: Arc<str>,
    pub instance: Option<&'static str>,
    pub session_ms: i32,
    pub rebalance_ms: i32,
    pub kind: &'static str,
    pub protocols: Vec<(&'static str, Bytes)>,
    pub known_id: bool,
    pub skips: bool,
}

impl Joiner {
    pub fn new(client: &'static str) -> Joiner {
        Joiner {
            client,
            member: "".into(),
            instance: None,
            session_ms: 10_000,
            rebalance_ms: 60_000,
            kind: "consumer",
            protocols: vec![("range", subscription(&["topic"]))],
            known_id: false,
            skips: true,
        }
    }

    pub fn member_id(self, id: &str) -> Joiner {
        Joiner { member: id.into(), ..self }
    }

    pub fn instance(self, instance: &'static str) -> Joiner {
        Joiner { instance: Some(instance), ..self }
    }

    pub fn protocols(self, names: &[&'static str]) -> Joiner {
        Joiner { protocols: names.iter().map(|n| (*n, subscription(&["topic"]))).collect(), ..self }
    }

    pub fn topics(self, topics: &[&str]) -> Joiner {
        Joiner { protocols: vec![("range", subscription(topics))], ..self }
    }

    pub fn command(&self, reply_to: ReplyTo, uuid: &str) -> Join {
        Join {
            reply_to,
            group_id: GROUP.into(),
            member_id: self.member.clone(),
            instance_id: self.instance.map(Into::into),
            client_id: self.client.into(),
            client_host: "/127.0.0.1".into(),
            session_timeout_ms: self.session_ms,
            rebalance_timeout_ms: self.rebalance_ms,
            protocol_type: self.kind.into(),
            protocols: self.protocols.iter().map(|(n, m)| ((*n).into(), m.clone())).collect(),
            reason: None,
            require_known_member_id: self.known_id,
            supports_skipping_assignment: self.skips,
            fresh_member_uuid: uuid.into(),
        }
    }
}

/// A ConsumerProtocolSubscription of version 0 without user data.
pub fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&(topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend_from_slice(&(topic.len() as i16).to_be_bytes());
        bytes.extend_from_slice(topic.as_bytes());
    }
    bytes.extend_from_slice(&(-1i32).to_be_bytes());
    bytes.into()
}

/// A commit of `offset` for partition 0 of `topic`, from outside of group management.
pub fn simple_commit(topic: &str, offset: i64) -> CommitOffsets {
    CommitOffsets {
        reply_to: ReplyTo(0),
        group_id: GROUP.into(),
        generation: -1,
        member_id: "".into(),
        instance_id: None,
        retention_ms: None,
        knows_group_id_not_found: true,
        offsets: vec![OffsetToCommit {
            partition: TopicPartition::new(topic, 0),
            topic_id: TopicId::ZERO,
            offset: Offset(offset),
            leader_epoch: LeaderEpoch::UNKNOWN,
            metadata: None,
        }],
    }
}

/// The same from a member.
pub fn member_commit(topic: &str, offset: i64, member: &str, generation: i32) -> CommitOffsets {
    CommitOffsets { member_id: member.into(), generation, ..simple_commit(topic, offset) }
}
