//! Broker keys that may change at run time: which they are, and their values (Kafka: DynamicBrokerConfig).
//!
//! Kafka lets more keys change than these; what would change nothing here is refused as Kafka refuses a read-only key.

use std::collections::BTreeMap;

use super::key::{Effect, Key, Scope, UpdateMode};
use super::synonyms;
use super::table::table;

/// What is set at run time, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// For this broker.
    pub node: BTreeMap<String, String>,
    /// For all brokers.
    pub cluster: BTreeMap<String, String>,
}

impl Dynamic {
    /// The value of a key that is in force at run time, if one is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.node.get(name).or_else(|| self.cluster.get(name)).map(String::as_str)
    }
}

/// Whether these keys may be given these values at run time; `None` is a key that is taken back or changed as a list. The error is
/// Kafka's message.
///
/// # Errors
/// A key is not known as one that can change, or a value is not valid.
pub fn check(changes: &[(&str, Option<&str>)]) -> Result<(), String> {
    let fixed: Vec<&str> = changes.iter().map(|(name, _)| *name).filter(|name| !is_dynamic(name)).collect();
    if !fixed.is_empty() {
        return Err(format!("Cannot update these configs dynamically: [{}]", fixed.join(", ")));
    }
    for (name, value) in changes {
        let key = table().get(Scope::Broker, name).expect("only keys of the table can change");
        if let Some(value) = value
            && let Err(allowed) = super::value::check(key, value)
        {
            return Err(format!("Invalid value {value} for configuration {name}: {allowed} is expected"));
        }
    }
    Ok(())
}

/// The keys behind configs of topics, which Kafka calls cluster-wide, as far as they do something here; and those of the cleaner.
fn is_dynamic(name: &str) -> bool {
    let Some(key) = table().get(Scope::Broker, name) else { return false };
    key.effect == Effect::Used
        && key.update_mode == UpdateMode::ClusterWide
        && (is_topic_default(name) || is_cleaner(name) || is_connection_limit(name))
}

fn is_topic_default(name: &str) -> bool {
    let behind = |key: &Key| synonyms::of_topic_key(key.name).iter().any(|(synonym, _)| *synonym == name);
    table().scope(Scope::Topic).any(behind)
}

fn is_connection_limit(name: &str) -> bool {
    // The hosts of the overrides are looked up at the start.
    name.starts_with("max.connection") && name != "max.connections.per.ip.overrides"
}

fn is_cleaner(name: &str) -> bool {
    // How many threads there are is settled at the start.
    name.starts_with("log.cleaner.") && name != "log.cleaner.threads"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_acts_at_run_time_can_be_set() {
        assert_eq!(check(&[("log.retention.ms", Some("5")), ("log.segment.bytes", None)]), Ok(()));
        let fixed = check(&[("log.dirs", Some("/x")), ("log.retention.ms", Some("5")), ("no.such.key", None)]);
        assert_eq!(fixed, Err("Cannot update these configs dynamically: [log.dirs, no.such.key]".to_owned()));
        let bad = check(&[("log.retention.ms", Some("soon"))]);
        assert!(bad.unwrap_err().starts_with("Invalid value soon for configuration log.retention.ms: "));
        // Dynamic in Kafka, where it means something.
        assert!(check(&[("num.io.threads", Some("5"))]).is_err());
        assert_eq!(check(&[("log.cleaner.backoff.ms", Some("5"))]), Ok(()));
        assert!(check(&[("log.cleaner.threads", Some("5"))]).is_err());
    }
}
