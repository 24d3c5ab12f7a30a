//! Broker keys that may change at run time: which they are, and their values (Kafka: DynamicBrokerConfig).
//!
//! Every key that Kafka lets change is stored and shown; [`acts`] says which of them do something before the broker starts again.

use std::collections::BTreeMap;

use super::key::{Effect, Key, KeyType, Scope, UpdateMode};
use super::synonyms;
use super::table::table;
use super::value::{check_as_kafka, list};
use super::values::Values;

/// What is set at run time, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// For this broker.
    pub node: BTreeMap<String, String>,
    /// For all brokers.
    pub cluster: BTreeMap<String, String>,
}

impl Dynamic {
    /// The value of a key that is in force at run time, if one is set. A value that is not valid is none: whoever wrote it into the
    /// metadata, perhaps another broker, must not keep this one from its work.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let is_valid =
            |text: &&String| table().get(Scope::Broker, name).is_none_or(|key| check_as_kafka(key, text).is_ok());
        self.node.get(name).filter(is_valid).or_else(|| self.cluster.get(name).filter(is_valid)).map(|text| text.trim())
    }
}

/// Whether these may be all keys that are set at run time, for one broker or for all. `now` tells the value in force of a key. The
/// error is Kafka's message.
///
/// # Errors
/// A key cannot change, cannot change for all brokers, or its value is not valid.
pub fn check(
    next: &BTreeMap<String, String>,
    of_one: bool,
    now: impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let key = |name: &str| table().get(Scope::Broker, name);
    let refuse = |what: &str, wrong: &dyn Fn(&Key) -> bool| {
        let names = next.keys().filter(|name| key(name).is_some_and(wrong));
        let names: Vec<&str> = names.map(String::as_str).collect();
        if names.is_empty() { Ok(()) } else { Err(format!("{what}: [{}]", names.join(", "))) }
    };
    refuse("Cannot update these configs dynamically", &|key| key.is_read_only())?;
    refuse("These security configs can be dynamically updated only per-listener using the listener prefix", &|key| {
        is_of_listeners(key.name)
    })?;
    for (name, value) in next {
        if let Some(key) = key(name) {
            check_as_kafka(key, value)?;
            if key.key_type == KeyType::Class && key.default != Some(value.trim()) {
                let value = value.trim();
                return Err(format!(
                    "Invalid value {value} for configuration {name}: Class {value} could not be found."
                ));
            }
        }
    }
    if !of_one {
        refuse("Cannot update these configs at default cluster level, broker id must be specified", &|key| {
            key.update_mode == UpdateMode::PerBroker
        })?;
    }
    check_together(next, &now)?;
    for (name, value) in next {
        if let (Some(now), Ok(value)) = (now(name).and_then(|now| now.parse().ok()), value.trim().parse()) {
            check_threads(name, now, value).map_err(|reason| {
                let exception = "org.apache.kafka.common.config.ConfigException";
                format!("Invalid value {exception}: {reason} for configuration Invalid dynamic configuration")
            })?;
        }
    }
    Ok(())
}

/// What Kafka finds when it builds a whole configuration of them (Kafka: KafkaConfig.validateValues).
fn check_together(next: &BTreeMap<String, String>, now: &impl Fn(&str) -> Option<String>) -> Result<(), String> {
    const LEAST_BUFFER: i64 = 1 << 20;
    let value = |name: &str| next.get(name).cloned().or_else(|| now(name));
    let number = |name: &str| value(name).and_then(|text| text.trim().parse::<i64>().ok());
    let buffer = "log.cleaner.dedupe.buffer.size";
    if let (true, Some(bytes), Some(threads)) =
        (next.contains_key(buffer), number(buffer), number("log.cleaner.threads"))
        && bytes / threads.max(1) <= LEAST_BUFFER
    {
        return Err(format!("requirement failed: {buffer} must be at least 1MB per cleaner thread."));
    }
    if let Some(cordoned) = next.get("cordoned.log.dirs").filter(|dirs| dirs.trim() != "*") {
        let there = value("log.dirs").or_else(|| value("log.dir")).unwrap_or_default();
        let there = list(&there);
        let missing: Vec<&str> = list(cordoned).into_iter().filter(|dir| !there.contains(dir)).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(format!(
                "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing \
                 entries : {missing}"
            ));
        }
    }
    let overrides = next.get("max.connections.per.ip.overrides").map(String::as_str).unwrap_or_default();
    let counts = list(overrides).into_iter().filter_map(|entry| entry.rsplit_once(':'));
    match counts.map(|(_, count)| count.trim()).find(|count| count.parse::<i32>().is_err()) {
        Some(count) => Err(format!("For input string: \"{count}\"")),
        None => Ok(()),
    }
}

/// Kafka: DynamicSecurityConfigs: those of the channel, which every listener has for itself.
fn is_of_listeners(name: &str) -> bool {
    name.starts_with("ssl.") && table().get(Scope::Broker, name).is_some_and(|key| !key.is_read_only())
}

