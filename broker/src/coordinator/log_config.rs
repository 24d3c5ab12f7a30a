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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use forebay_control::metadata::MetadataConfig;

    use super::*;

    #[test]
    fn every_key_reaches_its_place() {
        let keys = "log.segment.bytes=1048577 log.roll.ms=2 log.roll.jitter.ms=3 log.index.size.max.bytes=4 \
                    log.index.interval.bytes=5 log.retention.ms=6 log.retention.bytes=7 log.cleanup.policy=compact \
                    log.cleaner.min.cleanable.ratio=0.25 log.cleaner.min.compaction.lag.ms=9 \
                    log.cleaner.max.compaction.lag.ms=10 log.cleaner.delete.retention.ms=11 \
                    log.segment.delete.delay.ms=12 log.preallocate=true message.max.bytes=13 compression.type=zstd \
                    compression.gzip.level=2 compression.lz4.level=15 compression.zstd.level=16 \
                    log.message.timestamp.type=LogAppendTime log.message.timestamp.before.max.ms=17 \
                    log.message.timestamp.after.max.ms=18 log.flush.interval.messages=19 log.flush.interval.ms=20 \
                    min.insync.replicas=21";
        let server: BTreeMap<String, String> =
            keys.split_whitespace().filter_map(|key| key.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        let machine = MetadataMachine::new(MetadataConfig { server, ..MetadataConfig::default() });
        let config = partition_config(&machine, "t", 22);
        let expected = LogConfig {
            segment_bytes: 1_048_577,
            segment_ms: 2,
            segment_jitter_ms: 3,
            segment_index_bytes: 4,
            index_interval_bytes: 5,
            retention_ms: 6,
            retention_bytes: 7,
            delete: false,
            compact: true,
            compaction: CompactionConfig {
                min_cleanable_dirty_ratio: 0.25,
                min_compaction_lag_ms: 9,
                max_compaction_lag_ms: 10,
                delete_retention_ms: 11,
            },
            file_delete_delay_ms: 12,
            preallocate: true,
            max_message_bytes: 13,
            compression: Some(Compression::Zstd),
            levels: CompressionLevels { gzip: 2, lz4: 15, zstd: 16 },
            timestamp_type: TimestampType::LogAppendTime,
            timestamp_before_max_ms: 17,
            timestamp_after_max_ms: 18,
            flush_messages: 19,
            flush_ms: 20,
            producer_id_expiration_ms: 22,
        };
        assert_eq!((config.log, config.min_insync_replicas), (expected, 21));
    }
}
