//! Whether a text is a value of a key: its type, then what the key allows.
//!
//! The column `allowed` is a list of alternatives: numbers and ranges (`-1,1..9`, `0..`), or one of `in(a,b)`,
//! `ci(a,b)` (in any case), `list(a,b)` (each element), `throttled` and `reset`.

use super::key::{Key, KeyType};

/// Checks a value for a key; the error says what is allowed.
///
/// # Errors
/// A sentence fragment such as `a whole number of at least 1`.
pub fn check(key: &Key, text: &str) -> Result<(), String> {
    let text = text.trim();
    let fits = match key.key_type {
        KeyType::Boolean => parse_bool(text).is_some(),
        KeyType::Int => whole(text, i64::from(i32::MIN), i64::from(i32::MAX)).is_some_and(|n| number_allowed(key, n)),
        KeyType::Short => whole(text, i64::from(i16::MIN), i64::from(i16::MAX)).is_some_and(|n| number_allowed(key, n)),
        KeyType::Long => whole(text, i64::MIN, i64::MAX).is_some_and(|n| number_allowed(key, n)),
        KeyType::Double => text.parse::<f64>().is_ok_and(|n| !n.is_nan() && fraction_allowed(key, n)),
        KeyType::List => list(text).iter().all(|element| word_allowed(key.allowed, element)),
        KeyType::String => word_allowed(key.allowed, text),
        KeyType::Class | KeyType::Password => true,
    };
    if fits { Ok(()) } else { Err(describe_allowed(key)) }
}

/// As [`check`], in the words that Kafka has for it (Kafka: ConfigDef.parseType and its validators).
///
/// # Errors
/// `Invalid value V for configuration K: ...`.
pub fn check_as_kafka(key: &Key, text: &str) -> Result<(), String> {
    let Err(allowed) = check(key, text) else { return Ok(()) };
    let text = text.trim();
    if key.allowed == "reset" {
        return Ok(()); // `group::check` has Kafka's words for it.
    }
    let refused =
        |value: &str, reason: &str| Err(format!("Invalid value {value} for configuration {}: {reason}", key.name));
    let number = |kind: &str, fits: bool| match (fits, beyond(key, text)) {
        (true, Some(reason)) => refused(text, &reason),
        _ => refused(text, &format!("Not a number of type {kind}")),
    };
    let words = call(key.allowed, "in").or_else(|| call(key.allowed, "ci")).or_else(|| call(key.allowed, "list"));
    match (key.key_type, words) {
        (KeyType::Boolean, _) => refused(text, "Expected value to be either true or false"),
        (KeyType::Int, _) => number("INT", text.parse::<i32>().is_ok()),
        (KeyType::Short, _) => number("SHORT", text.parse::<i16>().is_ok()),
        (KeyType::Long, _) => number("LONG", text.parse::<i64>().is_ok()),
        (KeyType::Double, _) => number("DOUBLE", text.parse::<f64>().is_ok()),
        (_, Some(words)) => {
            let wrong = list(text).into_iter().find(|word| !word_allowed(key.allowed, word)).unwrap_or(text);
            refused(wrong, &format!("String must be one of: {}", words.replace(',', ", ")))
        }
        _ => refused(text, &allowed),
    }
}

/// Why a number is none of those that a key allows.
fn beyond(key: &Key, text: &str) -> Option<String> {
    let value: f64 = text.parse().ok()?;
    let mut all = ranges(key.allowed);
    let (first, second) = (all.next()?, all.next());
    if second.is_some() {
        // The one key of this kind is the level of gzip.
        return Some("Value must be between 1 and 9 or equal to -1".to_owned());
    }
    match first {
        (Some(low), _) if low.parse::<f64>().is_ok_and(|low| value < low) => {
            Some(format!("Value must be at least {low}"))
        }
        (_, Some(high)) if high.parse::<f64>().is_ok_and(|high| value > high) => {
            Some(format!("Value must be no more than {high}"))
        }
        _ => None,
    }
}

/// The elements of a list value (Kafka: `ConfigDef.parseType` for LIST).
#[must_use]
pub fn list(text: &str) -> Vec<&str> {
    let text = text.trim();
    if text.is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() }
}

/// A boolean value, in any case.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// What a key allows, in words.
#[must_use]
pub fn describe_allowed(key: &Key) -> String {
    let words = |list: &str| list.split(',').collect::<Vec<_>>().join(", ");
    if let Some(inner) = call(key.allowed, "in").or_else(|| call(key.allowed, "ci")) {
        return format!("one of {}", words(inner));
    }
    if let Some(inner) = call(key.allowed, "list") {
        return format!("a list of {}", words(inner));
    }
    match (key.allowed, key.key_type) {
        ("throttled", _) => "`*` or a list of partition:broker".to_owned(),
        ("reset", _) => "earliest, latest or by_duration:<ISO 8601 duration>".to_owned(),
        (_, KeyType::Boolean) => "true or false".to_owned(),
        ("", KeyType::Int) => "a whole number of 32 bits".to_owned(),
        ("", KeyType::Short) => "a whole number of 16 bits".to_owned(),
        ("", KeyType::Long) => "a whole number of 64 bits".to_owned(),
        ("", KeyType::Double) => "a number".to_owned(),
        (ranges, KeyType::Double) => format!("a number {}", describe_ranges(ranges)),
        ("", other) => format!("a {}", other.name()),
        (ranges, _) => format!("a whole number {}", describe_ranges(ranges)),
    }
}

