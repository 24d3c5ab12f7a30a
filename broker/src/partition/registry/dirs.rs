//! The data folders: what lies in each, which of them failed, and their checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_storage::checkpoint::{
    LOG_START_OFFSET_FILE, RECOVERY_POINT_FILE, read_offset_checkpoint, write_offset_checkpoint,
};
use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, TopicPartition};
use forebay_storage::log::{is_deleted_dir, parse_dir_name};
use parking_lot::Mutex;

use crate::partition::{Alarm, DirHealth};

type Offsets = BTreeMap<TopicPartition, Offset>;

/// A data folder as the start found it.
#[derive(Clone, Debug)]
pub struct FoundDir {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was closed in order the last time.
    pub clean: bool,
    /// Why it cannot be used.
    pub failure: Option<String>,
}

/// A data folder.
pub(super) struct Dir {
    /// Where it is and whether it works.
    pub health: Arc<DirHealth>,
    /// Whether it was closed in order the last time: the logs that were not opened since then are complete.
    pub clean: bool,
    /// What the checkpoint files say: read at the start, and what was written since. A partition that was not opened yet keeps
    /// its entries.
    checkpoints: Mutex<Checkpoints>,
}

/// The content of the two checkpoint files of a folder.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Checkpoints {
    pub recovery_points: Offsets,
    pub log_start_offsets: Offsets,
}

impl Checkpoints {
    /// The recovery point and the first offset of a partition; zero where nothing is known.
    pub(super) fn of(&self, name: &TopicPartition) -> (Offset, Offset) {
        let at = |offsets: &Offsets| offsets.get(name).copied().unwrap_or(Offset::ZERO);
        (at(&self.recovery_points), at(&self.log_start_offsets))
    }

    /// Notes a partition; a first offset of zero needs no entry.
    pub(super) fn note(&mut self, name: TopicPartition, recovery_point: Offset, log_start: Offset) {
        if log_start > Offset::ZERO {
            self.log_start_offsets.insert(name.clone(), log_start);
        }
        self.recovery_points.insert(name, recovery_point);
    }

    /// Keeps what is known of a partition.
    pub(super) fn carry(&mut self, name: TopicPartition, from: &Checkpoints) {
        if let Some(start) = from.log_start_offsets.get(&name) {
            self.log_start_offsets.insert(name.clone(), *start);
        }
        if let Some(point) = from.recovery_points.get(&name) {
            self.recovery_points.insert(name, *point);
        }
    }
}

/// What lies where: the folders of logs that the start found.
#[derive(Default)]
pub(super) struct Contents {
    /// The data folders that have the partition's log; more than one only after an interrupted move.
    pub logs: HashMap<TopicPartition, Vec<usize>>,
}

impl Dir {
    /// Reads the checkpoints, unless the folder has failed.
    pub(super) fn new(disk: &dyn Disk, found: &FoundDir, alarm: &Alarm) -> Dir {
        let health = DirHealth::new(&found.path, alarm);
        if let Some(why) = &found.failure {
            health.fail(why);
        }
        // Kafka: LogManager.loadLogs goes on without a checkpoint that it cannot understand.
        let read = |file: &str| match read_offset_checkpoint(disk, &found.path.join(file)) {
            Ok(offsets) => offsets,
            Err(_) if health.is_offline() => Offsets::new(),
            Err(error) => {
                tracing::warn!("a checkpoint is taken for empty: {error}");
                health.report(&error);
                Offsets::new()
            }
        };
        let known =
            Checkpoints { recovery_points: read(RECOVERY_POINT_FILE), log_start_offsets: read(LOG_START_OFFSET_FILE) };
        Dir { checkpoints: Mutex::new(known), health, clean: found.clean }
    }

    /// Adds the folder's logs to `contents`, and removes what a crash left of deleted topics.
    pub(super) fn look(&self, disk: &dyn Disk, number: usize, contents: &mut Contents) {
        if self.health.is_offline() {
            return;
        }
        let entries = match disk.list(self.path()) {
            Ok(entries) => entries,
            // A log that it may have must not be made again elsewhere.
            Err(error) => return self.health.fail(&error.to_string()),
        };
        for entry in entries.into_iter().filter(|entry| entry.is_dir) {
            if let Some(name) = parse_dir_name(&entry.name) {
                contents.logs.entry(name).or_default().push(number);
            } else if is_deleted_dir(&entry.name)
                && let Err(error) = disk.remove_dir_all(&self.path().join(&entry.name))
            {
                tracing::warn!("what is left of a deleted topic cannot be removed: {error}");
                self.health.report(&error);
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.health.path()
    }

    /// The recovery point and the first offset that are known of a partition.
    pub(super) fn offsets_of(&self, name: &TopicPartition) -> (Offset, Offset) {
        self.checkpoints.lock().of(name)
    }

    /// What the checkpoint files hold.
    pub(super) fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.lock().clone()
    }

    /// Replaces the checkpoint files that are no longer right.
    pub(super) fn write_checkpoints(&self, disk: &dyn Disk, new: Checkpoints) -> Result<(), StorageError> {
        let mut known = self.checkpoints.lock();
        if known.recovery_points != new.recovery_points {
            write_offset_checkpoint(disk, &self.path().join(RECOVERY_POINT_FILE), &new.recovery_points)?;
        }
        if known.log_start_offsets != new.log_start_offsets {
            write_offset_checkpoint(disk, &self.path().join(LOG_START_OFFSET_FILE), &new.log_start_offsets)?;
        }
        *known = new;
        Ok(())
    }

    /// Whether a partition's log was made in this folder; true if that cannot be told.
    pub(super) fn has(&self, disk: &dyn Disk, name: &TopicPartition) -> bool {
        disk.exists(&self.log_path(name)).unwrap_or(true)
    }

    /// Where a partition's log lies in this folder.
    pub(super) fn log_path(&self, name: &TopicPartition) -> PathBuf {
        self.path().join(name.to_string())
    }
}
