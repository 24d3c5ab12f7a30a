//! The state of one consumer group (Kafka: ConsumerGroup, ModernGroup) and the changes that it can undergo.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId};

use super::change::{ConsumerChange, ConsumerGroupState, Deadlines};
use super::member::{ConsumerMember, LEAVING_EPOCH};
use super::record::ConsumerRecord;
use crate::group::records::{Assignment, EpochAssignment, ResolvedRegex};

/// The epoch that a group and its target assignment start with.
const FIRST_EPOCH: i32 = 1;

/// A group without its offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerGroup {
    pub(super) id: Arc<str>,
    pub(super) epoch: i32,
    pub(super) metadata_hash: i64,
    pub(super) members: BTreeMap<Arc<str>, Arc<ConsumerMember>>,
    /// Instance id to member id.
    pub(super) static_members: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) target_epoch: i32,
    pub(super) target_computed_at: Timestamp,
    pub(super) targets: BTreeMap<Arc<str>, Arc<Assignment>>,
    pub(super) regexes: BTreeMap<Arc<str>, Arc<ResolvedRegex>>,
    /// Whether a record of topics from before Kafka 4.1 is to be removed from the log.
    pub(super) has_partition_metadata: bool,
    /// The epoch of the member that has a partition or has to give it up.
    partition_epochs: BTreeMap<(TopicId, i32), i32>,
    /// Volatile: deadlines by member.
    pub(super) deadlines: BTreeMap<Arc<str>, Deadlines>,
    /// Volatile: the version of the topics that the hash was last computed with.
    pub(super) topics_seen: Option<i64>,
    /// Volatile: since when regular expressions are being resolved.
    pub(super) resolving_since: Option<Timestamp>,
}

impl ConsumerGroup {
    pub(crate) fn new(id: Arc<str>) -> ConsumerGroup {
        ConsumerGroup {
            id,
            epoch: FIRST_EPOCH,
            metadata_hash: 0,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            target_epoch: FIRST_EPOCH,
            target_computed_at: Timestamp(0),
            targets: BTreeMap::new(),
            regexes: BTreeMap::new(),
            has_partition_metadata: false,
            partition_epochs: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            topics_seen: None,
            resolving_since: None,
        }
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Makes a durable change part of the state; the end of the group itself is its owner's to do.
    pub(crate) fn apply(&mut self, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Epoch(Some(value)) => (self.epoch, self.metadata_hash) = (value.epoch, value.metadata_hash),
            ConsumerRecord::Epoch(None) => {}
            ConsumerRecord::PartitionMetadata(there) => self.has_partition_metadata = there,
            ConsumerRecord::Member(id, Some(value)) => {
                if let Some(instance) = &value.instance_id {
                    self.static_members.insert(instance.clone(), id.clone());
                }
                self.update(&id, |member| member.data = value);
            }
            ConsumerRecord::Member(id, None) => self.remove_member(&id),
            ConsumerRecord::TargetEpoch(value) => {
                (self.target_epoch, self.target_computed_at) =
                    value.map_or((-1, Timestamp(0)), |v| (v.epoch, v.computed_at));
            }
            ConsumerRecord::Target(id, Some(value)) => {
                self.targets.insert(id, Arc::new(value.partitions));
            }
            ConsumerRecord::Target(id, None) => {
                self.targets.remove(&id);
            }
            ConsumerRecord::Current(id, Some(value)) => self.update(&id, |member| member.load_current(&value)),
            ConsumerRecord::Current(id, None) => {
                if self.members.contains_key(&id) {
                    self.update(&id, |member| {
                        (member.epoch, member.previous_epoch) = (LEAVING_EPOCH, LEAVING_EPOCH);
                        (member.assigned, member.revoking) = Default::default();
                    });
                }
            }
            ConsumerRecord::Regex(regex, Some(value)) => {
                self.regexes.insert(regex, Arc::new(value));
            }
            ConsumerRecord::Regex(regex, None) => {
                self.regexes.remove(&regex);
            }
        }
    }

    /// Makes a volatile change part of the state.
    pub(crate) fn change(&mut self, change: ConsumerChange) {
        match change {
            ConsumerChange::MemberSeen(id, deadline, timer) => {
                let deadlines = self.deadlines.entry(id).or_default();
                (deadlines.session, deadlines.session_timer) = (Some(deadline), Some(timer));
            }
            ConsumerChange::RevocationAwaited(id, at) => self.deadlines.entry(id).or_default().revocation = at,
            ConsumerChange::JoinAwaited(id, at) => self.deadlines.entry(id).or_default().join = at,
            ConsumerChange::SyncAwaited(id, at) => self.deadlines.entry(id).or_default().sync = at,
            ConsumerChange::TopicsSeen(version) => self.topics_seen = Some(version),
            ConsumerChange::RegexesRequested(at) => self.resolving_since = Some(at),
            ConsumerChange::RegexesAnswered => self.resolving_since = None,
        }
    }

    fn update(&mut self, id: &Arc<str>, change: impl FnOnce(&mut ConsumerMember)) {
        let entry = self.members.entry(id.clone()).or_insert_with(|| Arc::new(ConsumerMember::new(id.clone())));
        let member = Arc::make_mut(entry);
        forget_epochs(&mut self.partition_epochs, &member.assigned, member.epoch);
        forget_epochs(&mut self.partition_epochs, &member.revoking, member.epoch);
        change(member);
        for assignment in [&member.assigned, &member.revoking] {
            for (topic, partitions) in assignment {
                self.partition_epochs.extend(partitions.keys().map(|p| ((*topic, *p), member.epoch)));
            }
        }
    }

