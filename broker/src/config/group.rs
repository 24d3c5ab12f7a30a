//! What may be set on a single group (Kafka: GroupConfig.validate). The messages are Kafka's.

use std::collections::BTreeMap;

use super::key::Scope;
use super::settings::ConsumerGroupSettings;
use super::table::table;

/// Whether a group may have these configs, all that are set on it together.
///
/// # Errors
/// What is wrong, in Kafka's words where Kafka has some.
pub fn check(configs: &BTreeMap<String, String>, broker: &ConsumerGroupSettings) -> Result<(), String> {
    for name in configs.keys() {
        if table().get(Scope::Group, name).is_none() {
            return Err(format!("Unknown group config name: {name}"));
        }
        if !name.starts_with("consumer.") {
            return Err(format!("{name} would do nothing here: there are no share groups and no streams groups"));
        }
    }
    let heartbeat = interval(configs, "consumer.heartbeat.interval.ms", 1, broker.heartbeat_interval_ms)?;
    let session = interval(configs, "consumer.session.timeout.ms", 1, broker.session_timeout_ms)?;
    let assignment = interval(configs, "consumer.assignment.interval.ms", 0, broker.assignment_interval_ms)?;
    let bounds = [
        ("heartbeat.interval.ms", heartbeat, broker.min_heartbeat_interval_ms, broker.max_heartbeat_interval_ms),
        ("session.timeout.ms", session, broker.min_session_timeout_ms, broker.max_session_timeout_ms),
        ("assignment.interval.ms", assignment, broker.min_assignment_interval_ms, broker.max_assignment_interval_ms),
    ];
    for (name, value, least, most) in bounds {
        if value < least {
            return Err(format!("consumer.{name} must be greater than or equal to group.consumer.min.{name}"));
        }
        if value > most {
            return Err(format!("consumer.{name} must be less than or equal to group.consumer.max.{name}"));
        }
    }
    if session <= heartbeat {
        return Err("consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms".to_owned());
    }
    Ok(())
}

/// Kafka: ConfigDef.parseType, ConfigDef.Range.
fn interval(configs: &BTreeMap<String, String>, name: &str, least: i32, default: i32) -> Result<i32, String> {
    let Some(text) = configs.get(name) else { return Ok(default) };
    let refused = |reason: String| format!("Invalid value {text} for configuration {name}: {reason}");
    let value = text.trim().parse().map_err(|_| refused("Not a number of type INT".to_owned()))?;
    if value < least { Err(refused(format!("Value must be at least {least}"))) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn checked(configs: &[(&str, &str)]) -> Result<(), String> {
        let defaults = ConsumerGroupSettings::read(|name| {
            table().get(Scope::Broker, name).and_then(|key| key.default).map(Cow::Borrowed)
        });
        let configs = configs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check(&configs, &defaults)
    }

    #[test]
    fn kafka_s_rules_for_a_group() {
        assert_eq!(checked(&[]), Ok(()));
        assert_eq!(checked(&[("consumer.session.timeout.ms", "60000")]), Ok(()));
        let cases = [
            (
                "consumer.session.timeout.ms",
                "60001",
                "must be less than or equal to group.consumer.max.session.timeout.ms",
            ),
            ("consumer.session.timeout.ms", "44999", "must be greater than or equal to group.consumer.min."),
            ("consumer.heartbeat.interval.ms", "4999", "must be greater than or equal to group.consumer.min."),
            ("consumer.heartbeat.interval.ms", "x", "Invalid value x for configuration"),
            ("consumer.heartbeat.interval.ms", "0", "Value must be at least 1"),
            ("no.such.key", "1", "Unknown group config name: no.such.key"),
            ("share.session.timeout.ms", "50000", "no share groups"),
        ];
        for (name, value, expected) in cases {
            let message = checked(&[(name, value)]).unwrap_err();
            assert!(message.contains(expected), "{name}={value}: {message}");
        }
    }
}
