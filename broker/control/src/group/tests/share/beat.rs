//! Heartbeats as share consumers send them, and a share coordinator in miniature, on top of the runtime in miniature.

use std::sync::Arc;

use forebay_storage::ids::{Offset, TopicId};

use crate::error_code::ErrorCode;
use crate::group::records::Assignment;
use crate::group::tests::heartbeats::{id, refused, welcome};
use crate::group::tests::sim::{GROUP, Sim};
use crate::group::*;
use crate::share::group::*;

pub use crate::group::tests::heartbeats::{BAR, FOO, Told};

/// A heartbeat of a member.
#[derive(Clone, Debug)]
pub struct Beat {
    pub member: String,
    pub epoch: i32,
    pub rack: Option<&'static str>,
    pub topics: Option<Vec<&'static str>>,
    pub group: String,
}

impl Beat {
    /// A member joins.
    pub fn join(member: &str, topics: &[&'static str]) -> Beat {
        Beat { topics: Some(topics.to_vec()), ..Beat::again(member, 0) }
    }

    /// A member says that nothing has changed.
    pub fn again(member: &str, epoch: i32) -> Beat {
        Beat { member: member.into(), epoch, rack: None, topics: None, group: GROUP.into() }
    }
}

/// A config without the pause between two assignments.
pub fn eager() -> GroupConfig {
    let share = ShareGroupConfig { assignment_interval_ms: 0, ..ShareGroupConfig::default() };
    GroupConfig { share, initial_rebalance_delay_ms: 0, ..GroupConfig::default() }
}

/// A coordinator that knows foo with 4 partitions and bar with 2.
pub fn sim() -> Sim {
    let mut sim = Sim::with(eager());
    sim.know(1, &[("foo", FOO, 4), ("bar", BAR, 2)]);
    sim
}

pub fn partitions(topics: &[(u128, &[i32])]) -> Assignment {
    topics.iter().map(|(topic, partitions)| (id(*topic), partitions.iter().copied().collect())).collect()
}

impl Sim {
    pub fn share(&mut self, beat: &Beat) -> ConsumerHeartbeatReply {
        let command = |reply_to| {
            GroupCommand::ShareHeartbeat(Box::new(ShareHeartbeat {
                reply_to,
                group_id: beat.group.as_str().into(),
                member_id: beat.member.as_str().into(),
                member_epoch: beat.epoch,
                rack_id: beat.rack.map(Into::into),
                topics: beat.topics.as_ref().map(|topics| topics.iter().map(|t| (*t).into()).collect()),
                client_id: "client".into(),
                client_host: "/127.0.0.1".into(),
            }))
        };
        let to = self.ask(command);
        match self.reply(to) {
            GroupReply::ShareHeartbeat(reply) => reply.clone(),
            other => panic!("not a heartbeat: {other:?}"),
        }
    }

    /// A heartbeat that is welcome: the epoch and the assignment that is told.
    pub fn share_ok(&mut self, beat: &Beat) -> (i32, Option<Told>) {
        welcome(beat, self.share(beat))
    }

    /// A heartbeat that is refused: the error and Kafka's words.
    pub fn share_err(&mut self, beat: &Beat) -> (ErrorCode, String) {
        refused(beat, self.share(beat))
    }

    /// What the share coordinator has been asked for and has not answered yet.
    pub fn asked_states(&mut self) -> Vec<InitializeShareState> {
        let effects = std::mem::take(&mut self.effects);
        effects
            .into_iter()
            .filter_map(|effect| match effect {
                GroupEffect::InitializeShareState(states) => Some(states),
                _ => None,
            })
            .collect()
    }

    /// The share coordinator answers what it has been asked for.
    pub fn answer_states(&mut self, done: bool) {
        for states in self.asked_states() {
            self.states_are(&states, done);
        }
    }

    pub fn states_are(&mut self, states: &InitializeShareState, done: bool) {
        let mut partitions = Assignment::new();
        for (topic, partition) in states.partitions.keys() {
            partitions.entry(*topic).or_default().insert(*partition);
        }
        let group_id = states.group_id.clone();
        self.run(GroupCommand::ShareStateInitialized(ShareStateInitialized { group_id, partitions, done }));
    }

    /// Which partitions await a state, have one, and which topics lose theirs.
    pub fn states(&self) -> (Told, Told, Vec<u128>) {
        let value = self.machine.share_groups[GROUP].state_value();
        let told = |topics: &std::collections::BTreeMap<TopicId, StateTopic>| {
            topics.iter().map(|(id, topic)| (id.0.as_u128(), topic.partitions.iter().copied().collect())).collect()
        };
        let deleting = value.deleting.keys().map(|id| id.0.as_u128()).collect();
        (told(&value.initializing), told(&value.initialized), deleting)
    }

    pub fn share_described(&self) -> ShareGroupDescription {
        self.machine.describe_share_group(GROUP)
    }

    /// The state, the group's epoch and the epoch of its target.
    pub fn share_epochs(&self) -> (&'static str, i32, i32) {
        let group = self.share_described();
        (group.state, group.epoch, group.assignment_epoch)
    }

    pub fn alter(&mut self, group: &str, topics: &[(&str, &[(i32, i64)])]) -> Result<AlteredShareOffsets, Refusal> {
        let offsets = |of: &[(i32, i64)]| of.iter().map(|(p, o)| (*p, Offset(*o))).collect();
        let topics = topics.iter().map(|(name, of)| (Arc::from(*name), offsets(of))).collect();
        let group_id: Arc<str> = group.into();
        let to = self.ask(|reply_to| GroupCommand::AlterShareOffsets(AlterShareOffsets { reply_to, group_id, topics }));
        match self.reply(to) {
            GroupReply::AlterShareOffsets(reply) => reply.clone(),
            other => panic!("not altered offsets: {other:?}"),
        }
    }

    pub fn delete_states_of(&mut self, topics: &[&str]) -> Result<DeletedShareOffsets, Refusal> {
        let topics = topics.iter().map(|name| Arc::from(*name)).collect();
        let to = self.ask(|reply_to| {
            GroupCommand::DeleteShareOffsets(DeleteShareOffsets { reply_to, group_id: GROUP.into(), topics })
        });
        match self.reply(to) {
            GroupReply::DeleteShareOffsets(reply) => reply.clone(),
            other => panic!("not deleted offsets: {other:?}"),
        }
    }

    pub fn release_states(&mut self) -> Result<Assignment, ErrorCode> {
        let to = self
            .ask(|reply_to| GroupCommand::ReleaseShareState(ReleaseShareState { reply_to, group_id: GROUP.into() }));
        match self.reply(to) {
            GroupReply::ReleaseShareState(reply) => reply.clone(),
            other => panic!("not released states: {other:?}"),
        }
    }
}

impl Sim {
    pub fn states_deleted(&mut self, topics: &[u128]) {
        let topics = topics.iter().map(|topic| id(*topic)).collect();
        let to = self.ask(|reply_to| {
            GroupCommand::ShareOffsetsDeleted(ShareOffsetsDeleted { reply_to, group_id: GROUP.into(), topics })
        });
        assert_eq!(self.reply(to), &GroupReply::ShareOffsetsDeleted);
    }

    pub fn delete_groups(&mut self, groups: &[&str]) -> Vec<ErrorCode> {
        let group_ids = groups.iter().map(|group| Arc::from(*group)).collect();
        let to = self.ask(|reply_to| GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids }));
        match self.reply(to) {
            GroupReply::DeleteGroups(results) => results.iter().map(|(_, error)| *error).collect(),
            other => panic!("not deleted groups: {other:?}"),
        }
    }
}
