//! The states of a group, and which may follow which (Kafka: ClassicGroupState).

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupState {
    /// No members; perhaps offsets. Also a group that only commits offsets.
    Empty,
    /// Members are asked to join again.
    PreparingRebalance,
    /// Members have joined and wait for the leader's assignment.
    CompletingRebalance,
    /// Everybody has its assignment.
    Stable,
    /// Gone.
    Dead,
}

impl GroupState {
    /// Kafka's name, as DescribeGroups and ListGroups carry it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
            GroupState::Dead => "Dead",
        }
    }
}
