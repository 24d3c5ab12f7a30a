//! One segment of a log: the batches in `<base offset>.log` and the indexes beside it (Kafka: LogSegment).

mod abort_index;
mod append;
mod cleaned;
mod entries;
mod offset_index;
mod read;
mod recover;
mod resume;
mod time_index;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use abort_index::AbortIndex;
pub use abort_index::AbortedTransaction;
pub(crate) use append::PlacedBatch;
pub(crate) use cleaned::{place_indexes, place_log, promise_log, remove_cleaned};
use offset_index::OffsetIndex;
pub(crate) use read::{SegmentRead, Stretch};
pub(crate) use resume::Resume;
use time_index::TimeIndex;
pub(crate) use walk::{Headers, Windows};

use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

/// Suffixes of a segment's files.
pub(crate) const LOG_SUFFIX: &str = ".log";
pub(crate) const OFFSET_INDEX_SUFFIX: &str = ".index";
pub(crate) const TIME_INDEX_SUFFIX: &str = ".timeindex";
pub(crate) const ABORT_INDEX_SUFFIX: &str = ".txnindex";

/// What the topic's configuration says about indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexConfig {
    /// `index.interval.bytes`: bytes between two entries of the offset index.
    pub(crate) interval_bytes: usize,
    /// `segment.index.bytes`: bytes of an index file at most.
    pub(crate) max_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Segment {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    base: Offset,
    file: Arc<dyn DiskFile>,
    offsets: OffsetIndex,
    times: TimeIndex,
    aborts: AbortIndex,
    config: IndexConfig,
    bytes_since_index: usize,
    /// Largest timestamp with the last offset of its batch, once known.
    max_timestamp: OnceLock<(Timestamp, Offset)>,
    /// Largest timestamp of the first batch, once known; the age of the segment counts from it.
    first_timestamp: OnceLock<Timestamp>,
    created: Timestamp,
}

/// Path of one of a segment's files: the base offset with 20 digits.
pub(crate) fn file_path(dir: &Path, base: Offset, suffix: &str) -> PathBuf {
    dir.join(format!("{:020}{suffix}", base.0))
}

/// A segment that begins beyond this is a name gone wrong: it and the next have no room for the offsets that a segment can hold.
pub(crate) const LARGEST_BASE: Offset = Offset(i64::MAX - (1 << 33));

/// Base offset of a segment by the name of its log file, which has 20 digits and no others: `None` for files that are no segment's.
pub(crate) fn base_of_log(name: &str) -> Option<Offset> {
    let digits = name.strip_suffix(LOG_SUFFIX)?;
    if digits.len() != 20 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Offset)
}

