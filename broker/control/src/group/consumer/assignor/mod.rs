//! The server-side assignors: from subscriptions and the assignment so far to the next one
//! (Kafka: ConsumerGroupPartitionAssignor, UniformAssignor, RangeAssignor). None of them looks at racks; neither do Kafka 4.3's.

mod balancer;
mod heterogeneous;
mod homogeneous;
mod range;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::TopicId;

use crate::group::records::Assignment;

/// Kafka's name of the assignor that balances and keeps.
pub(crate) const UNIFORM: &str = "uniform";
/// Kafka's name of the assignor that gives each member a range of each topic.
pub(crate) const RANGE: &str = "range";

/// What an assignor knows of a member.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberSpec {
    pub(super) instance_id: Option<Arc<str>>,
    /// The topics that it reads and that exist.
    pub(super) topics: BTreeSet<TopicId>,
    /// What it shall have so far.
    pub(super) target: Assignment,
}

/// What an assignor knows of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupSpec {
    pub(super) members: BTreeMap<Arc<str>, MemberSpec>,
    /// Whether all members read the same.
    pub(super) homogeneous: bool,
    /// How many partitions each topic that is read has.
    pub(super) partitions: BTreeMap<TopicId, i32>,
}

/// The target assignment of each member.
pub(super) type GroupAssignment = BTreeMap<Arc<str>, Assignment>;

/// Assigns with the assignor of this name; one that is not known is refused before a member joins with it.
pub(super) fn assign(assignor: &str, spec: &GroupSpec) -> GroupAssignment {
    if spec.members.is_empty() {
        return GroupAssignment::new();
    }
    match (assignor, spec.homogeneous) {
        (RANGE, _) => range::assign(spec),
        (_, true) => homogeneous::assign(spec),
        (_, false) => heterogeneous::assign(spec),
    }
}

#[cfg(test)]
mod tests;