fn describe_ranges(ranges: &str) -> String {
    let parts: Vec<String> = ranges
        .split(',')
        .map(|range| match range.split_once("..") {
            None => range.to_owned(),
            Some((low, "")) => format!("of at least {low}"),
            Some((low, high)) => format!("from {low} to {high}"),
        })
        .collect();
    parts.join(" or ")
}

/// A whole number as Java reads it: an optional sign, then digits, nothing else.
fn whole(text: &str, low: i64, high: i64) -> Option<i64> {
    text.parse::<i64>().ok().filter(|n| (low..=high).contains(n))
}

fn number_allowed(key: &Key, n: i64) -> bool {
    ranges(key.allowed).any(|(low, high)| {
        low.is_none_or(|low| low.parse::<i64>().is_ok_and(|low| n >= low))
            && high.is_none_or(|high| high.parse::<i64>().is_ok_and(|high| n <= high))
    })
}

fn fraction_allowed(key: &Key, n: f64) -> bool {
    ranges(key.allowed).any(|(low, high)| {
        low.is_none_or(|low| low.parse::<f64>().is_ok_and(|low| n >= low))
            && high.is_none_or(|high| high.parse::<f64>().is_ok_and(|high| n <= high))
    })
}

/// The alternatives of a numeric `allowed` as (low, high); an empty one is everything.
fn ranges(allowed: &str) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
    let bound = |text: &'_ str| -> bool { !text.is_empty() };
    allowed.split(',').map(move |range| match range.split_once("..") {
        Some((low, high)) => (Some(low).filter(|t| bound(t)), Some(high).filter(|t| bound(t))),
        None if range.is_empty() => (None, None),
        None => (Some(range), Some(range)),
    })
}

fn word_allowed(allowed: &str, word: &str) -> bool {
    if let Some(inner) = call(allowed, "in").or_else(|| call(allowed, "list")) {
        return inner.split(',').any(|choice| choice == word);
    }
    if let Some(inner) = call(allowed, "ci") {
        return inner.split(',').any(|choice| choice.eq_ignore_ascii_case(word));
    }
    match allowed {
        "throttled" => word == "*" || is_replica(word),
        "reset" => word == "earliest" || word == "latest" || word.starts_with("by_duration:"),
        _ => true,
    }
}

/// `partition:broker`, both whole numbers.
fn is_replica(word: &str) -> bool {
    word.split_once(':')
        .is_some_and(|(partition, broker)| partition.parse::<u32>().is_ok() && broker.parse::<u32>().is_ok())
}

/// The inside of `name(...)`.
fn call<'a>(allowed: &'a str, name: &str) -> Option<&'a str> {
    allowed.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::key::Scope;
    use crate::config::table::table;

    fn checked(name: &str, value: &str) -> Result<(), String> {
        let key = table().get(Scope::Topic, name).or_else(|| table().get(Scope::Broker, name)).unwrap();
        check(key, value)
    }

    #[test]
    fn kafka_s_rules_for_values() {
        for (name, good) in [
            ("compression.gzip.level", "-1"),
            ("compression.gzip.level", " 9 "),
            ("compression.lz4.level", "17"),
            ("cleanup.policy", "compact, delete"),
            ("cleanup.policy", ""),
            ("min.cleanable.dirty.ratio", "1"),
            ("auto.create.topics.enable", "TRUE"),
            ("retention.ms", "-1"),
            ("num.partitions", "+3"),
            ("leader.replication.throttled.replicas", "0:1,1:2"),
            ("leader.replication.throttled.replicas", "*"),
            ("group.consumer.migration.policy", "UPGRADE"),
            ("log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308"),
        ] {
            assert_eq!(checked(name, good), Ok(()), "{name}={good}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_allowed() {
        for (name, bad, allowed) in [
            ("compression.gzip.level", "0", "a whole number -1 or from 1 to 9"),
            ("num.partitions", "0", "a whole number of at least 1"),
            ("num.partitions", "many", "a whole number of at least 1"),
            ("num.partitions", "4294967296", "a whole number of at least 1"),
            ("auto.create.topics.enable", "yes", "true or false"),
            ("message.timestamp.type", "createtime", "one of CreateTime, LogAppendTime"),
            ("cleanup.policy", "remove", "a list of compact, delete"),
            ("min.cleanable.dirty.ratio", "1.5", "a number from 0 to 1"),
            ("offsets.topic.replication.factor", "40000", "a whole number of at least 1"),
            ("leader.replication.throttled.replicas", "0", "`*` or a list of partition:broker"),
        ] {
            assert_eq!(checked(name, bad), Err(allowed.to_owned()), "{name}={bad}");
        }
    }
}
