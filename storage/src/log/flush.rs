//! Makes a log durable (Kafka: UnifiedLog.flush).
//!
//! There are two ways. A *flush* brings everything to disk, indexes and snapshots too, and moves the recovery point: the next
//! opening reads only what comes after. A *sync* brings the batches alone to disk, which is all that durability needs, since recovery
//! makes the rest anew from the batches behind the recovery point; it moves the durable offset. Appending does neither.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Log, failed_sync};
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

/// How far a log is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Durability {
    /// Every batch before it is on disk and will be found there. Never before the recovery point.
    pub(super) offset: Offset,
    /// Counts the changes to the names in the folder; the first is the making of the folder itself.
    names: u64,
    /// Up to which of them the names are on disk.
    synced_names: u64,
    /// When the last sync or flush was done.
    last: Timestamp,
    /// How often the log was cut off: what was synced before says nothing of what was written after.
    cuts: u64,
    /// What was in the folder when the log was opened is on disk, or it was empty.
    whole: bool,
}

impl Durability {
    /// Of a log that was just opened, whose batches before `offset` are on disk; with `clean`, all that was found is.
    pub(super) fn opened(offset: Offset, now: Timestamp, clean: bool) -> Durability {
        Durability {
            offset,
            names: 1,
            synced_names: u64::from(clean),
            last: now,
            whole: clean,
            ..Durability::default()
        }
    }

    /// The log has no records and never had any since it was made or found.
    pub(super) fn found_empty(&mut self) {
        self.whole = true;
    }

    /// The log was cut off at `end`.
    pub(super) fn cut(&mut self, end: Offset) {
        self.offset = self.offset.min(end);
        self.cuts += 1;
    }

    /// Whether files of batches may have no name yet after a crash.
    pub(super) fn has_unsynced_names(self) -> bool {
        self.synced_names < self.names
    }

    /// A file of batches was made.
    pub(super) fn name_added(&mut self) {
        self.names += 1;
    }
}

/// The slow part of a flush or a sync, to be done without holding the log: [`FlushTask::run`], then [`Log::flushed`].
#[derive(Debug)]
pub struct FlushTask {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    files: Vec<Arc<dyn DiskFile>>,
    done: Flushed,
    names_changed: bool,
}

/// What a [`FlushTask`] has achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    up_to: Offset,
    names: u64,
    cuts: u64,
    with_indexes: bool,
}

impl Flushed {
    /// Every batch before it is on disk.
    #[must_use]
    pub fn up_to(self) -> Offset {
        self.up_to
    }
}

impl FlushTask {
    /// Syncs the files. After an error the log must be closed and recovered: the system may have dropped what it could not write,
    /// and a second attempt might say that all is well.
    pub fn run(self) -> Result<Flushed, StorageError> {
        for file in &self.files {
            file.sync()?;
        }
        if self.names_changed {
            self.disk.sync_dir(&self.dir)?;
            if let Some(parent) = self.dir.parent() {
                self.disk.sync_dir(parent)?;
            }
        }
        Ok(self.done)
    }
}

impl Log {
    /// Every batch before it is on disk, whatever happens to the machine.
    #[must_use]
    pub fn durable_offset(&self) -> Offset {
        self.durability.offset
    }

    /// Whether `flush.messages` asks for syncs, so that the log must not be shown beyond [`Log::releasable_offset`].
    #[must_use]
    pub fn syncs_before_release(&self) -> bool {
        self.config.flush_messages < i64::MAX
    }

    /// How far the log may be acknowledged and shown: `flush.messages` is the number of records that may never be exceeded by those
    /// that were acknowledged and are not on disk. With 1, everything that is acknowledged is on disk.
    #[must_use]
    pub fn releasable_offset(&self) -> Offset {
        if self.sync_due() { self.durability.offset } else { self.log_end }
    }

    /// Whether `flush.messages` asks for a sync.
    #[must_use]
    pub fn sync_due(&self) -> bool {
        self.log_end.0 - self.durability.offset.0 >= self.config.flush_messages.max(1)
    }

    /// Whether `flush.ms` asks for a sync.
    #[must_use]
    pub fn sync_overdue(&self, now: Timestamp) -> bool {
        self.durability.offset < self.log_end
            && now.0.saturating_sub(self.durability.last.0) >= self.config.flush_ms.max(0)
    }

    /// Collects what has to be synced so that no batch of the log as it is now can be lost: files of batches, and the folder
    /// if it has new ones. Quick; writes nothing.
    pub fn prepare_sync(&self) -> Result<FlushTask, StorageError> {
        self.check_not_broken()?;
        let mut files = Vec::new();
        if self.durability.offset < self.log_end {
            files.extend(self.segments_from(self.durability.offset).map(|segment| segment.log_file().clone()));
        }
        Ok(self.task(files, false))
    }