impl Segment {
    /// Makes the files of an empty segment.
    pub(crate) fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        base: Offset,
        config: IndexConfig,
        now: Timestamp,
    ) -> Result<Segment, StorageError> {
        let file = disk.create(&file_path(dir, base, LOG_SUFFIX))?;
        let mut segment = Segment::with_file(disk, dir, base, "", file, config, now);
        segment.offsets.reset()?;
        segment.times.reset()?;
        segment.aborts.reset()?;
        Ok(segment)
    }

    /// Opens a segment that is there. Its indexes are read when they are needed.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        base: Offset,
        config: IndexConfig,
        now: Timestamp,
    ) -> Result<Segment, StorageError> {
        let file = disk.open(&file_path(dir, base, LOG_SUFFIX))?;
        Ok(Segment::with_file(disk, dir, base, "", file, config, now))
    }

    fn with_file(
        disk: Arc<dyn Disk>,
        dir: &Path,
        base: Offset,
        ending: &str,
        file: Arc<dyn DiskFile>,
        config: IndexConfig,
        now: Timestamp,
    ) -> Segment {
        let path = |suffix| file_path(dir, base, &format!("{suffix}{ending}"));
        Segment {
            offsets: OffsetIndex::new(disk.clone(), path(OFFSET_INDEX_SUFFIX), base),
            times: TimeIndex::new(disk.clone(), path(TIME_INDEX_SUFFIX), base),
            aborts: AbortIndex::new(disk.clone(), path(ABORT_INDEX_SUFFIX)),
            disk,
            dir: dir.to_owned(),
            base,
            file,
            config,
            bytes_since_index: 0,
            max_timestamp: OnceLock::new(),
            first_timestamp: OnceLock::new(),
            created: now,
        }
    }

    pub(crate) fn base(&self) -> Offset {
        self.base
    }

    /// Bytes of batches.
    pub(crate) fn size(&self) -> u64 {
        self.file.len()
    }

    pub(crate) fn set_config(&mut self, config: IndexConfig) {
        self.config = config;
    }

    /// Largest timestamp and the last offset of the batch that has it; (-1, base offset) if there is none.
    pub(crate) fn max_timestamp(&self) -> Result<(Timestamp, Offset), StorageError> {
        if let Some(known) = self.max_timestamp.get() {
            return Ok(*known);
        }
        let found = self.find_max_timestamp()?;
        Ok(*self.max_timestamp.get_or_init(|| found))
    }

    /// Largest timestamp of a record; where no record has one, the time of the last write as the file system knows it (Kafka:
    /// LogSegment.largestTimestamp).
    pub(crate) fn largest_timestamp(&self) -> Result<Timestamp, StorageError> {
        let largest = self.max_timestamp()?.0;
        if largest.0 >= 0 { Ok(largest) } else { self.file.modified() }
    }

    fn set_max_timestamp(&mut self, max: (Timestamp, Offset)) {
        self.max_timestamp = OnceLock::from(max);
    }

    /// Largest timestamp of the first batch; -1 if there is no batch or it has none.
    pub(crate) fn first_timestamp(&self) -> Result<Timestamp, StorageError> {
        if let Some(known) = self.first_timestamp.get() {
            return Ok(*known);
        }
        match self.batch_at(0)? {
            None => Ok(Timestamp::NONE),
            Some(batch) => Ok(*self.first_timestamp.get_or_init(|| batch.header.max_timestamp)),
        }
    }

    /// How long the segment has waited to be rolled when a batch of time `newest` comes.
    pub(crate) fn age_ms(&self, newest: Timestamp, now: Timestamp) -> Result<i64, StorageError> {
        let first = self.first_timestamp()?;
        let (from, to) = if first.0 >= 0 { (first, newest) } else { (self.created, now) };
        Ok(to.0.saturating_sub(from.0))
    }

    /// Whether an index has no room for another entry.
    pub(crate) fn indexes_full(&self) -> Result<bool, StorageError> {
        Ok(self.offsets.is_full(self.config.max_bytes)? || self.times.is_full(self.config.max_bytes)?)
    }

    /// Whether `offset` can stand in the indexes, which hold 31 bits relative to the base offset.
    pub(crate) fn can_hold(&self, offset: Offset) -> bool {
        (0..=i64::from(i32::MAX)).contains(&(offset.0 - self.base.0))
    }

    /// Notes an aborted transaction.
    pub(crate) fn note_aborted(&mut self, aborted: AbortedTransaction) -> Result<(), StorageError> {
        self.aborts.push(aborted)
    }

    /// Adds the aborted transactions that reach into `from..to`; true when no later segment can have more.
    pub(crate) fn collect_aborted(
        &self,
        from: Offset,
        to: Offset,
        into: &mut Vec<AbortedTransaction>,
    ) -> Result<bool, StorageError> {
        self.aborts.collect(from, to, into)
    }

    /// Completes the indexes for a segment that takes no more batches, or whose log is closed.
    /// Whether index entries were written.
    pub(crate) fn seal(&mut self) -> Result<bool, StorageError> {
        if self.size() > 0 {
            let (timestamp, offset) = self.max_timestamp()?;
            self.times.maybe_push(timestamp, offset)?;
        }
        let waiting = self.offsets.waits() || self.times.waits() || self.aborts.waits();
        self.store_indexes()?;
        Ok(waiting)
    }

    /// Writes index entries that are still in memory.
    pub(crate) fn store_indexes(&mut self) -> Result<(), StorageError> {
        self.offsets.store()?;
        self.times.store()?;
        self.aborts.store()
    }

    /// All open files with something written in them.
    pub(crate) fn files(&self) -> impl Iterator<Item = Arc<dyn DiskFile>> {
        let indexes = [self.offsets.file(), self.times.file(), self.aborts.file()];
        std::iter::once(self.file.clone()).chain(indexes.into_iter().flatten())
    }

    /// Whether one of its files takes no more.
    pub(crate) fn is_broken(&self) -> bool {
        self.files().any(|file| file.is_broken())
    }

    /// Removes the segment's files; the log first, so that what a crash leaves behind is recognised as orphaned.
    pub(crate) fn remove(self) -> Result<(), StorageError> {
        Segment::remove_files(&*self.disk, &self.dir, self.base)
    }

    /// Removes the files of the segment at `base`, as many as there are.
    pub(crate) fn remove_files(disk: &dyn Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
        let suffixes = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX];
        suffixes.into_iter().try_for_each(|suffix| disk.remove_file(&file_path(dir, base, suffix)))
    }
}

#[cfg(test)]
mod tests;
