//! What a consumer group's state is called, and its volatile changes: deadlines, and what has been seen.

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

/// The states of a consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerGroupState {
    /// No members; perhaps offsets.
    Empty,
    /// The target assignment of the group's epoch is still to be computed.
    Assigning,
    /// Members are on their way to it.
    Reconciling,
    /// Every member has what it shall have.
    Stable,
}

impl ConsumerGroupState {
    /// Kafka's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ConsumerGroupState::Empty => "Empty",
            ConsumerGroupState::Assigning => "Assigning",
            ConsumerGroupState::Reconciling => "Reconciling",
            ConsumerGroupState::Stable => "Stable",
        }
    }
}

/// A change of a consumer group that a restart may forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerChange {
    /// A member gave a sign of life: when its session ends, and when the timer that counts fires.
    MemberSeen(Arc<str>, Timestamp, Timestamp),
    /// When a member must have given up its partitions; earlier times no longer count.
    RevocationAwaited(Arc<str>, Option<Timestamp>),
    /// When a classic member must have joined again.
    JoinAwaited(Arc<str>, Option<Timestamp>),
    /// When a classic member must have sent SyncGroup.
    SyncAwaited(Arc<str>, Option<Timestamp>),
    /// The group knows the topics of this version.
    TopicsSeen(i64),
    /// The regular expressions are being resolved since then.
    RegexesRequested(Timestamp),
    /// They are no longer being resolved.
    RegexesAnswered,
}

/// A member's deadlines, each also the time at which the timer that counts fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Deadlines {
    pub(super) session: Option<Timestamp>,
    pub(super) session_timer: Option<Timestamp>,
    pub(super) revocation: Option<Timestamp>,
    pub(super) join: Option<Timestamp>,
    pub(super) sync: Option<Timestamp>,
}
