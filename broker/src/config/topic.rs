//! What a topic has for a key that it does not override: the broker's keys, in Kafka's order, else the default.
//!
//! Which overrides a topic may have, and what is in force for it, is decided in `forebay_control::metadata`.

use std::borrow::Cow;

use super::key::Key;
use super::synonyms;
use super::values::Values;

/// The value of a topic key as the broker's keys set it; `None` is null.
#[must_use]
pub fn broker_default<'a>(broker: &'a Values, key: &Key) -> Option<Cow<'a, str>> {
    for &(synonym, unit) in synonyms::of_topic_key(key.name) {
        let Some(text) = broker.text(synonym) else { continue };
        if unit == 1 {
            return Some(Cow::Borrowed(text));
        }
        // Kafka (AbstractKafkaConfig.logRetentionTimeMillis): every negative retention is -1.
        let value = text.parse::<i64>().unwrap_or(-1);
        return Some(Cow::Owned(if value < 0 { -1 } else { value.saturating_mul(unit) }.to_string()));
    }
    key.default.map(Cow::Borrowed)
}
