//! Makes a log durable (Kafka: UnifiedLog.flush).

use std::path::PathBuf;
use std::sync::Arc;

use super::Log;
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

/// The slow part of a flush, to be done without holding the log: [`FlushTask::run`], then [`Log::flushed`].
#[derive(Debug)]
pub struct FlushTask {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    files: Vec<Arc<dyn DiskFile>>,
    up_to: Offset,
}

impl FlushTask {
    /// Syncs the files; returns the offset up to which the log is durable then. After an error the log must be closed and
    /// recovered: the system may have dropped what it could not write.
    pub fn run(self) -> Result<Offset, StorageError> {
        for file in &self.files {
            file.sync()?;
        }
        self.disk.sync_dir(&self.dir)?;
        if let Some(parent) = self.dir.parent() {
            self.disk.sync_dir(parent)?;
        }
        Ok(self.up_to)
    }
}

impl Log {
    /// Makes all that was appended durable, and moves the recovery point to the end.
    pub fn flush(&mut self) -> Result<(), StorageError> {
        let task = self.prepare_flush()?;
        match task.run() {
            Ok(up_to) => {
                self.flushed(up_to);
                Ok(())
            }
            Err(error) => {
                self.flush_failed();
                Err(error)
            }
        }
    }

    /// Collects what has to be synced to make the log durable as it is now.
    pub fn prepare_flush(&mut self) -> Result<FlushTask, StorageError> {
        let first = self.segments.range(..=self.recovery_point).next_back().map_or(Offset::ZERO, |(base, _)| *base);
        let mut files = self.producers.take_unsynced();
        files.append(&mut self.unsynced);
        if self.recovery_point < self.log_end {
            for segment in self.segments.range_mut(first..).map(|(_, segment)| segment) {
                segment.store_indexes()?;
                files.extend(segment.files());
            }
        }
        Ok(FlushTask { disk: self.disk.clone(), dir: self.dir.clone(), files, up_to: self.log_end })
    }

    /// Notes that a [`FlushTask`] failed. The system may have dropped the dirty pages, so that trying again would lie: nothing more is
    /// written until the log was opened anew.
    pub fn flush_failed(&mut self) {
        self.broken = true;
    }

    /// Notes that the log is durable up to `up_to`.
    pub fn flushed(&mut self, up_to: Offset) {
        self.recovery_point = self.recovery_point.max(up_to.min(self.log_end));
    }

    /// Whether `flush.messages` or `flush.ms` ask for a flush.
    #[must_use]
    pub fn flush_due(&self, now: Timestamp) -> bool {
        let unflushed = self.log_end.0 - self.recovery_point.0;
        unflushed > 0
            && (unflushed >= self.config.flush_messages
                || now.0.saturating_sub(self.last_flush.0) >= self.config.flush_ms)
    }

    /// Flushes if `flush.messages` or `flush.ms` ask for it.
    pub fn flush_if_due(&mut self, now: Timestamp) -> Result<(), StorageError> {
        if self.flush_due(now) {
            self.flush()?;
            self.last_flush = now;
        }
        Ok(())
    }

    /// Completes all files and makes them durable. After this the log may be opened as clean.
    pub fn close(&mut self) -> Result<(), StorageError> {
        if self.broken {
            return Err(StorageError::Broken { path: self.dir.clone() });
        }
        self.compaction.cancel();
        self.active_mut().seal()?;
        self.producers.take_snapshot()?;
        // The last time index entry came after the last flush perhaps.
        let active: Vec<_> = self.active().files().collect();
        self.unsynced.extend(active);
        self.flush()
    }
}