/// Threads change by a factor of two at the most (Kafka: DynamicThreadPool, LogCleaner).
fn check_threads(name: &str, now: i64, value: i64) -> Result<(), String> {
    const POOLS: [&str; 5] = [
        "num.io.threads",
        "num.network.threads",
        "num.replica.fetchers",
        "num.recovery.threads.per.data.dir",
        "background.threads",
    ];
    let (least, most) = (now / 2, now.saturating_mul(2));
    if name == "log.cleaner.threads" {
        if value < least {
            return Err(format!("Log cleaner threads cannot be reduced below half the current value {now}"));
        }
        if value > most {
            return Err(format!("Log cleaner threads cannot be increased to more than double the current value {now}"));
        }
    }
    if POOLS.contains(&name) {
        let start = format!("Dynamic thread count update validation failed for {name}={value}");
        if value < least {
            return Err(format!("{start}, value should be at least half the current value {now}"));
        }
        if value > most {
            return Err(format!("{start}, value should not be greater than double the current value {now}"));
        }
    }
    Ok(())
}

/// The value in force of a key.
#[must_use]
pub fn in_force<'a>(values: &'a Values, dynamic: &'a Dynamic, name: &str) -> Option<&'a str> {
    dynamic.get(name).or_else(|| values.text(name))
}

/// Whether a key that is set at run time does something before the broker starts again: the keys behind configs of topics, those
/// of the cleaner and of connections, and some others.
#[must_use]
pub fn acts(key: &Key) -> bool {
    key.effect == Effect::Used
        && !key.is_read_only()
        && (is_topic_default(key.name)
            || is_cleaner(key.name)
            || is_connection_limit(key.name)
            || OTHERS_THAT_ACT.contains(&key.name))
}

/// Keys that act at once and are of no family that does.
const OTHERS_THAT_ACT: [&str; 3] =
    ["producer.id.expiration.ms", "group.consumer.assignment.interval.ms", "group.share.assignment.interval.ms"];

fn is_topic_default(name: &str) -> bool {
    let behind = |key: &Key| synonyms::of_topic_key(key.name).iter().any(|(synonym, _)| *synonym == name);
    table().scope(Scope::Topic).any(behind)
}

fn is_connection_limit(name: &str) -> bool {
    name.starts_with("max.connection")
}

fn is_cleaner(name: &str) -> bool {
    name.starts_with("log.cleaner.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(of_one: bool, set: &[(&str, &str)]) -> Result<(), String> {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check(&set, of_one, |name| in_force(&Values::default(), &Dynamic::default(), name).map(str::to_owned))
    }

    #[test]
    fn kafkas_rules_for_what_changes_at_run_time() {
        assert_eq!(
            checked(true, &[("log.retention.ms", "5"), ("num.io.threads", "16"), ("a.plugins.key", "x")]),
            Ok(())
        );
        let wrong = [
            (true, "log.dirs", "/x", "Cannot update these configs dynamically: [log.dirs]"),
            (
                true,
                "log.retention.ms",
                "soon",
                "Invalid value soon for configuration log.retention.ms: Not a number of type LONG",
            ),
            (
                true,
                "message.max.bytes",
                "-1",
                "Invalid value -1 for configuration message.max.bytes: Value must be at least 0",
            ),
            (
                false,
                "listeners",
                "PLAINTEXT://:1",
                "Cannot update these configs at default cluster level, broker id must be specified: [listeners]",
            ),
            (
                true,
                "num.io.threads",
                "17",
                "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for \
                 num.io.threads=17, value should not be greater than double the current value 8 for configuration Invalid \
                 dynamic configuration",
            ),
            (
                true,
                "log.cleaner.dedupe.buffer.size",
                "1",
                "requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
            ),
            (true, "max.connections.per.ip.overrides", "a:1,b:x", "For input string: \"x\""),
        ];
        for (of_one, name, value, message) in wrong {
            assert_eq!(checked(of_one, &[(name, value)]), Err(message.to_owned()));
        }
    }

    /// A folder that was another broker's may hold anything.
    #[test]
    fn what_is_not_valid_is_not_in_force() {
        let mut dynamic = Dynamic::default();
        let mut set = |node: &str, cluster: &str| {
            dynamic.node.insert("max.connections".to_owned(), node.to_owned());
            dynamic.cluster.insert("max.connections".to_owned(), cluster.to_owned());
            dynamic.get("max.connections").map(str::to_owned)
        };
        assert_eq!(set(" 5 ", "7").as_deref(), Some("5"));
        assert_eq!(set("", "7").as_deref(), Some("7"));
        assert_eq!(set("many", ""), None);
        assert_eq!(dynamic.get("a.plugins.key"), None);
    }

    #[test]
    fn some_keys_act_at_once() {
        let acting = |name: &str| acts(table().get(Scope::Broker, name).unwrap());
        assert!(acting("producer.id.expiration.ms") && acting("group.share.assignment.interval.ms"));
        assert!(acting("log.retention.ms") && acting("log.cleaner.backoff.ms"));
        assert!(acting("log.cleaner.threads") && acting("max.connections.per.ip.overrides"));
        assert!(!acting("num.io.threads") && !acting("listeners"));
    }
}
