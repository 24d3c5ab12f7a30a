//! Balance first, then keeping what is there, among members that all read the same (Kafka: UniformHomogeneousAssignmentBuilder).

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use super::{GroupAssignment, GroupSpec};
use crate::group::records::Assignment;

struct Builder<'a> {
    spec: &'a GroupSpec,
    topics: &'a BTreeSet<TopicId>,
    unassigned: Vec<(TopicId, i32)>,
    /// Members that may get more, and how many.
    unfilled: Vec<(Arc<str>, usize)>,
    /// Members that still get one partition more than the quota.
    extra: usize,
}

pub(super) fn assign(spec: &GroupSpec) -> GroupAssignment {
    let Some(first) = spec.members.values().next() else { return GroupAssignment::new() };
    if first.topics.is_empty() {
        return GroupAssignment::new();
    }
    let assigned: BTreeSet<(TopicId, i32)> = spec
        .members
        .values()
        .flat_map(|m| m.target.iter().flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p))))
        .collect();
    let all = first.topics.iter().flat_map(|topic| {
        let partitions = spec.partitions.get(topic).copied().unwrap_or(0);
        (0..partitions).map(|p| (*topic, p))
    });
    let all: Vec<_> = all.collect();
    let (quota, extra) = (all.len() / spec.members.len(), all.len() % spec.members.len());
    let unassigned = all.into_iter().filter(|p| !assigned.contains(p)).collect();
    Builder { spec, topics: &first.topics, unassigned, unfilled: Vec::new(), extra }.build(quota)
}

impl Builder<'_> {
    fn build(mut self, quota: usize) -> GroupAssignment {
        let count = self.spec.members.len();
        let mut target = GroupAssignment::new();
        for (index, (id, member)) in self.spec.members.iter().enumerate() {
            let wants_extra = self.extra > 0;
            let mut room = quota + usize::from(wants_extra);
            let mut kept = Assignment::new();
            for (topic, partitions) in member.target.iter().filter(|(topic, _)| self.topics.contains(*topic)) {
                let (keep, give): (Vec<_>, Vec<_>) = partitions.iter().enumerate().partition(|(at, _)| *at < room);
                room -= keep.len();
                self.unassigned.extend(give.into_iter().map(|(_, p)| (*topic, *p)));
                if !keep.is_empty() {
                    kept.insert(*topic, keep.into_iter().map(|(_, p)| *p).collect());
                }
            }
            // Who has room leaves the extra partition to others, unless there are no others left to take it.
            let gives_up = room > 0 && wants_extra && count - index > self.extra;
            room -= usize::from(gives_up);
            if room > 0 {
                self.unfilled.push((id.clone(), room));
            }
            self.extra -= usize::from(wants_extra && !gives_up);
            target.insert(id.clone(), kept);
        }
        let mut unassigned = self.unassigned.into_iter();
        for (id, room) in self.unfilled {
            let member = target.entry(id).or_default();
            for (topic, partition) in unassigned.by_ref().take(room) {
                member.entry(topic).or_default().insert(partition);
            }
        }
        debug_assert!(unassigned.next().is_none(), "the quotas add up to all partitions");
        target
    }
}