    fn remove_member(&mut self, id: &str) {
        let Some(member) = self.members.remove(id) else { return };
        forget_epochs(&mut self.partition_epochs, &member.assigned, member.epoch);
        forget_epochs(&mut self.partition_epochs, &member.revoking, member.epoch);
        if let Some(instance) = &member.data.instance_id
            && self.static_members.get(instance).is_some_and(|current| &**current == id)
        {
            self.static_members.remove(instance);
        }
        self.deadlines.remove(id);
    }

    /// Whether a member has the partition or has to give it up.
    pub(super) fn is_owned(&self, topic: TopicId, partition: i32) -> bool {
        self.partition_epochs.contains_key(&(topic, partition))
    }

    pub(crate) fn state(&self) -> ConsumerGroupState {
        if self.members.is_empty() {
            ConsumerGroupState::Empty
        } else if self.epoch > self.target_epoch {
            ConsumerGroupState::Assigning
        } else if self.members.values().all(|m| m.is_reconciled_to(self.target_epoch)) {
            ConsumerGroupState::Stable
        } else {
            ConsumerGroupState::Reconciling
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn target(&self, member_id: &str) -> Arc<Assignment> {
        self.targets.get(member_id).cloned().unwrap_or_default()
    }

    /// The member that has this instance id.
    pub(super) fn static_member(&self, instance_id: &str) -> Option<&Arc<ConsumerMember>> {
        self.members.get(self.static_members.get(instance_id)?)
    }

    /// How many members read by this regular expression.
    pub(super) fn readers_by(&self, regex: &str) -> usize {
        self.members.values().filter(|m| &*m.data.regex == regex).count()
    }

    /// The topics that are read, by name or by a regular expression that is resolved.
    pub(crate) fn subscribed_topics(&self) -> BTreeSet<&Arc<str>> {
        let by_name = self.members.values().flat_map(|m| &m.data.topics);
        by_name.chain(self.regexes.values().flat_map(|r| &r.topics)).collect()
    }

    /// Whether all members read the same (Kafka: ConsumerGroup.subscriptionType).
    pub(super) fn is_homogeneous(&self) -> bool {
        let mut names: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for topic in self.members.values().flat_map(|m| &m.data.topics) {
            *names.entry(topic).or_default() += 1;
        }
        let Some(regex) = self.members.values().find_map(|m| m.regex()) else {
            let unread = self.regexes.values().flat_map(|r| &r.topics).any(|t| !names.contains_key(t));
            return !unread && names.values().all(|count| *count == self.members.len());
        };
        // All by one regular expression, nobody by name, and nothing left of other expressions.
        self.readers_by(regex) == self.members.len() && names.is_empty() && self.regexes.len() <= 1
    }

    /// The assignor that most members ask for; among equals the first by name.
    pub(super) fn preferred_assignor(&self) -> Option<&Arc<str>> {
        let mut counts: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for assignor in self.members.values().filter_map(|m| m.data.assignor.as_ref()) {
            *counts.entry(assignor).or_default() += 1;
        }
        let most = counts.values().max().copied()?;
        counts.into_iter().find(|(_, count)| *count == most).map(|(assignor, _)| assignor)
    }

    /// How many members speak the classic protocol.
    pub(super) fn classic_members(&self) -> usize {
        self.members.values().filter(|m| m.uses_classic_protocol()).count()
    }

    #[cfg(test)]
    pub(crate) fn has_member(&self, id: &str) -> bool {
        self.members.contains_key(id)
    }

    #[cfg(test)]
    pub(crate) fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The invariants of a group at rest between two commands.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let mut owned = BTreeMap::new();
        for member in self.members.values() {
            for (topic, partitions) in member.assigned.iter().chain(&member.revoking) {
                for partition in partitions.keys() {
                    let other = owned.insert((*topic, *partition), member.epoch);
                    assert_eq!(other, None, "{topic}-{partition} of {} is another member's too", member.id);
                }
            }
            assert!(member.epoch <= self.epoch, "{} is ahead of its group", member.id);
        }
        assert_eq!(owned, self.partition_epochs);
        assert!(self.target_epoch <= self.epoch);
        for (instance, id) in &self.static_members {
            assert_eq!(self.members[id].data.instance_id.as_ref(), Some(instance));
        }
        assert!(self.deadlines.keys().all(|id| self.members.contains_key(id)));
        assert!(self.members.keys().all(|id| self.deadlines.get(id).is_some_and(|d| d.session_timer.is_some())));
        assert!(self.targets.keys().all(|id| self.members.contains_key(id)));
    }

    /// What a replay of the log gives of it: the state without deadlines and marks of what has been seen.
    #[cfg(test)]
    pub(crate) fn durable(&self) -> ConsumerGroup {
        ConsumerGroup { deadlines: BTreeMap::new(), topics_seen: None, resolving_since: None, ..self.clone() }
    }
}

fn forget_epochs(epochs: &mut BTreeMap<(TopicId, i32), i32>, assignment: &EpochAssignment, epoch: i32) {
    for (topic, partitions) in assignment {
        for partition in partitions.keys() {
            let key = (*topic, *partition);
            if epochs.get(&key) == Some(&epoch) {
                epochs.remove(&key);
            }
        }
    }
}
