//! The configuration in force for one topic: its own overrides, else the broker's keys, else the defaults.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::key::{Effect, Key, Scope};
use super::synonyms;
use super::table::table;
use super::value;
use super::values::{Values, settings};

settings! {
    /// All keys of a topic that are used, with Kafka's meaning.
    pub struct TopicConfig {
        /// `compact`, `delete`, both or none.
        cleanup_policy: Vec<String> = "cleanup.policy",
        /// `producer`, `uncompressed`, or a codec's name.
        compression_type: String = "compression.type",
        /// -1 is the codec's default.
        compression_gzip_level: i32 = "compression.gzip.level",
        /// 1 to 17.
        compression_lz4_level: i32 = "compression.lz4.level",
        /// Negative levels are fast ones.
        compression_zstd_level: i32 = "compression.zstd.level",
        /// Milliseconds a compacted topic keeps tombstones.
        delete_retention_ms: i64 = "delete.retention.ms",
        /// Milliseconds between taking a segment away and deleting its file.
        file_delete_delay_ms: i64 = "file.delete.delay.ms",
        /// Records between forced syncs.
        flush_messages: i64 = "flush.messages",
        /// Milliseconds between forced syncs.
        flush_ms: i64 = "flush.ms",
        /// Bytes between entries of the offset index.
        index_interval_bytes: i32 = "index.interval.bytes",
        /// Milliseconds a record may stay uncompacted.
        max_compaction_lag_ms: i64 = "max.compaction.lag.ms",
        /// Bytes of the largest batch.
        max_message_bytes: i32 = "max.message.bytes",
        /// Milliseconds a record may be ahead of the clock.
        message_timestamp_after_max_ms: i64 = "message.timestamp.after.max.ms",
        /// Milliseconds a record may be behind the clock.
        message_timestamp_before_max_ms: i64 = "message.timestamp.before.max.ms",
        /// `CreateTime` or `LogAppendTime`.
        message_timestamp_type: String = "message.timestamp.type",
        /// 0 to 1.
        min_cleanable_dirty_ratio: f64 = "min.cleanable.dirty.ratio",
        /// Milliseconds a record is safe from compaction.
        min_compaction_lag_ms: i64 = "min.compaction.lag.ms",
        /// In-sync replicas that acks=all needs.
        min_insync_replicas: i32 = "min.insync.replicas",
        /// Reserve whole segment files.
        preallocate: bool = "preallocate",
        /// Bytes of a partition kept; -1 is all.
        retention_bytes: i64 = "retention.bytes",
        /// Milliseconds kept by record timestamps; -1 is for ever.
        retention_ms: i64 = "retention.ms",
        /// Bytes of a segment.
        segment_bytes: i32 = "segment.bytes",
        /// Bytes of an index file.
        segment_index_bytes: i32 = "segment.index.bytes",
        /// Milliseconds taken off `segment_ms` at random.
        segment_jitter_ms: i64 = "segment.jitter.ms",
        /// Milliseconds after which a segment is rolled.
        segment_ms: i64 = "segment.ms",
    }
}

impl TopicConfig {
    /// The configuration of a topic with these overrides; those that `check` refuses must not be among them.
    #[must_use]
    pub fn resolve(broker: &Values, overrides: &BTreeMap<String, String>) -> Self {
        let text = |name: &'static str| match overrides.get(name) {
            Some(value) => Some(Cow::Borrowed(value.trim())),
            None => broker_default(broker, table().get(Scope::Topic, name)?),
        };
        Self::read(text)
    }

    /// Whether old segments are deleted.
    #[must_use]
    pub fn deletes(&self) -> bool {
        self.cleanup_policy.iter().any(|policy| policy == "delete")
    }

    /// Whether the newest record of each key is kept.
    #[must_use]
    pub fn compacts(&self) -> bool {
        self.cleanup_policy.iter().any(|policy| policy == "compact")
    }
}

/// What a topic has for a key that it does not override; `None` is null.
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

/// Checks the overrides of a topic, as CreateTopics and AlterConfigs send them (Kafka: `LogConfig.validate`).
///
/// # Errors
/// The message of an INVALID_CONFIG answer: an unknown name, a bad value, or two that contradict each other.
pub fn check(broker: &Values, overrides: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, text) in overrides {
        let Some(key) = table().get(Scope::Topic, name) else {
            let hint = table().nearest(Scope::Topic, name).map(|near| format!("; did you mean {near}?"));
            return Err(format!("Unknown topic config name: {name}{}", hint.unwrap_or_default()));
        };
        value::check(key, text)
            .map_err(|allowed| format!("Invalid value {text} for configuration {name}: {allowed} is expected"))?;
    }
    let config = TopicConfig::resolve(broker, overrides);
    if config.max_compaction_lag_ms < config.min_compaction_lag_ms {
        return Err(format!(
            "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
            config.min_compaction_lag_ms, config.max_compaction_lag_ms
        ));
    }
    Ok(())
}

/// The overrides that are accepted and change nothing here.
#[must_use]
pub fn meaningless(overrides: &BTreeMap<String, String>) -> Vec<&'static str> {
    let rows = overrides.keys().filter_map(|name| table().get(Scope::Topic, name));
    rows.filter(|key| key.effect == Effect::Meaningless).map(|key| key.name).collect()
}
