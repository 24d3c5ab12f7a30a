//! The next target assignment, and a member's way to it in one step (Kafka: maybeUpdateTargetAssignment, maybeReconcile,
//! initializedAssignmentPending, ShareGroupAssignmentBuilder).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assignor::{ShareMemberSpec, assign};
use super::config::SIMPLE;
use super::draft::ShareDraft;
use super::member::ShareMember;
use super::records::ShareGroupRecord;
use crate::group::Refusal;
use crate::group::records::{Assignment, TargetAssignmentValue, TargetEpochValue};

impl ShareDraft<'_> {
    /// Whether partitions that have a state and are read are nobody's, or others than those that are.
    pub(super) fn has_unassigned_partitions(&self) -> bool {
        let Some(state) = &self.group.state_partitions else { return false };
        let topics = self.group.subscribed_topics();
        let mut assigned = Assignment::new();
        for (topic, partitions) in self.group.targets.values().flat_map(|target| target.iter()) {
            assigned.entry(*topic).or_default().extend(partitions);
        }
        let mut read = state.initialized.iter().filter(|(_, topic)| topics.contains(&topic.name));
        read.any(|(id, topic)| assigned.get(id) != Some(&topic.partitions))
    }

    /// Computes the target assignment of the group's epoch unless it is there, or the last one is too fresh
    /// (`share.assignment.interval.ms`).
    pub(super) fn update_target(&mut self) {
        if self.group.target_epoch >= self.group.epoch || self.is_target_fresh() {
            return;
        }
        let initialized = self.group.state_value().initialized;
        let assignable = initialized.into_iter().map(|(id, topic)| (id, topic.partitions)).collect();
        for (id, partitions) in assign(&self.spec(), &assignable) {
            if self.group.targets.get(&id).is_none_or(|known| **known != partitions) {
                self.record(ShareGroupRecord::Target(id, Some(TargetAssignmentValue { partitions })));
            }
        }
        let value = TargetEpochValue { epoch: self.group.epoch, computed_at: self.now };
        self.record(ShareGroupRecord::TargetEpoch(Some(value)));
        self.log(format!("Computed a new target assignment for epoch {} with '{SIMPLE}' assignor.", self.group.epoch));
    }

    fn is_target_fresh(&self) -> bool {
        let interval_ms = self.machine.overrides_of(&self.group.id).share.assignment_interval_ms;
        let interval_ms = interval_ms.unwrap_or(self.machine.config.share.assignment_interval_ms);
        let computed_at = self.group.target_computed_at;
        computed_at.0 != 0 && interval_ms != 0 && self.now < computed_at.plus_ms(interval_ms.into())
    }

    fn spec(&self) -> BTreeMap<Arc<str>, ShareMemberSpec> {
        let spec = |member: &ShareMember| ShareMemberSpec {
            topics: self.image().ids(&member.data.topics),
            target: (*self.group.target(&member.id)).clone(),
        };
        self.group.members.iter().map(|(id, member)| (id.clone(), spec(member))).collect()
    }

    /// Gives the member what it shall have; the member afterwards. With `subscription_changed` it loses at once what it no longer reads.
    pub(super) fn reconcile(&mut self, id: &str, subscription_changed: bool) -> Result<Arc<ShareMember>, Refusal> {
        let member = self.member(id)?;
        let moves = member.epoch != self.group.target_epoch;
        if !moves && !subscription_changed {
            return Ok(member);
        }
        let reads = self.image().ids(&member.data.topics);
        let mut next = (*member).clone();
        next.assigned = (*self.group.target(id)).clone();
        next.assigned.retain(|topic, _| reads.contains(topic));
        if moves {
            (next.state, next.previous_epoch, next.epoch) = (0, member.epoch, self.group.target_epoch);
        }
        if next == *member {
            return Ok(member);
        }
        self.record(ShareGroupRecord::Current(next.id.clone(), Some(next.save_current())));
        self.log(format!(
            "Member {id} new assignment state: epoch={}, previousEpoch={}.",
            next.epoch, next.previous_epoch
        ));
        Ok(Arc::new(next))
    }
}
