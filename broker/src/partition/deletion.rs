//! How logs and parts of them go: out of service at once, from the disk after `file.delete.delay.ms`.

use std::path::PathBuf;
use std::sync::Arc;

use forebay_storage::disk::Disk;
use forebay_storage::ids::Timestamp;
use forebay_storage::log::Log;

use super::{Partition, Partitions};
use crate::cleaner::{Busy, Removals};
use crate::clock;

impl Partitions {
    /// The disk that the logs lie on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Files and folders that wait for their removal.
    pub fn removals(&self) -> &Removals {
        &self.removals
    }

    /// Which logs are being compacted.
    pub fn busy(&self) -> &Busy {
        &self.busy
    }

    /// Deletes what retention no longer keeps.
    pub fn apply_retention(&self, now: Timestamp) {
        self.all().iter().for_each(|partition| self.apply_retention_to(partition, now));
    }

    /// Deletes what retention no longer keeps of one log.
    pub fn apply_retention_to(&self, partition: &Partition, now: Timestamp) {
        let applied = partition.try_with_log(|log| {
            log.apply_retention(now)?;
            Ok(log.take_retired())
        });
        match applied {
            Ok(retired) => self.remove_later(partition, retired, now),
            Err(error) if partition.is_offline() || partition.is_deleted() || error.is_full() => {}
            Err(error) => tracing::error!(partition = %partition.name(), "retention failed: {error}"),
        }
    }

    /// Has files removed that are no part of a log any more.
    pub fn remove_later(&self, partition: &Partition, files: Vec<PathBuf>, now: Timestamp) {
        if !files.is_empty() {
            let delay_ms = partition.with_log(|log| log.config().file_delete_delay_ms);
            self.removals.add_files(files, now.plus_ms(delay_ms));
        }
    }

    /// Takes a log out of service. Nobody works in its folder when this returns.
    pub(super) fn delete_log(&self, partition: &Partition) {
        let deleted = partition.with_log(|log| (Log::delete(log), log.config().file_delete_delay_ms));
        match deleted {
            (Ok(folder), delay_ms) => self.removals.add_folder(folder, clock::now().plus_ms(delay_ms)),
            (Err(error), _) => {
                tracing::error!(partition = %partition.name(), "a deleted log's files cannot be removed: {error}");
            }
        }
        // A folder of this name may be made anew at once.
        self.busy.wait_until_free(partition.name());
    }
}
