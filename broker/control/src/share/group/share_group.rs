//! The state of one share group (Kafka: ShareGroup, ModernGroup) and the changes that it can undergo.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::member::{LEAVING_EPOCH, ShareMember};
use super::records::{ShareGroupRecord, StatePartitionsValue};
use crate::group::records::Assignment;

/// The epoch that a group and its target assignment start with.
const FIRST_EPOCH: i32 = 1;

/// A change of a share group that a restart may forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareGroupChange {
    /// A member gave a sign of life: when its session ends, and when the timer that counts fires.
    MemberSeen(Arc<str>, Timestamp, Timestamp),
    /// The group knows the topics of this version.
    TopicsSeen(i64),
    /// When it was last written which partitions have a state.
    StateWritten(Timestamp),
}

/// When a member's session ends, and when the timer that counts fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) deadline: Timestamp,
    pub(super) timer: Timestamp,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShareGroup {
    pub(super) id: Arc<str>,
    pub(super) epoch: i32,
    pub(super) metadata_hash: i64,
    pub(super) members: BTreeMap<Arc<str>, Arc<ShareMember>>,
    pub(super) target_epoch: i32,
    pub(super) target_computed_at: Timestamp,
    pub(super) targets: BTreeMap<Arc<str>, Arc<Assignment>>,
    /// Which partitions have a state at the share coordinator; `None` before the first was asked for.
    pub(super) state_partitions: Option<Arc<StatePartitionsValue>>,
    /// Volatile.
    pub(super) sessions: BTreeMap<Arc<str>, Session>,
    /// Volatile: the version of the topics that the hash was last computed with.
    pub(super) topics_seen: Option<i64>,
    /// Volatile: since when answers of the share coordinator are awaited.
    pub(super) state_written_at: Option<Timestamp>,
}

impl ShareGroup {
    pub(crate) fn new(id: Arc<str>) -> ShareGroup {
        ShareGroup {
            id,
            epoch: FIRST_EPOCH,
            metadata_hash: 0,
            members: BTreeMap::new(),
            target_epoch: FIRST_EPOCH,
            target_computed_at: Timestamp(0),
            targets: BTreeMap::new(),
            state_partitions: None,
            sessions: BTreeMap::new(),
            topics_seen: None,
            state_written_at: None,
        }
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Makes a durable change part of the state; the end of the group itself is its owner's to do.
    pub(crate) fn apply(&mut self, record: ShareGroupRecord) {
        match record {
            ShareGroupRecord::Member(id, Some(value)) => self.member_or_new(&id).data = value,
            ShareGroupRecord::Member(id, None) => {
                self.members.remove(&id);
                self.sessions.remove(&id);
            }
            ShareGroupRecord::Epoch(Some(value)) => {
                (self.epoch, self.metadata_hash) = (value.epoch, value.metadata_hash);
            }
            ShareGroupRecord::Epoch(None) => {}
            ShareGroupRecord::TargetEpoch(value) => {
                (self.target_epoch, self.target_computed_at) =
                    value.map_or((-1, Timestamp(0)), |v| (v.epoch, v.computed_at));
            }
            ShareGroupRecord::Target(id, Some(value)) => {
                self.targets.insert(id, Arc::new(value.partitions));
            }
            ShareGroupRecord::Target(id, None) => {
                self.targets.remove(&id);
            }
            ShareGroupRecord::Current(id, Some(value)) => self.member_or_new(&id).load_current(value),
            ShareGroupRecord::Current(id, None) => {
                if self.members.contains_key(&id) {
                    let member = self.member_or_new(&id);
                    (member.epoch, member.previous_epoch) = (LEAVING_EPOCH, LEAVING_EPOCH);
                    member.assigned = Assignment::new();
                }
            }
            ShareGroupRecord::StatePartitions(value) => self.state_partitions = value.map(Arc::new),
        }
    }

    /// Makes a volatile change part of the state.
    pub(crate) fn change(&mut self, change: ShareGroupChange) {
        match change {
            ShareGroupChange::MemberSeen(id, deadline, timer) => {
                self.sessions.insert(id, Session { deadline, timer });
            }
            ShareGroupChange::TopicsSeen(version) => self.topics_seen = Some(version),
            ShareGroupChange::StateWritten(at) => self.state_written_at = Some(at),
        }
    }

    fn member_or_new(&mut self, id: &Arc<str>) -> &mut ShareMember {
        let entry = self.members.entry(id.clone()).or_insert_with(|| Arc::new(ShareMember::new(id.clone())));
        Arc::make_mut(entry)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Kafka's name of the state.
    pub(crate) fn state(&self) -> &'static str {
        if self.is_empty() { "Empty" } else { "Stable" }
    }

    pub(super) fn target(&self, member_id: &str) -> Arc<Assignment> {
        self.targets.get(member_id).cloned().unwrap_or_default()
    }

    /// The topics that are read.
    pub(super) fn subscribed_topics(&self) -> BTreeSet<&Arc<str>> {
        self.members.values().flat_map(|m| &m.data.topics).collect()
    }

    /// Which partitions have a state at the share coordinator.
    pub(crate) fn state_value(&self) -> StatePartitionsValue {
        self.state_partitions.as_deref().cloned().unwrap_or_default()
    }

    /// The invariants of a group at rest between two commands.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        assert!(self.target_epoch <= self.epoch);
        assert!(self.targets.keys().all(|id| self.members.contains_key(id)));
        assert!(self.sessions.keys().eq(self.members.keys()), "each member has a session");
        for member in self.members.values() {
            assert!(member.epoch <= self.epoch, "{} is ahead of its group", member.id);
            assert!(member.previous_epoch <= member.epoch);
        }
        let state = self.state_value();
        for (id, topic) in &state.initializing {
            let there = state.initialized.get(id);
            let both = there.is_some_and(|t| !t.partitions.is_disjoint(&topic.partitions));
            assert!(!both, "{} has partitions that are there and awaited", topic.name);
        }
    }

    /// What a replay of the log gives of it.
    #[cfg(test)]
    pub(crate) fn durable(&self) -> ShareGroup {
        ShareGroup { sessions: BTreeMap::new(), topics_seen: None, state_written_at: None, ..self.clone() }
    }
}
