//! The table of topic configs: name, type, Kafka's default, rule, and the server's keys behind it
//! (Kafka: LogConfig, ServerTopicConfigSynonyms).

use super::entry::ConfigType::{self, Boolean, Double, Int, List, Long, String};
use super::rule::Rule::{self, Any, AtLeast, Between, GzipLevel, ItemsOf, OneOf, Ratio, Throttled};

/// One topic config.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub config_type: ConfigType,
    /// Kafka's default, as text.
    pub default: &'static str,
    /// What values it may have.
    pub rule: Rule,
    /// The server's keys that set it, the strongest first, each with the number of milliseconds (or 1) that its unit stands for.
    pub synonyms: &'static [(&'static str, i64)],
}

const fn row(
    name: &'static str,
    config_type: ConfigType,
    default: &'static str,
    rule: Rule,
    synonyms: &'static [(&'static str, i64)],
) -> Definition {
    Definition { name, config_type, default, rule, synonyms }
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const FOREVER: &str = "9223372036854775807";

/// All topic configs of Kafka 4.3, by name.
#[rustfmt::skip] // One row a line reads as the table it is.
pub const TOPIC_CONFIGS: &[Definition] = &[
    row("cleanup.policy", List, "delete", ItemsOf(&["compact", "delete"]), &[("log.cleanup.policy", 1)]),
    row("compression.gzip.level", Int, "-1", GzipLevel, &[("compression.gzip.level", 1)]),
    row("compression.lz4.level", Int, "9", Between(1, 17), &[("compression.lz4.level", 1)]),
    row("compression.type", String, "producer", OneOf(CODECS), &[("compression.type", 1)]),
    row("compression.zstd.level", Int, "3", Between(-131_072, 22), &[("compression.zstd.level", 1)]),
    row("delete.retention.ms", Long, "86400000", AtLeast(0), &[("log.cleaner.delete.retention.ms", 1)]),
    row("file.delete.delay.ms", Long, "60000", AtLeast(0), &[("log.segment.delete.delay.ms", 1)]),
    row("flush.messages", Long, FOREVER, AtLeast(1), &[("log.flush.interval.messages", 1)]),
    row("flush.ms", Long, FOREVER, AtLeast(0), &[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)]),
    row("follower.replication.throttled.replicas", List, "", Throttled, &[]),
    row("index.interval.bytes", Int, "4096", AtLeast(0), &[("log.index.interval.bytes", 1)]),
    row("leader.replication.throttled.replicas", List, "", Throttled, &[]),
    row("local.retention.bytes", Long, "-2", AtLeast(-2), &[("log.local.retention.bytes", 1)]),
    row("local.retention.ms", Long, "-2", AtLeast(-2), &[("log.local.retention.ms", 1)]),
    row("max.compaction.lag.ms", Long, FOREVER, AtLeast(1), &[("log.cleaner.max.compaction.lag.ms", 1)]),
    row("max.message.bytes", Int, "1048588", AtLeast(0), &[("message.max.bytes", 1)]),
    row("message.timestamp.after.max.ms", Long, "3600000", AtLeast(0), &[("log.message.timestamp.after.max.ms", 1)]),
    row("message.timestamp.before.max.ms", Long, FOREVER, AtLeast(0), &[("log.message.timestamp.before.max.ms", 1)]),
    row("message.timestamp.type", String, "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), &[("log.message.timestamp.type", 1)]),
    row("min.cleanable.dirty.ratio", Double, "0.5", Ratio, &[("log.cleaner.min.cleanable.ratio", 1)]),
    row("min.compaction.lag.ms", Long, "0", AtLeast(0), &[("log.cleaner.min.compaction.lag.ms", 1)]),
    row("min.insync.replicas", Int, "1", AtLeast(1), &[("min.insync.replicas", 1)]),
    row("preallocate", Boolean, "false", Any, &[("log.preallocate", 1)]),
    row("remote.log.copy.disable", Boolean, "false", Any, &[]),
    row("remote.log.delete.on.disable", Boolean, "false", Any, &[]),
    row("remote.storage.enable", Boolean, "false", Any, &[]),
    row("retention.bytes", Long, "-1", Any, &[("log.retention.bytes", 1)]),
    row("retention.ms", Long, "604800000", AtLeast(-1), &[("log.retention.ms", 1), ("log.retention.minutes", MINUTE), ("log.retention.hours", HOUR)]),
    row("segment.bytes", Int, "1073741824", AtLeast(1_048_576), &[("log.segment.bytes", 1)]),
    row("segment.index.bytes", Int, "10485760", AtLeast(4), &[("log.index.size.max.bytes", 1)]),
    row("segment.jitter.ms", Long, "0", AtLeast(0), &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR)]),
    row("segment.ms", Long, "604800000", AtLeast(1), &[("log.roll.ms", 1), ("log.roll.hours", HOUR)]),
    row("unclean.leader.election.enable", Boolean, "false", Any, &[("unclean.leader.election.enable", 1)]),
];

/// The row of a config.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    TOPIC_CONFIGS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_every_default_obeys_its_rule() {
        assert!(TOPIC_CONFIGS.is_sorted_by_key(|row| row.name));
        for row in TOPIC_CONFIGS {
            assert_eq!(row.rule.check(row, row.default), Ok(()), "{}", row.name);
        }
    }
}
