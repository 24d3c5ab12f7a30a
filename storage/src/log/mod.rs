//! One partition's log: segments, indexes, producers and epochs behind one door (Kafka: UnifiedLog, LocalLog).
//!
//! A plain structure without locks: writers need `&mut`, readers `&`. Everything is synchronous.

mod append;
mod clean;
mod config;
mod cuts;
mod delete;
mod error;
mod failed_sync;
mod flush;
mod lookup;
mod names;
mod open;
mod outcome;
mod read;
mod relocate;
mod retention;
mod roll;
mod transactions;
mod truncate;
mod validate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::compact::{Cancellation, CleanPlan, CleanStats, CleanTask, Cleaned, CompactionConfig};
pub use crate::segment::AbortedTransaction;
pub use append::{AppendOptions, Origin};
pub use config::LogConfig;
pub use cuts::Cut;
pub use error::{AppendError, ReadError, RejectedRecord, RejectedRecords};
pub use flush::{FlushTask, Flushed};
pub use names::{deleted_dir_name, future_dir_name, future_of, is_deleted_dir, parse_dir_name};
pub use open::LogOptions;
pub(crate) use open::recovery_start;
pub use outcome::{AppendOutcome, ProducerInfo, ReadOutcome};
pub use relocate::{CopySource, settle_future};

use crate::disk::{Disk, DiskFile};
use crate::epochs::LeaderEpochs;
use crate::error::StorageError;
use crate::ids::{LeaderEpoch, Offset, TopicId, TopicPartition};
use crate::producer::ProducerState;
use crate::segment::Segment;

/// The log of one partition.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    partition: TopicPartition,
    topic_id: Option<TopicId>,
    config: LogConfig,
    /// By base offset; never empty, the last one is written to.
    segments: BTreeMap<Offset, Segment>,
    producers: ProducerState,
    epochs: LeaderEpochs,
    log_start: Offset,
    log_end: Offset,
    high_watermark: Offset,
    recovery_point: Offset,
    durability: flush::Durability,
    /// Small files written but not synced.
    unsynced: Vec<Arc<dyn DiskFile>>,
    /// Files that were taken out of the log and are not removed yet.
    retired: Vec<PathBuf>,
    /// A write failed half-way: memory and disk may differ, so nothing more is written.
    broken: bool,
    /// Replacing or cutting segments failed half-way: a read might pass over records that are there.
    unreadable: bool,
    compaction: clean::Compaction,
    cuts: Vec<Cut>,
}

impl Log {
    /// The partition.
    #[must_use]
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The topic's id, if it has one.
    #[must_use]
    pub fn topic_id(&self) -> Option<TopicId> {
        self.topic_id
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Puts another configuration in force; segments that are there keep their size.
    pub fn update_config(&mut self, config: LogConfig) {
        let index = config.index();
        self.segments.values_mut().for_each(|segment| segment.set_config(index));
        if self.config.preallocate && !config.preallocate {
            // What it has is needed nowhere else at once: it goes with the next try if not now.
            let _ = self.release_reserved();
        }
        self.config = config;
    }

    /// First offset that may be read.
    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        self.log_start
    }

    /// The offset that the next record gets.
    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        self.log_end
    }

    /// The offset up to which all in-sync replicas have the log. After opening it is the end of the log, which is right for
    /// the only replica; the leader of more must set it.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Moves the high watermark; kept between start and end of the log.
    pub fn set_high_watermark(&mut self, offset: Offset) {
        self.high_watermark = offset.clamp(self.log_start, self.log_end);
        self.producers.high_watermark_moved(self.high_watermark);
    }

    /// Everything before it is known to be on disk.
    #[must_use]
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// Whether a write or sync failed in a way that could not be undone: nothing more is written until the log was opened anew.
    /// Reads go on, unless segments were being replaced or cut.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken || self.segments.last_key_value().is_none_or(|(_, active)| active.is_broken())
    }

    fn check_readable(&self) -> Result<(), StorageError> {
        if self.unreadable { Err(StorageError::Broken { path: self.dir.clone() }) } else { Ok(()) }
    }

    /// Bytes of all segments, without indexes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        self.segments.values().map(Segment::size).sum()
    }

    /// Number of segments.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The epoch of the last batch.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// The oldest epoch that is known, with its first offset.
    #[must_use]
    pub fn earliest_epoch(&self) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.earliest().map(|entry| (entry.epoch, entry.start))
    }

    /// The epoch in which the record at `offset` was written.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_at(offset)
    }

    /// The largest epoch up to `epoch` and the offset where it ends; (-1, -1) if the log knows nothing of it (KIP-279).
    #[must_use]
    pub fn epoch_end_offset(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        self.epochs.end_offset(epoch, self.log_end)
    }

    fn active(&self) -> &Segment {
        self.segments.last_key_value().expect("a log has a segment at all times").1
    }

    fn active_mut(&mut self) -> &mut Segment {
        self.segments.last_entry().expect("a log has a segment at all times").into_mut()
    }

    /// The segments from the one that contains `offset`.
    fn segments_from(&self, offset: Offset) -> impl Iterator<Item = &Segment> {
        let first = self.segments.range(..=offset).next_back().map_or(offset, |(base, _)| *base);
        self.segments.range(first..).map(|(_, segment)| segment)
    }
}

#[cfg(test)]
mod tests;
