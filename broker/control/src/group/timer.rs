//! The timers of a group coordinator. None is ever cancelled: each says what it was armed for, and one that fires
//! after things have moved on is recognised and ignored.

use std::sync::Arc;

use forebay_storage::ids::Timestamp;

use super::consumer::ConsumerTimer;

/// A timer of a [`GroupMachine`](super::GroupMachine), opaque to the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupTimer {
    /// A member's session, armed for `at`; when it fires the member's deadline may have moved on.
    Session {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member_id: Arc<str>,
        /// When it was armed to fire.
        at: Timestamp,
    },
    /// A dynamic member that was given an id (KIP-394) has not come back with it.
    PendingMember {
        /// The group.
        group_id: Arc<str>,
        /// The id given out.
        member_id: Arc<str>,
        /// When it was armed to fire.
        at: Timestamp,
    },
    /// One step of the delay before the first rebalance of an empty group ends.
    InitialJoin {
        /// The group.
        group_id: Arc<str>,
        /// Number of the timer among those of the group's join phases.
        rebalance: u64,
        /// How long this step was, in milliseconds.
        delay_ms: i64,
        /// How long the delay may still be extended, in milliseconds.
        remaining_ms: i64,
    },
    /// The time for joining again is over.
    Join {
        /// The group.
        group_id: Arc<str>,
        /// Number of the timer among those of the group's join phases.
        rebalance: u64,
    },
    /// The time for sending SyncGroup is over.
    Sync {
        /// The group.
        group_id: Arc<str>,
        /// The generation that waits for its members.
        generation: i32,
    },
    /// A time of a member of a consumer group.
    Consumer {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member_id: Arc<str>,
        /// When it was armed to fire.
        at: Timestamp,
        /// What it is for.
        timer: ConsumerTimer,
    },
    /// The session of a member of a share group.
    Share {
        /// The group.
        group_id: Arc<str>,
        /// The member.
        member_id: Arc<str>,
        /// When it was armed to fire.
        at: Timestamp,
    },
    /// Time to look for expired offsets, and for topics that are gone (`offsets.retention.check.interval.ms`).
    ExpireOffsets,
}
