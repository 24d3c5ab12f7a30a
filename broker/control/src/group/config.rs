//! The configuration of group coordinators, under Kafka's keys and with Kafka's defaults, and limits of this implementation.

use super::consumer::ConsumerGroupConfig;
use crate::share::group::ShareGroupConfig;

/// Most groups that one partition of `__consumer_offsets` takes; Kafka has no such limit. A request that would create one more is
/// answered by COORDINATOR_NOT_AVAILABLE.
pub const MAX_GROUPS_PER_PARTITION: usize = 1_000_000;

/// Most bytes of all protocols' metadata that a member may join with. Kafka bounds this by the frame only.
pub const MAX_MEMBER_METADATA_BYTES: usize = 8 << 20;

/// Most protocols that a member may join with; Kafka bounds this by the frame only.
pub const MAX_PROTOCOLS_PER_MEMBER: usize = 1_000;

/// Most partitions with committed offsets a group may have; one more is answered by INVALID_COMMIT_OFFSET_SIZE. Kafka has no limit.
pub const MAX_OFFSETS_PER_GROUP: usize = 10_000_000;

/// Milliseconds for which a new member may wait for its first rebalance without sending anything
/// (Kafka: GroupMetadataManager.CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS).
pub const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 5 * 60 * 1000;

/// Most tombstones that one check for expired offsets writes, so that they fit into one batch.
pub const MAX_EXPIRED_PER_CHECK: usize = 2_000;

/// Milliseconds until a check for expired offsets goes on that had more to write.
pub const EXPIRY_PAUSE_MS: i64 = 100;

/// Settings of a `GroupMachine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`, default 6000.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`, default 1800000.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`, default 3000: how long a new group waits for more members before its first rebalance.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`, default 2147483647: most members of a group.
    pub max_size: i32,
    /// `offset.metadata.max.bytes`, default 4096: most UTF-16 units of the note committed with an offset.
    pub offset_metadata_max_bytes: i32,
    /// `offsets.retention.minutes`, default 10080.
    pub offsets_retention_minutes: i32,
    /// `offsets.retention.check.interval.ms`, default 600000.
    pub offsets_retention_check_interval_ms: i64,
    /// Settings of consumer groups (KIP-848).
    pub consumer: ConsumerGroupConfig,
    /// Settings of share groups (KIP-932).
    pub share: ShareGroupConfig,
}

impl Default for GroupConfig {
    fn default() -> GroupConfig {
        GroupConfig {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_minutes: 10_080,
            offsets_retention_check_interval_ms: 600_000,
            consumer: ConsumerGroupConfig::default(),
            share: ShareGroupConfig::default(),
        }
    }
}

impl GroupConfig {
    /// `offsets.retention.minutes` in milliseconds.
    #[must_use]
    pub fn offsets_retention_ms(&self) -> i64 {
        i64::from(self.offsets_retention_minutes) * 60_000
    }
}
