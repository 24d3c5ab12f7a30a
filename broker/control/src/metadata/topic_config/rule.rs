//! What values a config may have, with Kafka's messages (Kafka: ConfigDef.parseType and its validators).

use super::entry::ConfigType;
use super::table::Definition;

/// A rule on top of the type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Every value of the type.
    Any,
    /// A number not below.
    AtLeast(i64),
    /// A number within, both ends included.
    Between(i64, i64),
    /// A number from 0 to 1.
    Ratio,
    /// -1 or 1 to 9.
    GzipLevel,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of these words.
    ItemsOf(&'static [&'static str]),
    /// `*`, or a list of `partition:broker` (Kafka: ThrottledReplicaListValidator).
    Throttled,
}

impl Rule {
    /// Whether `text` is a value of `row`'s type that this rule admits; else Kafka's message.
    pub fn check(self, row: &Definition, text: &str) -> Result<(), String> {
        let text = text.trim();
        let refuse =
            |value: &str, reason: &str| Err(format!("Invalid value {value} for configuration {}: {reason}", row.name));
        match self {
            Rule::ItemsOf(words) => match raw_items(text).find(|item| !words.contains(item)) {
                Some("") => Err(format!("Configuration '{}' values must not be empty.", row.name)),
                Some(item) => refuse(item, &format!("String must be one of: {}", words.join(", "))),
                None => Ok(()),
            },
            Rule::Throttled if text != "*" && !raw_items(text).all(is_replica) => {
                let list: Vec<&str> = raw_items(text).collect();
                refuse(
                    &format!("[{}]", list.join(", ")),
                    &format!(
                        "{} must be the literal '*' or a list of replicas in the following format: \
                         [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                        row.name
                    ),
                )
            }
            _ => match self.reason(row.config_type, text) {
                Some(reason) => refuse(text, &reason),
                None => Ok(()),
            },
        }
    }

    /// What is wrong with `text`.
    fn reason(self, config_type: ConfigType, text: &str) -> Option<String> {
        match config_type {
            ConfigType::Int => match text.parse::<i32>() {
                Ok(number) => self.number_reason(i64::from(number)),
                Err(_) => Some("Not a number of type INT".to_owned()),
            },
            ConfigType::Long => match text.parse::<i64>() {
                Ok(number) => self.number_reason(number),
                Err(_) => Some("Not a number of type LONG".to_owned()),
            },
            ConfigType::Double => match text.parse::<f64>() {
                Ok(number) if number < 0.0 => Some("Value must be at least 0".to_owned()),
                Ok(number) if number > 1.0 => Some("Value must be no more than 1".to_owned()),
                Ok(number) if !number.is_nan() => None,
                _ => Some("Not a number of type DOUBLE".to_owned()),
            },
            ConfigType::Boolean if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") => {
                Some("Expected value to be either true or false".to_owned())
            }
            _ => self.text_reason(text),
        }
    }

    fn number_reason(self, number: i64) -> Option<String> {
        match self {
            Rule::AtLeast(least) | Rule::Between(least, _) if number < least => {
                Some(format!("Value must be at least {least}"))
            }
            Rule::Between(_, most) if number > most => Some(format!("Value must be no more than {most}")),
            Rule::GzipLevel if number != -1 && !(1..=9).contains(&number) => {
                Some("Value must be between 1 and 9 or equal to -1".to_owned())
            }
            _ => None,
        }
    }

    fn text_reason(self, text: &str) -> Option<String> {
        match self {
            Rule::OneOf(words) if !words.contains(&text) => {
                Some(format!("String must be one of: {}", words.join(", ")))
            }
            _ => None,
        }
    }
}

/// The items of a list as they are written, empty ones among them; none when nothing is written at all.
fn raw_items(text: &str) -> impl Iterator<Item = &str> {
    let nothing = text.trim().is_empty();
    text.split(',').map(str::trim).filter(move |_| !nothing)
}

/// The items of a list.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn is_replica(item: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    item.split_once(':').is_some_and(|(partition, broker)| digits(partition) && digits(broker))
}

#[cfg(test)]
mod tests {
    use super::super::table::definition;

    fn check(name: &str, value: &str) -> Result<(), String> {
        let row = definition(name).unwrap();
        row.rule.check(row, value)
    }

    #[test]
    fn good_values_pass() {
        for (name, value) in [
            ("retention.ms", "-1"),
            ("retention.ms", " 5 "),
            ("cleanup.policy", "compact,delete"),
            ("cleanup.policy", "compact, delete"),
            ("cleanup.policy", ""),
            ("compression.type", "zstd"),
            ("compression.zstd.level", "-131072"),
            ("compression.gzip.level", "9"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("preallocate", "TRUE"),
            ("leader.replication.throttled.replicas", "*"),
            ("leader.replication.throttled.replicas", "0:1,1:2"),
        ] {
            assert_eq!(check(name, value), Ok(()), "{name}={value}");
        }
    }

    #[test]
    fn bad_values_get_kafkas_messages() {
        // As LogConfig.validate of Kafka 4.3.1 answers.
        for (name, value, reason) in [
            ("retention.ms", "-2", "Value must be at least -1"),
            ("retention.ms", "soon", "Not a number of type LONG"),
            ("max.message.bytes", "3000000000", "Not a number of type INT"),
            ("segment.bytes", "1024", "Value must be at least 1048576"),
            ("cleanup.policy", "shred", "String must be one of: compact, delete"),
            ("message.timestamp.type", "createtime", "String must be one of: CreateTime, LogAppendTime"),
            ("compression.lz4.level", "18", "Value must be no more than 17"),
            ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
            ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
            ("preallocate", "yes", "Expected value to be either true or false"),
        ] {
            assert_eq!(check(name, value), Err(format!("Invalid value {value} for configuration {name}: {reason}")));
        }
        let throttled = "leader.replication.throttled.replicas";
        assert_eq!(
            check(throttled, "a,a"),
            Err(format!(
                "Invalid value [a, a] for configuration {throttled}: {throttled} must be the literal '*' or a list of replicas in \
                 the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            ))
        );
        assert!(check(throttled, "0:1:2").is_err());
        assert_eq!(
            check("cleanup.policy", "delete,"),
            Err("Configuration 'cleanup.policy' values must not be empty.".to_owned())
        );
        assert_eq!(
            check("cleanup.policy", "delete,none"),
            Err("Invalid value none for configuration cleanup.policy: String must be one of: compact, delete"
                .to_owned())
        );
    }
}
