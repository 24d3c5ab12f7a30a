//! What a share group may do: set on the group, or the broker's setting (Kafka: ShareGroupConfigProvider, GroupConfig).

use std::collections::BTreeMap;

use forebay_control::share::partition::SharePartitionConfig;

use crate::config::settings::ShareFetchSettings;
use crate::partition::Isolation;

/// Where a group begins in a partition that it has not read before (`share.auto.offset.reset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// At the end.
    Latest,
    /// At the first record that is there.
    Earliest,
    /// At the first record that is not older than so many milliseconds.
    ByDuration(i64),
}

/// The limits of a group.
#[derive(Clone, Copy, Debug)]
pub struct GroupLimits {
    /// Of each share-partition.
    pub partition: SharePartitionConfig,
    /// `share.isolation.level`.
    pub isolation: Isolation,
    /// `share.auto.offset.reset`.
    pub reset: Reset,
}

impl GroupLimits {
    /// What `set` on the group says, and `settings` otherwise. Values were checked when they were set.
    #[must_use]
    pub fn of(settings: &ShareFetchSettings, set: &BTreeMap<String, String>) -> GroupLimits {
        let text = |name: &str| set.get(name).map(|value| value.trim());
        let number = |name: &str, default: i32| text(name).and_then(|value| value.parse().ok()).unwrap_or(default);
        let deliveries = number("share.delivery.count.limit", i32::from(settings.delivery_count_limit));
        let committed = text("share.isolation.level").is_some_and(|level| level.eq_ignore_ascii_case("read_committed"));
        GroupLimits {
            partition: SharePartitionConfig {
                max_record_locks: number("share.partition.max.record.locks", settings.max_record_locks),
                delivery_count_limit: i16::try_from(deliveries).unwrap_or(i16::MAX),
                record_lock_duration_ms: number("share.record.lock.duration.ms", settings.record_lock_duration_ms),
                renew_enabled: !text("share.renew.acknowledge.enable")
                    .is_some_and(|enabled| enabled.eq_ignore_ascii_case("false")),
            },
            isolation: if committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted },
            reset: text("share.auto.offset.reset").map_or(Reset::Latest, reset),
        }
    }
}

fn reset(value: &str) -> Reset {
    match value.split_once(':') {
        Some((_, duration)) => duration_ms(duration).map_or(Reset::Latest, Reset::ByDuration),
        None if value.eq_ignore_ascii_case("earliest") => Reset::Earliest,
        None => Reset::Latest,
    }
}

/// Milliseconds of an ISO 8601 duration of days and shorter units, as Java's `Duration.parse` has it: `P1DT2H3M4.5S`.
fn duration_ms(text: &str) -> Option<i64> {
    // Java takes a comma in front of the fraction as well.
    let rest = text.trim().to_ascii_uppercase().replace(',', ".");
    let rest = rest.strip_prefix('P')?;
    let (days, times) = rest.split_once('T').unwrap_or((rest, ""));
    let mut total = 0.0;
    let mut found = false;
    for (part, units) in
        [(days, [('D', 86_400_000.0)].as_slice()), (times, &[('H', 3_600_000.0), ('M', 60_000.0), ('S', 1000.0)])]
    {
        let mut left = part;
        while !left.is_empty() {
            let end = left.find(|c: char| c.is_ascii_alphabetic())?;
            let unit = left[end..].chars().next()?;
            let (_, ms) = units.iter().find(|(name, _)| *name == unit)?;
            total += left[..end].parse::<f64>().ok()? * ms;
            found = true;
            left = &left[end + 1..];
        }
    }
    // Out of range is clamped by the cast.
    found.then_some(total as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: ShareFetchSettings = ShareFetchSettings {
        delivery_count_limit: 5,
        max_record_locks: 2000,
        record_lock_duration_ms: 30_000,
        max_sessions: 2000,
    };

    fn limits(set: &[(&str, &str)]) -> GroupLimits {
        GroupLimits::of(&SETTINGS, &set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_group_s_configs_come_before_the_broker_s() {
        let (broker, group) = (
            limits(&[]),
            limits(&[
                ("share.delivery.count.limit", "7"),
                ("share.record.lock.duration.ms", "15000"),
                ("share.partition.max.record.locks", "100"),
                ("share.renew.acknowledge.enable", "false"),
                ("share.isolation.level", "read_committed"),
            ]),
        );
        assert_eq!(broker.partition, SharePartitionConfig::default());
        assert_eq!((broker.isolation, broker.reset), (Isolation::ReadUncommitted, Reset::Latest));
        let expected = SharePartitionConfig {
            max_record_locks: 100,
            delivery_count_limit: 7,
            record_lock_duration_ms: 15_000,
            renew_enabled: false,
        };
        assert_eq!((group.partition, group.isolation), (expected, Isolation::ReadCommitted));
    }

    #[test]
    fn where_a_group_begins() {
        let cases = [
            ("earliest", Reset::Earliest),
            ("latest", Reset::Latest),
            ("by_duration:PT1H", Reset::ByDuration(3_600_000)),
            ("by_duration:PT1,5S", Reset::ByDuration(1500)),
            ("by_duration:P2DT3M4.5S", Reset::ByDuration(2 * 86_400_000 + 3 * 60_000 + 4500)),
        ];
        for (value, expected) in cases {
            assert_eq!(limits(&[("share.auto.offset.reset", value)]).reset, expected, "{value}");
        }
        for wrong in ["", "1H", "P", "PT", "P1H", "PT1D", "PTH"] {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }
}
