//! Heartbeats as clients send them, on top of the runtime in miniature.

use forebay_storage::ids::TopicId;

use crate::error_code::ErrorCode;
use crate::group::tests::heartbeats::{refused, welcome};
use crate::group::tests::sim::{GROUP, Logged, Sim};
use crate::group::*;
use crate::machine::ReplyTo;

pub use crate::group::tests::heartbeats::{BAR, FOO, Told, id};

/// A heartbeat of a member.
#[derive(Clone, Debug)]
pub struct Beat {
    pub member: String,
    pub epoch: i32,
    pub instance: Option<&'static str>,
    pub rack: Option<&'static str>,
    pub rebalance_ms: Option<i32>,
    pub topics: Option<Vec<&'static str>>,
    pub regex: Option<&'static str>,
    pub assignor: Option<&'static str>,
    pub owned: Option<Vec<(TopicId, Vec<i32>)>>,
    pub version: i16,
    pub group: &'static str,
}

impl Beat {
    /// A member joins.
    pub fn join(member: &str, topics: &[&'static str]) -> Beat {
        let (rebalance_ms, topics, owned) = (Some(60_000), Some(topics.to_vec()), Some(Vec::new()));
        Beat { rebalance_ms, topics, owned, ..Beat::again(member, 0) }
    }

    /// A member says that nothing has changed.
    pub fn again(member: &str, epoch: i32) -> Beat {
        Beat {
            member: member.into(),
            epoch,
            instance: None,
            rack: None,
            rebalance_ms: None,
            topics: None,
            regex: None,
            assignor: None,
            owned: None,
            version: 1,
            group: GROUP,
        }
    }

    pub fn owning(self, owned: &[(u128, &[i32])]) -> Beat {
        Beat { owned: Some(owned.iter().map(|(t, p)| (id(*t), p.to_vec())).collect()), ..self }
    }

    pub fn instance(self, instance: &'static str) -> Beat {
        Beat { instance: Some(instance), ..self }
    }

    pub fn by_regex(member: &str, regex: &'static str) -> Beat {
        Beat { topics: None, regex: Some(regex), ..Beat::join(member, &[]) }
    }

    fn command(&self, reply_to: ReplyTo) -> GroupCommand {
        GroupCommand::ConsumerHeartbeat(Box::new(ConsumerHeartbeat {
            reply_to,
            group_id: self.group.into(),
            member_id: self.member.as_str().into(),
            member_epoch: self.epoch,
            instance_id: self.instance.map(Into::into),
            rack_id: self.rack.map(Into::into),
            rebalance_timeout_ms: self.rebalance_ms,
            topics: self.topics.as_ref().map(|topics| topics.iter().map(|t| (*t).into()).collect()),
            regex: self.regex.map(Into::into),
            assignor: self.assignor.map(Into::into),
            owned: self.owned.clone(),
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            requires_member_id: self.version >= 1,
            fresh_member_id: format!("fresh{}", reply_to.0).into(),
        }))
    }
}

/// A config without the pause between two assignments.
pub fn eager() -> GroupConfig {
    let consumer = ConsumerGroupConfig { assignment_interval_ms: 0, ..ConsumerGroupConfig::default() };
    GroupConfig { consumer, initial_rebalance_delay_ms: 0, ..GroupConfig::default() }
}

/// A coordinator that knows foo with 6 partitions and bar with 3.
pub fn sim() -> Sim {
    let mut sim = Sim::with(eager());
    sim.know(1, &[("foo", FOO, 6), ("bar", BAR, 3)]);
    sim
}

impl Sim {
    pub fn beat(&mut self, beat: &Beat) -> ConsumerHeartbeatReply {
        let to = self.ask(|reply_to| beat.command(reply_to));
        match self.reply(to) {
            GroupReply::ConsumerHeartbeat(reply) => reply.clone(),
            other => panic!("not a heartbeat: {other:?}"),
        }
    }

    /// A heartbeat that is welcome: the epoch and the assignment that is told.
    pub fn beat_ok(&mut self, beat: &Beat) -> (i32, Option<Told>) {
        welcome(beat, self.beat(beat))
    }

    /// A heartbeat that is refused: the error and Kafka's words.
    pub fn beat_err(&mut self, beat: &Beat) -> (ErrorCode, String) {
        refused(beat, self.beat(beat))
    }

    pub fn described(&self) -> ConsumerGroupDescription {
        self.machine.describe_consumer_group(GROUP)
    }

    /// The state, the group's epoch and the epoch of its target.
    pub fn epochs(&self) -> (&'static str, i32, i32) {
        let group = self.described();
        (group.state, group.epoch, group.assignment_epoch)
    }

    /// The types of the records written since there were `since`, with `-` before those of tombstones.
    pub fn records_since(&self, since: usize) -> Vec<String> {
        let kind = |logged: &Logged| match logged {
            Logged::Record(r) => {
                format!("{}{}", if r.value.is_none() { "-" } else { "" }, i16::from_be_bytes([r.key[0], r.key[1]]))
            }
            Logged::Marker(..) => "marker".into(),
        };
        self.log[since..].iter().map(kind).collect()
    }
}
