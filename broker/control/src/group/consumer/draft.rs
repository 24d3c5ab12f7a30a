//! A decision about one consumer group in the making: each change is applied to a copy of the group at once, so that the next step
//! sees it. Copying the group copies references to its members, not the members.

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::change::ConsumerChange;
use super::config::ConsumerGroupConfig;
use super::group::ConsumerGroup;
use super::member::ConsumerMember;
use super::record::ConsumerRecord;
use super::timers::ConsumerTimer;
use super::topics::TopicsImage;
use crate::group::draft::GroupDecision;
use crate::group::effect::GroupEffect;
use crate::group::event::GroupEvent;
use crate::group::machine::GroupMachine;
use crate::group::records::{GroupEpochValue, MemberValue};
use crate::group::timer::GroupTimer;

/// A decision in the making.
pub(super) struct ConsumerDraft<'a> {
    pub(super) machine: &'a GroupMachine,
    pub(super) now: Timestamp,
    pub(super) group: ConsumerGroup,
    pub(super) decision: GroupDecision,
    /// Whether the group was a classic one until now, so that a new assignment is due whatever the newcomer reads.
    pub(super) is_upgraded: bool,
}

impl<'a> ConsumerDraft<'a> {
    /// A decision about `group`, which may be one that only comes into being.
    pub(super) fn of(machine: &'a GroupMachine, now: Timestamp, group: ConsumerGroup) -> ConsumerDraft<'a> {
        ConsumerDraft { machine, now, group, decision: GroupDecision::default(), is_upgraded: false }
    }

    pub(super) fn config(&self) -> &'a ConsumerGroupConfig {
        &self.machine.config.consumer
    }

    pub(super) fn image(&self) -> &'a TopicsImage {
        &self.machine.topics
    }

    /// Makes a durable change.
    pub(super) fn record(&mut self, record: ConsumerRecord) {
        self.group.apply(record.clone());
        self.decision.events.push(GroupEvent::Consumer { group_id: self.group.id.clone(), record });
    }

    /// Makes a volatile change.
    pub(super) fn change(&mut self, change: ConsumerChange) {
        self.group.change(change.clone());
        self.decision.events.push(GroupEvent::ConsumerChanged { group_id: self.group.id.clone(), change });
    }

    pub(super) fn log(&mut self, line: String) {
        self.decision.effects.push(GroupEffect::Log(format!("[GroupId {}] {line}", self.group.id)));
    }

    pub(super) fn member(&self, id: &str) -> Option<Arc<ConsumerMember>> {
        self.group.members.get(id).cloned()
    }

    pub(super) fn save_member(&mut self, id: &Arc<str>, data: &MemberValue) {
        self.record(ConsumerRecord::Member(id.clone(), Some(data.clone())));
    }

    /// Takes a member out. The order is Kafka's (GroupMetadataManager.removeMember).
    pub(super) fn remove_member(&mut self, id: &Arc<str>) {
        self.record(ConsumerRecord::Current(id.clone(), None));
        self.record(ConsumerRecord::Target(id.clone(), None));
        self.record(ConsumerRecord::Member(id.clone(), None));
    }

    /// The hash of the topics that the group reads now.
    pub(super) fn metadata_hash(&self) -> i64 {
        self.image().hash(self.group.subscribed_topics())
    }

    /// Begins a new epoch, for which the target assignment is to be computed.
    pub(super) fn bump_epoch(&mut self, metadata_hash: i64) {
        let epoch = self.group.epoch.saturating_add(1);
        self.record(ConsumerRecord::Epoch(Some(GroupEpochValue { epoch, metadata_hash })));
        self.log(format!("Bumped group epoch to {epoch} with metadata hash {metadata_hash}."));
    }

    /// Lets a member's session end `timeout_ms` from now.
    pub(super) fn extend_session(&mut self, id: &Arc<str>, timeout_ms: i32) {
        let (change, timer) = extended_session(&self.group, id, self.now, timeout_ms);
        self.change(change);
        self.decision.timers.extend(timer);
    }

    /// Lets a member's session end the group's session timeout from now.
    pub(super) fn extend_session_by_group(&mut self, id: &Arc<str>) {
        let timeout_ms = self.machine.consumer_session_timeout_ms(&self.group.id);
        self.extend_session(id, timeout_ms);
    }

    pub(super) fn arm(&mut self, id: &Arc<str>, at: Timestamp, timer: ConsumerTimer) {
        self.decision.timers.push(timer_at(&self.group.id, id, at, timer));
    }
}

fn timer_at(group_id: &Arc<str>, id: &Arc<str>, at: Timestamp, timer: ConsumerTimer) -> (Timestamp, GroupTimer) {
    (at, GroupTimer::Consumer { group_id: group_id.clone(), member_id: id.clone(), at, timer })
}

/// The change that lets a member's session end `timeout_ms` from now, and the timer for it unless one that is armed already
/// fires before: that one follows when it does.
pub(super) fn extended_session(
    group: &ConsumerGroup,
    id: &Arc<str>,
    now: Timestamp,
    timeout_ms: i32,
) -> (ConsumerChange, Option<(Timestamp, GroupTimer)>) {
    let deadline = now.plus_ms(timeout_ms.into());
    let armed = group.deadlines.get(id).and_then(|d| d.session_timer).filter(|at| *at <= deadline);
    let change = ConsumerChange::MemberSeen(id.clone(), deadline, armed.unwrap_or(deadline));
    let timer = armed.is_none().then(|| timer_at(&group.id, id, deadline, ConsumerTimer::Session));
    (change, timer)
}
