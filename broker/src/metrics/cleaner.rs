//! The numbers of the log cleaner (Kafka: the metrics of LogCleaner and LogCleanerManager).

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use forebay_storage::log::CleanStats;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// The numbers of the log cleaner. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct CleanerMetrics {
    /// Passes that were done.
    pub passes: Counter,
    /// Bytes of segments read.
    pub read_bytes: Counter,
    /// Bytes of segments written in their place.
    pub written_bytes: Counter,
    /// Records that went.
    pub removed_records: Counter,
    /// Time that passes took.
    pub time: Counter<f64, AtomicU64>,
    /// Share of dirty bytes of the dirtiest log, in percent (Kafka: max-dirty-percent).
    pub max_dirty_percent: Gauge,
    /// Share of the bytes read that the last pass wrote, in percent (Kafka: cleaner-recopy-percent).
    pub recopy_percent: Gauge,
    /// Seconds of the last pass (Kafka: max-clean-time-secs).
    pub last_pass: Gauge<f64, AtomicU64>,
    /// Logs that cannot be compacted (Kafka: uncleanable-partitions-count).
    pub uncleanable_partitions: Gauge,
    /// Their bytes (Kafka: uncleanable-bytes).
    pub uncleanable_bytes: Gauge,
    /// Threads that failed (Kafka: DeadThreadCount).
    pub dead_threads: Gauge,
}

impl CleanerMetrics {
    /// The numbers at zero, under their names.
    pub(super) fn registered(registry: &mut Registry) -> CleanerMetrics {
        let all = CleanerMetrics::default();
        let cleaner = registry.sub_registry_with_prefix("cleaner");
        cleaner.register("passes", "Passes over compacted logs", all.passes.clone());
        cleaner.register("read_bytes", "Bytes read to compact logs", all.read_bytes.clone());
        cleaner.register("written_bytes", "Bytes written by compaction", all.written_bytes.clone());
        cleaner.register("removed_records", "Records that compaction removed", all.removed_records.clone());
        cleaner.register_with_unit("time", "Time that compaction took", Unit::Seconds, all.time.clone());
        let help = "Share of dirty bytes of the dirtiest log";
        cleaner.register("max_dirty_percent", help, all.max_dirty_percent.clone());
        let help = "Share of the bytes read that the last pass wrote again";
        cleaner.register("recopy_percent", help, all.recopy_percent.clone());
        cleaner.register_with_unit("last_pass", "Time of the last pass", Unit::Seconds, all.last_pass.clone());
        let help = "Logs that cannot be compacted";
        cleaner.register("uncleanable_partitions", help, all.uncleanable_partitions.clone());
        cleaner.register("uncleanable_bytes", "Bytes of logs that cannot be compacted", all.uncleanable_bytes.clone());
        cleaner.register("dead_threads", "Threads of the cleaner that failed", all.dead_threads.clone());
        all
    }

    /// Counts a pass.
    pub fn passed(&self, stats: &CleanStats, took: Duration) {
        self.passes.inc();
        self.read_bytes.inc_by(stats.bytes_before);
        self.written_bytes.inc_by(stats.bytes_after);
        self.removed_records.inc_by(stats.records_before.saturating_sub(stats.records_after));
        self.time.inc_by(took.as_secs_f64());
        self.last_pass.set(took.as_secs_f64());
        let percent = stats.bytes_after.saturating_mul(100) / stats.bytes_before.max(1);
        self.recopy_percent.set(i64::try_from(percent).unwrap_or(i64::MAX));
    }
}
