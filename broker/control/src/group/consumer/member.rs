//! A member of a consumer group (Kafka: ConsumerGroupMember).

use std::sync::Arc;

use forebay_storage::ids::TopicId;

use crate::group::records::{CurrentAssignmentValue, EpochAssignment, MemberValue};

/// Epoch of a member that is leaving.
pub(super) const LEAVING_EPOCH: i32 = -1;
/// Epoch of a static member that is away and will be back.
pub(super) const AWAY_EPOCH: i32 = -2;

/// Where a member is on its way to the target assignment (Kafka: MemberState).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberState {
    /// It has what it shall have in its epoch.
    Stable,
    /// It has to give up partitions first.
    UnrevokedPartitions,
    /// Others have to give up partitions first.
    UnreleasedPartitions,
    /// A newer coordinator wrote a state that is not known here; its number is kept.
    Unknown(i8),
}

impl MemberState {
    fn number(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown(number) => number,
        }
    }

    fn of(number: i8) -> MemberState {
        match number {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            other => MemberState::Unknown(other),
        }
    }
}

/// A member's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerMember {
    pub(super) id: Arc<str>,
    pub(super) epoch: i32,
    pub(super) previous_epoch: i32,
    pub(super) state: MemberState,
    /// What it has.
    pub(super) assigned: EpochAssignment,
    /// What it has to give up.
    pub(super) revoking: EpochAssignment,
    /// Who it is and what it reads.
    pub(super) data: MemberValue,
}

impl ConsumerMember {
    pub(super) fn new(id: Arc<str>) -> ConsumerMember {
        ConsumerMember {
            id,
            epoch: 0,
            previous_epoch: -1,
            state: MemberState::Stable,
            assigned: EpochAssignment::new(),
            revoking: EpochAssignment::new(),
            data: MemberValue {
                instance_id: None,
                rack_id: None,
                client_id: "".into(),
                client_host: "".into(),
                topics: Default::default(),
                regex: "".into(),
                rebalance_timeout_ms: -1,
                assignor: None,
                classic: None,
            },
        }
    }

    pub(super) fn uses_classic_protocol(&self) -> bool {
        self.data.classic.is_some()
    }

    /// The regular expression that it reads by.
    pub(super) fn regex(&self) -> Option<&Arc<str>> {
        Some(&self.data.regex).filter(|regex| !regex.is_empty())
    }

    pub(super) fn is_reconciled_to(&self, target_epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == target_epoch
    }

    /// The epoch in which it got a partition that it has or has to give up.
    pub(super) fn assignment_epoch(&self, topic: TopicId, partition: i32) -> Option<i32> {
        let of = |assignment: &EpochAssignment| assignment.get(&topic)?.get(&partition).copied();
        of(&self.assigned).or_else(|| of(&self.revoking))
    }

    pub(super) fn load_current(&mut self, value: &CurrentAssignmentValue) {
        self.epoch = value.epoch;
        self.previous_epoch = value.previous_epoch;
        self.state = MemberState::of(value.state);
        self.assigned = value.assigned.clone();
        self.revoking = value.revoking.clone();
    }

    pub(super) fn save_current(&self) -> CurrentAssignmentValue {
        CurrentAssignmentValue {
            epoch: self.epoch,
            previous_epoch: self.previous_epoch,
            state: self.state.number(),
            assigned: self.assigned.clone(),
            revoking: self.revoking.clone(),
        }
    }
}
