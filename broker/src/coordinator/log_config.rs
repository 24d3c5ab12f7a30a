//! From a topic's effective configs to how its logs are kept.

use forebay_control::metadata::MetadataMachine;
use forebay_storage::batch::TimestampType;
use forebay_storage::compress::{Compression, CompressionLevels};
use forebay_storage::log::{CompactionConfig, LogConfig};

use crate::partition::PartitionConfig;

/// The configuration of a topic's partitions. Values were checked when they were set; sizes are not negative.
pub fn partition_config(machine: &MetadataMachine, topic: &str, producer_id_expiration_ms: i64) -> PartitionConfig {
    let config = machine.topic_config(topic);
    let size = |name| usize::try_from(config.int(name)).unwrap_or(0);
    let log = LogConfig {
        segment_bytes: size("segment.bytes") as u64,
        segment_ms: config.long("segment.ms"),
        segment_jitter_ms: config.long("segment.jitter.ms"),
        segment_index_bytes: size("segment.index.bytes"),
        index_interval_bytes: size("index.interval.bytes"),
        retention_ms: config.long("retention.ms"),
        retention_bytes: config.long("retention.bytes"),
        delete: config.deletes(),
        compact: config.compacts(),
        compaction: CompactionConfig {
            min_cleanable_dirty_ratio: config.double("min.cleanable.dirty.ratio"),
            min_compaction_lag_ms: config.long("min.compaction.lag.ms"),
            max_compaction_lag_ms: config.long("max.compaction.lag.ms"),
            delete_retention_ms: config.long("delete.retention.ms"),
        },
        file_delete_delay_ms: config.long("file.delete.delay.ms"),
        preallocate: config.boolean("preallocate"),
        max_message_bytes: size("max.message.bytes"),
        compression: compression(config.text("compression.type")),
        levels: CompressionLevels {
            gzip: config.int("compression.gzip.level"),
            lz4: config.int("compression.lz4.level"),
            zstd: config.int("compression.zstd.level"),
        },
        timestamp_type: match config.text("message.timestamp.type") {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        timestamp_before_max_ms: config.long("message.timestamp.before.max.ms"),
        timestamp_after_max_ms: config.long("message.timestamp.after.max.ms"),
        flush_messages: config.long("flush.messages"),
        flush_ms: config.long("flush.ms"),
        producer_id_expiration_ms,
    };
    PartitionConfig { log, min_insync_replicas: config.int("min.insync.replicas") }
}

/// `producer` leaves batches as they come.
fn compression(name: &str) -> Option<Compression> {
    match name {
        "uncompressed" => Some(Compression::None),
        "gzip" => Some(Compression::Gzip),
        "snappy" => Some(Compression::Snappy),
        "lz4" => Some(Compression::Lz4),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    }
}
