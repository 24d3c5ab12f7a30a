//! Segments that compaction writes under names of their own, and how they come into their place (Kafka: LocalLog.replaceSegments).
//!
//! The log is `.cleaned` until it is whole and on disk, then `.swap` until nothing is left of what it replaces. Opening a log removes
//! the first and completes the second.

use std::path::Path;
use std::sync::Arc;

use super::{ABORT_INDEX_SUFFIX, IndexConfig, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, Segment, TIME_INDEX_SUFFIX, file_path};
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

const CLEANED: &str = ".cleaned";
const SWAP: &str = ".swap";
const INDEXES: [&str; 3] = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX];

impl Segment {
    /// Makes the files of an empty segment, all with `.cleaned` at the end.
    pub(crate) fn create_cleaned(
        disk: Arc<dyn Disk>,
        dir: &Path,
        base: Offset,
        config: IndexConfig,
        now: Timestamp,
    ) -> Result<Segment, StorageError> {
        let file = disk.create(&cleaned(dir, base, LOG_SUFFIX))?;
        let mut segment = Segment::with_file(disk, dir, base, CLEANED, file, config, now);
        segment.offsets.reset()?;
        segment.times.reset()?;
        segment.aborts.reset()?;
        Ok(segment)
    }

    /// The file of batches.
    pub(crate) fn log_file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }
}

/// Removes what [`Segment::create_cleaned`] made.
pub(crate) fn remove_cleaned(disk: &dyn Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    let suffixes = std::iter::once(LOG_SUFFIX).chain(INDEXES);
    suffixes.into_iter().try_for_each(|suffix| disk.remove_file(&cleaned(dir, base, suffix)))
}

/// From here on, the cleaned segment is the one that counts, also after a crash. Durable when it returns.
pub(crate) fn promise_log(disk: &dyn Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    disk.rename(&cleaned(dir, base, LOG_SUFFIX), &swap(dir, base))?;
    disk.sync_dir(dir)
}

/// Puts the indexes in place of those of the old segment.
pub(crate) fn place_indexes(disk: &dyn Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    for suffix in INDEXES {
        let (from, to) = (cleaned(dir, base, suffix), file_path(dir, base, suffix));
        // Without aborted transactions there is no file.
        if disk.exists(&from)? { disk.rename(&from, &to)? } else { disk.remove_file(&to)? }
    }
    Ok(())
}

/// Puts the log in its place. What was done to other names must be durable before.
pub(crate) fn place_log(disk: &dyn Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    disk.rename(&swap(dir, base), &file_path(dir, base, LOG_SUFFIX))
}

fn cleaned(dir: &Path, base: Offset, suffix: &str) -> std::path::PathBuf {
    file_path(dir, base, &format!("{suffix}{CLEANED}"))
}

fn swap(dir: &Path, base: Offset) -> std::path::PathBuf {
    file_path(dir, base, &format!("{LOG_SUFFIX}{SWAP}"))
}
