//! The next target assignment, from the assignor that most members ask for (Kafka: maybeUpdateTargetAssignment, TargetAssignmentBuilder).

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::assignor::{GroupSpec, MemberSpec, assign};
use super::draft::ConsumerDraft;
use super::member::ConsumerMember;
use super::record::ConsumerRecord;
use crate::group::records::{TargetAssignmentValue, TargetEpochValue};

impl ConsumerDraft<'_> {
    /// The topics that a member reads and that exist. A regular expression that is not resolved yet stands for none.
    pub(super) fn subscribed_ids(&self, member: &ConsumerMember) -> BTreeSet<TopicId> {
        let by_regex = member.regex().and_then(|regex| self.group.regexes.get(regex));
        let names = member.data.topics.iter().chain(by_regex.iter().flat_map(|resolved| &resolved.topics));
        self.image().ids(names)
    }

    /// Computes the target assignment of the group's epoch unless it is there, or the last one is too fresh
    /// (`consumer.assignment.interval.ms`).
    pub(super) fn update_target(&mut self) {
        if self.group.target_epoch >= self.group.epoch || self.is_target_fresh() {
            return;
        }
        let assignor = self.group.preferred_assignor().cloned();
        let assignor = assignor.or_else(|| self.config().assignors.first().cloned());
        let mut targets = assign(assignor.as_deref().unwrap_or(""), &self.spec());
        let ids: Vec<Arc<str>> = self.group.members.keys().cloned().collect();
        for id in ids {
            let partitions = targets.remove(&id).unwrap_or_default();
            if self.group.targets.get(&id).is_none_or(|known| **known != partitions) {
                self.record(ConsumerRecord::Target(id, Some(TargetAssignmentValue { partitions })));
            }
        }
        let value = TargetEpochValue { epoch: self.group.epoch, computed_at: self.now };
        self.record(ConsumerRecord::TargetEpoch(Some(value)));
        let epoch = self.group.epoch;
        let name = assignor.unwrap_or_else(|| Arc::from(""));
        self.log(format!("Computed a new target assignment for epoch {epoch} with '{name}' assignor."));
    }

    fn is_target_fresh(&self) -> bool {
        let interval_ms = self.machine.overrides_of(&self.group.id).assignment_interval_ms;
        let interval_ms = interval_ms.unwrap_or(self.config().assignment_interval_ms);
        let computed_at = self.group.target_computed_at;
        computed_at.0 != 0 && interval_ms != 0 && self.now < computed_at.plus_ms(interval_ms.into())
    }

    fn spec(&self) -> GroupSpec {
        let mut spec = GroupSpec { homogeneous: self.group.is_homogeneous(), ..GroupSpec::default() };
        for (id, member) in &self.group.members {
            let topics = self.subscribed_ids(member);
            for topic in &topics {
                let partitions = self.image().by_id(*topic).map_or(0, |t| t.partitions());
                spec.partitions.insert(*topic, partitions);
            }
            let mut target = (*self.group.target(id)).clone();
            // A topic's partitions do not become fewer under one id; should they all the same, what is gone is nobody's.
            for (topic, of_topic) in &mut target {
                let count = self.image().by_id(*topic).map_or(i32::MAX, |t| t.partitions());
                of_topic.retain(|partition| *partition < count);
            }
            let instance_id = member.data.instance_id.clone();
            spec.members.insert(id.clone(), MemberSpec { instance_id, topics, target });
        }
        spec
    }
}
