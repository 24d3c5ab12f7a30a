//! What a topic's configuration says about its logs, with Kafka's defaults.

use crate::batch::TimestampType;
use crate::compact::CompactionConfig;
use crate::compress::{Compression, CompressionLevels};
use crate::segment::IndexConfig;

/// Configuration of a log. Names are Kafka's topic configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// `segment.bytes`: size of a segment at most.
    pub segment_bytes: u64,
    /// `segment.ms`: age of a segment at most, in milliseconds of record time.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: milliseconds at most by which a segment is rolled earlier; how many differs from segment to segment.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: size of an index file at most.
    pub segment_index_bytes: usize,
    /// `index.interval.bytes`: bytes of batches between index entries.
    pub index_interval_bytes: usize,
    /// `retention.ms`; -1 keeps segments for ever.
    pub retention_ms: i64,
    /// `retention.bytes`; -1 keeps all.
    pub retention_bytes: i64,
    /// `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// `cleanup.policy` contains `compact`: records must have keys.
    pub compact: bool,
    /// How the log is compacted, if it is.
    pub compaction: CompactionConfig,
    /// `file.delete.delay.ms`: milliseconds from taking a file out of the log to its removal; 0 removes at once.
    pub file_delete_delay_ms: i64,
    /// `preallocate`: set a new segment's whole size aside on the disk.
    pub preallocate: bool,
    /// `max.message.bytes`: size of a batch at most.
    pub max_message_bytes: usize,
    /// `compression.type`; `None` is `producer`, batches stay as they come.
    pub compression: Option<Compression>,
    /// `compression.gzip.level` and its like: used when batches are compressed here.
    pub levels: CompressionLevels,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far a timestamp may lie behind the broker's clock.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far a timestamp may lie ahead of the broker's clock.
    pub timestamp_after_max_ms: i64,
    /// `flush.messages`: records after which the log is synced.
    pub flush_messages: i64,
    /// `flush.ms`: milliseconds after which the log is synced.
    pub flush_ms: i64,
    /// `producer.id.expiration.ms`: idle producers older than this are not loaded on opening.
    pub producer_id_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            segment_bytes: 1024 * 1024 * 1024,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 * 1024 * 1024,
            index_interval_bytes: 4096,
            retention_ms: 7 * 24 * 3_600_000,
            retention_bytes: -1,
            delete: true,
            compact: false,
            compaction: CompactionConfig::default(),
            file_delete_delay_ms: 60_000,
            preallocate: false,
            max_message_bytes: 1_048_588,
            compression: None,
            levels: CompressionLevels::default(),
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            producer_id_expiration_ms: 24 * 3_600_000,
        }
    }
}

impl LogConfig {
    pub(super) fn index(&self) -> IndexConfig {
        IndexConfig { interval_bytes: self.index_interval_bytes, max_bytes: self.segment_index_bytes }
    }
}
