//! Which broker keys stand in for a topic's key, and for each other, in Kafka's order.
//!
//! Kafka: `ServerTopicConfigSynonyms` and `DynamicBrokerConfig.brokerConfigSynonyms`.

/// Milliseconds in one unit of a synonym's value.
type UnitMs = i64;

const MS: UnitMs = 1;
const MINUTE: UnitMs = 60_000;
const HOUR: UnitMs = 3_600_000;

/// The broker keys that give a topic key its default, best first, with the factor that turns their value into the
/// topic's; empty for the keys that exist on topics only.
#[must_use]
pub fn of_topic_key(name: &str) -> &'static [(&'static str, UnitMs)] {
    match name {
        "segment.bytes" => &[("log.segment.bytes", MS)],
        "segment.ms" => &[("log.roll.ms", MS), ("log.roll.hours", HOUR)],
        "segment.jitter.ms" => &[("log.roll.jitter.ms", MS), ("log.roll.jitter.hours", HOUR)],
        "segment.index.bytes" => &[("log.index.size.max.bytes", MS)],
        "flush.messages" => &[("log.flush.interval.messages", MS)],
        "flush.ms" => &[("log.flush.interval.ms", MS), ("log.flush.scheduler.interval.ms", MS)],
        "retention.bytes" => &[("log.retention.bytes", MS)],
        "retention.ms" => &[("log.retention.ms", MS), ("log.retention.minutes", MINUTE), ("log.retention.hours", HOUR)],
        "max.message.bytes" => &[("message.max.bytes", MS)],
        "index.interval.bytes" => &[("log.index.interval.bytes", MS)],
        "delete.retention.ms" => &[("log.cleaner.delete.retention.ms", MS)],
        "min.compaction.lag.ms" => &[("log.cleaner.min.compaction.lag.ms", MS)],
        "max.compaction.lag.ms" => &[("log.cleaner.max.compaction.lag.ms", MS)],
        "file.delete.delay.ms" => &[("log.segment.delete.delay.ms", MS)],
        "min.cleanable.dirty.ratio" => &[("log.cleaner.min.cleanable.ratio", MS)],
        "cleanup.policy" => &[("log.cleanup.policy", MS)],
        "unclean.leader.election.enable" => &[("unclean.leader.election.enable", MS)],
        "min.insync.replicas" => &[("min.insync.replicas", MS)],
        "compression.type" => &[("compression.type", MS)],
        "compression.gzip.level" => &[("compression.gzip.level", MS)],
        "compression.lz4.level" => &[("compression.lz4.level", MS)],
        "compression.zstd.level" => &[("compression.zstd.level", MS)],
        "preallocate" => &[("log.preallocate", MS)],
        "message.timestamp.type" => &[("log.message.timestamp.type", MS)],
        "message.timestamp.before.max.ms" => &[("log.message.timestamp.before.max.ms", MS)],
        "message.timestamp.after.max.ms" => &[("log.message.timestamp.after.max.ms", MS)],
        "local.retention.ms" => &[("log.local.retention.ms", MS)],
        "local.retention.bytes" => &[("log.local.retention.bytes", MS)],
        _ => &[],
    }
}

/// The broker keys that set the same thing as a broker key, best first; empty if it stands alone.
#[must_use]
pub fn of_broker_key(name: &str) -> &'static [&'static str] {
    match name {
        "log.roll.ms" | "log.roll.hours" => &["log.roll.ms", "log.roll.hours"],
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => &["log.roll.jitter.ms", "log.roll.jitter.hours"],
        // Only this way round: the scheduler's interval is not a name for the flush interval.
        "log.flush.interval.ms" => &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => {
            &["log.retention.ms", "log.retention.minutes", "log.retention.hours"]
        }
        _ => &[],
    }
}
