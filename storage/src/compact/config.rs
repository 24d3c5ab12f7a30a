//! What a topic's configuration says about compaction, with Kafka's defaults.

/// Configuration of compaction. Names are Kafka's topic configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactionConfig {
    /// `min.cleanable.dirty.ratio`: share of bytes not compacted yet, from 0 to 1, above which a log is compacted.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: how long a record stays at least before it is compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: how long a record stays at most before it is compacted, whatever the ratio.
    pub max_compaction_lag_ms: i64,
    /// `delete.retention.ms`: how long tombstones and markers are kept after what they delete is gone.
    pub delete_retention_ms: i64,
}

impl Default for CompactionConfig {
    fn default() -> Self {
        CompactionConfig {
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: 24 * 3_600_000,
        }
    }
}