    /// Collects what has to be synced to make the log durable as it is now, indexes and snapshots included.
    pub fn prepare_flush(&mut self) -> Result<FlushTask, StorageError> {
        self.check_not_broken()?;
        let first = self.segments.range(..=self.recovery_point).next_back().map_or(Offset::ZERO, |(base, _)| *base);
        let mut files = Vec::new();
        if self.recovery_point < self.log_end {
            for segment in self.segments.range_mut(first..).map(|(_, segment)| segment) {
                segment.store_indexes()?;
                files.extend(segment.files());
            }
            self.take_snapshot_of_flush()?;
        }
        // Last, so that nothing is forgotten when the disk is full.
        files.append(&mut self.producers.take_unsynced());
        files.append(&mut self.unsynced);
        Ok(self.task(files, true))
    }

    /// With a snapshot at the recovery point, recovery need not read what lies before it to know its producers.
    fn take_snapshot_of_flush(&mut self) -> Result<(), StorageError> {
        self.producers.set_end(self.log_end);
        match self.producers.take_snapshot() {
            // Only a help: without it the flush is as good, and recovery reads more.
            Err(error) if !error.is_full() => return Err(error),
            _ => {}
        }
        let bases = self.segments.keys().copied().collect();
        self.producers.remove_stray_snapshots(&bases, self.log_end)
    }

    fn task(&self, files: Vec<Arc<dyn DiskFile>>, with_indexes: bool) -> FlushTask {
        let Durability { names, synced_names, cuts, .. } = self.durability;
        let done = Flushed { up_to: self.log_end, names, cuts, with_indexes };
        // Index files get names whenever they are first needed.
        let names_changed = with_indexes || synced_names < names;
        FlushTask { disk: self.disk.clone(), dir: self.dir.clone(), files, done, names_changed }
    }

    /// Notes what a [`FlushTask`] has achieved. One task at a time: the system tells of a failed write only once, so of two tasks
    /// that run at once one may hear nothing of it.
    pub fn flushed(&mut self, done: Flushed) {
        if done.cuts != self.durability.cuts {
            return;
        }
        let up_to = done.up_to;
        if done.with_indexes {
            self.recovery_point = self.recovery_point.max(up_to);
            self.durability.whole = true;
        }
        self.durability.offset = self.durability.offset.max(up_to);
        self.durability.synced_names = self.durability.synced_names.max(done.names);
    }

    /// Notes when a sync or flush was done, for `flush.ms`.
    pub fn note_flush_time(&mut self, now: Timestamp) {
        self.durability.last = now;
    }

    /// Notes that a [`FlushTask`] or anything else that syncs files of this log failed. The system may have dropped the dirty pages, so
    /// that trying again would lie: nothing more is written until the log was opened anew, which writes again what was not synced.
    pub fn flush_failed(&mut self) {
        self.broken = true;
        failed_sync::leave_mark(&*self.disk, &self.dir);
    }

    /// Makes all that was appended durable, and moves the recovery point to the end.
    pub fn flush(&mut self) -> Result<(), StorageError> {
        let task = self.prepare_flush()?;
        self.finish(task)
    }

    /// Makes the batches durable that were found when the log was opened: with `flush.messages` nobody is to see what a power loss
    /// can take back, and a process that was killed leaves batches that no sync has covered.
    pub(super) fn sync_recovered(&mut self) -> Result<(), StorageError> {
        if !self.syncs_before_release() || self.durability.offset >= self.log_end {
            return Ok(());
        }
        let task = self.prepare_sync()?;
        self.finish(task)
    }

    /// Whether all is on disk already, or the log is as empty as it will be if its files are lost. Names of empty files that are lost
    /// are made again on opening.
    fn has_nothing_to_sync(&self) -> bool {
        let state = &self.durability;
        let empty = self.log_end == Offset::ZERO;
        let flushed = self.recovery_point >= self.log_end
            && !state.has_unsynced_names()
            && self.unsynced.is_empty()
            && !self.producers.has_unsynced();
        state.whole && state.cuts == 0 && (empty || flushed)
    }

    fn finish(&mut self, task: FlushTask) -> Result<(), StorageError> {
        match task.run() {
            Ok(done) => {
                self.flushed(done);
                Ok(())
            }
            Err(error) => {
                self.flush_failed();
                Err(error)
            }
        }
    }

    pub(super) fn check_not_broken(&self) -> Result<(), StorageError> {
        if self.is_broken() { Err(StorageError::Broken { path: self.dir.clone() }) } else { Ok(()) }
    }

    /// Completes all files and makes them durable. After this the log may be opened as clean.
    pub fn close(&mut self) -> Result<(), StorageError> {
        self.check_not_broken()?;
        self.compaction.cancel();
        let entries_written = self.active_mut().seal()?;
        self.release_reserved()?;
        self.producers.take_snapshot()?;
        if !entries_written && self.has_nothing_to_sync() {
            return Ok(());
        }
        // The last time index entry came after the last flush perhaps.
        let active: Vec<_> = self.active().files().collect();
        self.unsynced.extend(active);
        self.flush()
    }
}
