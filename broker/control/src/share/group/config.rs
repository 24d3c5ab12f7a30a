//! Settings of share groups, under Kafka's keys and with Kafka's defaults.

/// The name of the only assignor (`group.share.assignors`).
pub const SIMPLE: &str = "simple";

/// Settings of all share groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareGroupConfig {
    /// `group.share.session.timeout.ms`, default 45000.
    pub session_timeout_ms: i32,
    /// `group.share.heartbeat.interval.ms`, default 5000.
    pub heartbeat_interval_ms: i32,
    /// `group.share.max.size`, default 200: most members of a group.
    pub max_size: i32,
    /// `group.share.assignment.interval.ms`, default 1000: least time between two target assignments of a group.
    pub assignment_interval_ms: i32,
    /// `group.share.initialize.retry.interval.ms` (internal to Kafka), default 30000: how long an answer of the share coordinator is
    /// awaited before it is asked again to begin a state.
    pub initialize_retry_interval_ms: i64,
}

impl Default for ShareGroupConfig {
    fn default() -> ShareGroupConfig {
        ShareGroupConfig {
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 5_000,
            max_size: 200,
            assignment_interval_ms: 1_000,
            initialize_retry_interval_ms: 30_000,
        }
    }
}

/// What is set on one group instead; `None` leaves the broker's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareGroupOverrides {
    /// `share.session.timeout.ms`.
    pub session_timeout_ms: Option<i32>,
    /// `share.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: Option<i32>,
    /// `share.assignment.interval.ms`.
    pub assignment_interval_ms: Option<i32>,
}
