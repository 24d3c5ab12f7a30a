//! What may be set on a single group (Kafka: GroupConfig.validate). The messages are Kafka's.

use std::collections::BTreeMap;

use super::key::Scope;
use super::table::table;
use super::value::check_as_kafka;
use super::values::Values;

/// Keys that stand between bounds of the broker: of a kind of groups, without its name. A bound that the broker's table does not have is none.
const BOUNDED: &[(&str, &[&str])] = &[
    ("consumer", &["heartbeat.interval.ms", "session.timeout.ms", "assignment.interval.ms"]),
    (
        "share",
        &[
            "heartbeat.interval.ms",
            "session.timeout.ms",
            "record.lock.duration.ms",
            "delivery.count.limit",
            "partition.max.record.locks",
            "assignment.interval.ms",
        ],
    ),
    ("streams", &["heartbeat.interval.ms", "session.timeout.ms", "num.standby.replicas", "assignment.interval.ms"]),
];

/// Where a new share group starts.
const AUTO_OFFSET_RESET: &str = "share.auto.offset.reset";

/// Kafka: ShareGroupAutoOffsetResetStrategy.Validator; the time as Java's `Duration.parse` reads it, not below zero.
fn check_reset(value: &str) -> Result<(), String> {
    const DURATION: &str = r"^(?i)P(\d+D)?(T(\d+H)?(\d+M)?(\d+([.,]\d{0,9})?S)?)?$";
    let is_duration = |text: &str| {
        let form = regex_lite::Regex::new(DURATION).expect("the pattern is a pattern");
        form.is_match(text) && text.ends_with(|c: char| c.is_ascii_alphabetic() && !"PpTt".contains(c))
    };
    if ["earliest", "latest"].contains(&value) || value.strip_prefix("by_duration:").is_some_and(is_duration) {
        return Ok(());
    }
    let start = format!("Invalid value {value} for configuration {AUTO_OFFSET_RESET}");
    Err(format!(
        "{start}: Invalid value `{value}` for configuration {AUTO_OFFSET_RESET}. The value must be either 'earliest', 'latest' or \
         of the format 'by_duration:<PnDTnHnMn.nS>'."
    ))
}

/// Whether a group may have these configs, all that are set on it together.
///
/// # Errors
/// What is wrong, in Kafka's words where Kafka has some.
pub fn check(configs: &BTreeMap<String, String>, broker: &Values) -> Result<(), String> {
    let key = |name: &str| table().get(Scope::Group, name);
    if let Some(name) = configs.keys().find(|name| key(name).is_none()) {
        return Err(format!("Unknown group config name: {name}"));
    }
    for (name, value) in configs {
        key(name).map_or(Ok(()), |key| check_as_kafka(key, value))?;
        if name == AUTO_OFFSET_RESET {
            check_reset(value.trim())?;
        }
    }
    for (kind, names) in BOUNDED {
        for name in *names {
            check_bounds(kind, name, configs, broker)?;
        }
    }
    for (kind, _) in BOUNDED {
        let [session, heartbeat] = ["session.timeout.ms", "heartbeat.interval.ms"]
            .map(|name| value(&format!("{kind}.{name}"), configs, broker));
        if session <= heartbeat {
            return Err(format!("{kind}.session.timeout.ms must be greater than {kind}.heartbeat.interval.ms"));
        }
    }
    Ok(())
}

/// The number in force: what is set on the group, else what the broker has, else the default.
fn value(name: &str, configs: &BTreeMap<String, String>, broker: &Values) -> Option<i64> {
    let default = || match broker.text(&format!("group.{name}")) {
        Some(text) => Some(text),
        None => table().get(Scope::Group, name)?.default,
    };
    configs.get(name).map(String::as_str).or_else(default)?.trim().parse().ok()
}

fn check_bounds(kind: &str, name: &str, configs: &BTreeMap<String, String>, broker: &Values) -> Result<(), String> {
    let Some(value) = value(&format!("{kind}.{name}"), configs, broker) else { return Ok(()) };
    let bound = |which: &str| {
        let key = format!("group.{kind}.{which}.{name}");
        let number: i64 = broker.text(&key)?.parse().ok()?;
        Some((key, number))
    };
    match (bound("min"), bound("max")) {
        (Some((key, least)), _) if value < least => {
            Err(format!("{kind}.{name} must be greater than or equal to {key}"))
        }
        // The name of this one bound is of another form.
        (_, Some((key, most))) if value > most => Err(format!("{kind}.{name} must be less than or equal to {key}")),
        _ if name == "num.standby.replicas" => {
            let key = format!("group.{kind}.max.standby.replicas");
            match broker.text(&key).and_then(|most| most.parse::<i64>().ok()) {
                Some(most) if value > most => Err(format!("{kind}.{name} must be less than or equal to {key}")),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(configs: &[(&str, &str)]) -> Result<(), String> {
        let configs = configs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check(&configs, &Values::default())
    }

    #[test]
    fn kafka_s_rules_for_a_group() {
        assert_eq!(checked(&[]), Ok(()));
        assert_eq!(
            checked(&[("consumer.session.timeout.ms", "60000"), ("share.isolation.level", "read_committed")]),
            Ok(())
        );
        assert_eq!(
            checked(&[("share.auto.offset.reset", "by_duration:PT1H"), ("streams.num.standby.replicas", "2")]),
            Ok(())
        );
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
            ("share.session.timeout.ms", "60001", "must be less than or equal to group.share.max.session.timeout.ms"),
            ("share.record.lock.duration.ms", "14999", "or equal to group.share.min.record.lock.duration.ms"),
            ("share.delivery.count.limit", "11", "must be less than or equal to group.share.max.delivery.count.limit"),
            ("share.delivery.count.limit", "1", "Value must be at least 2"),
            ("share.renew.acknowledge.enable", "yes", "Expected value to be either true or false"),
            ("share.isolation.level", "read", "String must be one of: read_committed, read_uncommitted"),
            ("share.auto.offset.reset", "never", "of the format 'by_duration:<PnDTnHnMn.nS>'."),
            ("share.auto.offset.reset", "by_duration:PT", "Invalid value `by_duration:PT`"),
            ("share.auto.offset.reset", "by_duration:PT-1S", "Invalid value `by_duration:PT-1S`"),
            ("streams.num.standby.replicas", "3", "must be less than or equal to group.streams.max.standby.replicas"),
        ];
        for (name, value, expected) in cases {
            let message = checked(&[(name, value)]).unwrap_err();
            assert!(message.contains(expected), "{name}={value}: {message}");
        }
    }
}
