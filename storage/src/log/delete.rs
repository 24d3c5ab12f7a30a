//! Takes segments and whole logs out of service (Kafka: LocalLog.deleteSegmentFiles, LogManager.asyncDelete). What goes is renamed at
//! once and removed by the caller after `file.delete.delay.ms`; a restart removes it as well.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Log, names};
use crate::error::StorageError;
use crate::ids::Offset;
use crate::segment::{ABORT_INDEX_SUFFIX, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, Segment, TIME_INDEX_SUFFIX, file_path};

/// Ending of files that are about to be removed.
const DELETED: &str = ".deleted";

impl Log {
    /// Renames the folder so that a restart will not take it for a log; returns its new path, to be removed with all that is in it
    /// after [`super::LogConfig::file_delete_delay_ms`]. Bytes read before stay readable.
    pub fn delete(&mut self) -> Result<PathBuf, StorageError> {
        self.broken = true;
        self.compaction.cancel();
        self.retired.clear();
        let gone = self.dir.with_file_name(names::deleted_dir_name(&self.partition, self.topic_id));
        self.disk.remove_dir_all(&gone)?;
        self.disk.rename(&self.dir, &gone)?;
        if let Some(parent) = self.dir.parent() {
            self.disk.sync_dir(parent)?;
        }
        Ok(gone)
    }

    /// Files of segments that are no part of the log any more, since this was asked last; to be removed after
    /// [`super::LogConfig::file_delete_delay_ms`].
    #[must_use]
    pub fn take_retired(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.retired)
    }

    /// Takes a segment's files out of the log; without a delay they are removed.
    pub(super) fn retire(&mut self, segment: Segment) -> Result<(), StorageError> {
        // What waits to be synced is held open, and a removed file keeps its place on the disk while it is.
        let files: Vec<_> = segment.files().collect();
        self.unsynced.retain(|unsynced| !files.iter().any(|file| Arc::ptr_eq(file, unsynced)));
        if self.config.file_delete_delay_ms <= 0 {
            return segment.remove();
        }
        // The log first, so that what a crash leaves behind is recognised as orphaned.
        for suffix in [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, ABORT_INDEX_SUFFIX] {
            self.retire_file(segment.base(), suffix)?;
        }
        Ok(())
    }

    /// Takes one file of a segment out of the log.
    pub(super) fn retire_file(&mut self, base: Offset, suffix: &str) -> Result<(), StorageError> {
        let path = file_path(&self.dir, base, suffix);
        if self.disk.exists(&path)? {
            let gone = file_path(&self.dir, base, &format!("{suffix}{DELETED}"));
            self.disk.rename(&path, &gone)?;
            self.retired.push(gone);
        }
        Ok(())
    }
}
