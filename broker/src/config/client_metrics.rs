//! What may be set on a client metrics subscription (Kafka: ClientMetricsConfigs; KIP-714). The messages are Kafka's.

use std::collections::BTreeMap;

use super::key::Scope;
use super::table::table;
use super::value::{check_as_kafka, list};

/// What a pattern may match by (Kafka: ClientMetricsConfigs.isValidParam).
const PARAMETERS: [&str; 6] = [
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Why a subscription may not have configs.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// INVALID_REQUEST.
    Request(String),
    /// INVALID_CONFIG.
    Config(String),
}

/// Whether a subscription may have these configs, all that are set on it together.
///
/// # Errors
/// What is wrong, in Kafka's words.
pub fn check(configs: &BTreeMap<String, String>) -> Result<(), Refused> {
    if let Some(name) = configs.keys().find(|name| table().get(Scope::ClientMetrics, name).is_none()) {
        return Err(Refused::Request(format!("Unknown client metrics configuration: {name}")));
    }
    if let Some(text) = configs.get("interval.ms") {
        let key = table().get(Scope::ClientMetrics, "interval.ms").expect("the table has the key");
        if let (Err(_), Ok(interval)) = (check_as_kafka(key, text), text.trim().parse::<i32>()) {
            let limits = "interval must be between 100 and 3600000 (1 hour)";
            return Err(Refused::Request(format!("Invalid value {interval} for interval.ms, {limits}")));
        }
        check_as_kafka(key, text).map_err(Refused::Config)?;
    }
    let patterns = configs.get("match").map(String::as_str).unwrap_or_default();
    match list(patterns).into_iter().find(|pattern| !is_pattern(pattern)) {
        Some(pattern) => Err(Refused::Config(format!("Illegal client matching pattern: {pattern}"))),
        None => Ok(()),
    }
}

fn is_pattern(pattern: &str) -> bool {
    let mut parts = pattern.split('=');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(value), None) => {
            PARAMETERS.contains(&name.trim()) && !value.is_empty() && regex_lite::Regex::new(value.trim()).is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_rules_for_a_subscription() {
        let checked = |name: &str, value: &str| check(&[(name.to_owned(), value.to_owned())].into());
        assert_eq!(checked("interval.ms", "100"), Ok(()));
        assert_eq!(checked("match", "client_id=app.*, client_source_port=90[0-9]+"), Ok(()));
        let limits = "Invalid value 99 for interval.ms, interval must be between 100 and 3600000 (1 hour)";
        assert_eq!(checked("interval.ms", "99"), Err(Refused::Request(limits.to_owned())));
        assert!(matches!(checked("interval.ms", "x"), Err(Refused::Config(_))));
        let unknown = "Unknown client metrics configuration: x";
        assert_eq!(checked("x", "1"), Err(Refused::Request(unknown.to_owned())));
        for pattern in ["client_id", "client=a", "client_id=(", "client_id=a=b"] {
            let message = format!("Illegal client matching pattern: {pattern}");
            assert_eq!(checked("match", pattern), Err(Refused::Config(message)));
        }
    }
}
