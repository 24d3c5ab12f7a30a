//! Settings of consumer groups, under Kafka's keys and with Kafka's defaults.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assignor::{RANGE, UNIFORM};
use crate::share::group::ShareGroupOverrides;

/// Which groups may change their protocol while they have members (`group.consumer.migration.policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// Classic groups become consumer groups and the other way round.
    Bidirectional,
    /// Classic groups become consumer groups.
    Upgrade,
    /// Consumer groups become classic groups.
    Downgrade,
    /// Neither.
    Disabled,
}

impl MigrationPolicy {
    /// The policy of this name, without regard to case.
    #[must_use]
    pub fn parse(name: &str) -> Option<MigrationPolicy> {
        match name.to_ascii_lowercase().as_str() {
            "bidirectional" => Some(MigrationPolicy::Bidirectional),
            "upgrade" => Some(MigrationPolicy::Upgrade),
            "downgrade" => Some(MigrationPolicy::Downgrade),
            "disabled" => Some(MigrationPolicy::Disabled),
            _ => None,
        }
    }

    pub(super) fn allows_upgrade(self) -> bool {
        matches!(self, MigrationPolicy::Bidirectional | MigrationPolicy::Upgrade)
    }

    pub(super) fn allows_downgrade(self) -> bool {
        matches!(self, MigrationPolicy::Bidirectional | MigrationPolicy::Downgrade)
    }
}

/// Settings of all consumer groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupConfig {
    /// `group.consumer.session.timeout.ms`, default 45000.
    pub session_timeout_ms: i32,
    /// `group.consumer.heartbeat.interval.ms`, default 5000.
    pub heartbeat_interval_ms: i32,
    /// `group.consumer.max.size`, default 2147483647.
    pub max_size: i32,
    /// `group.consumer.assignors`, default `uniform,range`: those that members may ask for; the first is the default. Others than
    /// these two are not known; the caller refuses them when it reads its configuration.
    pub assignors: Vec<Arc<str>>,
    /// `group.consumer.migration.policy`, default `bidirectional`.
    pub migration_policy: MigrationPolicy,
    /// `group.consumer.assignment.interval.ms`, default 1000: least time between two target assignments of a group.
    pub assignment_interval_ms: i32,
    /// `group.consumer.regex.refresh.interval.ms` (internal to Kafka), default 600000: most time between two looks at the topics.
    pub regex_refresh_interval_ms: i64,
}

impl Default for ConsumerGroupConfig {
    fn default() -> ConsumerGroupConfig {
        ConsumerGroupConfig {
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 5_000,
            max_size: i32::MAX,
            assignors: vec![UNIFORM.into(), RANGE.into()],
            migration_policy: MigrationPolicy::Bidirectional,
            assignment_interval_ms: 1_000,
            regex_refresh_interval_ms: 600_000,
        }
    }
}

/// What is set at run time: on single groups, and on all that have nothing set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllOverrides {
    /// `group.consumer.assignment.interval.ms`, for every group.
    pub assignment_interval_ms: Option<i32>,
    /// `group.share.assignment.interval.ms`, for every group.
    pub share_assignment_interval_ms: Option<i32>,
    /// For single groups.
    pub of_one: BTreeMap<Arc<str>, GroupOverrides>,
}

impl AllOverrides {
    /// What is set on a group, or else on all.
    #[must_use]
    pub fn of(&self, group_id: &str) -> GroupOverrides {
        let mut of = self.of_one.get(group_id).cloned().unwrap_or_default();
        of.assignment_interval_ms = of.assignment_interval_ms.or(self.assignment_interval_ms);
        of.share.assignment_interval_ms = of.share.assignment_interval_ms.or(self.share_assignment_interval_ms);
        of
    }
}

impl<const N: usize> From<[(Arc<str>, GroupOverrides); N]> for AllOverrides {
    fn from(of_one: [(Arc<str>, GroupOverrides); N]) -> AllOverrides {
        AllOverrides { of_one: of_one.into(), ..AllOverrides::default() }
    }
}

/// What is set on one group instead; `None` leaves the broker's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupOverrides {
    /// `consumer.session.timeout.ms`.
    pub session_timeout_ms: Option<i32>,
    /// `consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: Option<i32>,
    /// `consumer.assignment.interval.ms`.
    pub assignment_interval_ms: Option<i32>,
    /// What is set on it as a share group.
    pub share: ShareGroupOverrides,
}
