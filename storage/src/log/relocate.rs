//! Takes a log to another folder while it is written to (Kafka: LogManager.replaceCurrentWithFutureLog).
//!
//! What does not change any more is copied first, without holding the log, into a folder named as Kafka names such copies. The rest
//! follows under the log's lock. Then the old folder is renamed for deletion, and only then the copy gets the partition's name: at
//! every moment one folder at most counts as the log. A crash between the two renames leaves a copy that is complete, which
//! `partition.metadata`, written last, says; [`settle_future`] gives it its name.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use super::{Log, LogOptions, names};
use crate::checkpoint::PARTITION_METADATA_FILE;
use crate::disk::Disk;
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};
use crate::segment::{LOG_SUFFIX, file_path};

/// Copied at a time.
const STRETCH_BYTES: usize = 1024 * 1024;
/// Endings of files that are no part of the log, or not yet.
const PASSING: [&str; 5] = [".deleted", ".cleaned", ".swap", ".tmp", ".cut"];

/// What there is to copy now.
#[derive(Clone, Debug)]
pub struct CopySource {
    dir: PathBuf,
    active: Offset,
}

impl CopySource {
    /// Where the segment begins that is written to: what lies before does not change any more.
    #[must_use]
    pub fn sealed_up_to(&self) -> Offset {
        self.active
    }

    /// Copies into the folder `to` what is not there yet: the sealed segments with their indexes, and the batches of the active one
    /// as far as they are there now. `go_on` is told the bytes of each stretch, and stops the copy by saying no.
    pub fn copy_to(
        &self,
        disk: &dyn Disk,
        to: &Path,
        mut go_on: impl FnMut(usize) -> bool,
    ) -> Result<(), StorageError> {
        for name in files_in(disk, &self.dir)? {
            let Some(base) = base_of(&name) else { continue };
            let growing = base == self.active && name.ends_with(LOG_SUFFIX);
            if base >= self.active && !growing {
                continue;
            }
            match copy_rest(disk, &self.dir.join(&name), &to.join(&name), &mut go_on) {
                // Retention was faster.
                Err(error) if error.is_not_found() => disk.remove_file(&to.join(&name))?,
                copied => copied?,
            }
        }
        disk.sync_dir(to)
    }
}

impl Log {
    /// What there is to copy now.
    #[must_use]
    pub fn copy_source(&self) -> CopySource {
        CopySource { dir: self.dir.clone(), active: self.active().base() }
    }

    /// Completes the copy in the folder `future`, and makes it the log, under its name in the folder `parent`. Returns the old folder,
    /// to be removed with all that is in it. With an error the log is where it was, or broken if it cannot say.
    pub fn move_to(&mut self, future: &Path, parent: &Path, now: Timestamp) -> Result<PathBuf, StorageError> {
        self.close()?;
        let old = self.dir.clone();
        self.complete_copy(future)?;
        let gone = old.with_file_name(names::deleted_dir_name(&self.partition, self.topic_id));
        let target = parent.join(self.partition.to_string());
        self.disk.remove_dir_all(&gone)?;
        self.disk.rename(&old, &gone)?;
        let named = sync_parent(&*self.disk, &old)
            .and_then(|()| self.disk.rename(future, &target))
            .and_then(|()| self.disk.sync_dir(parent));
        if let Err(error) = named {
            // Back, so that the old folder is the log again; where that fails, the next start finds the copy.
            self.broken = self.disk.rename(&gone, &old).and_then(|()| sync_parent(&*self.disk, &old)).is_err();
            return Err(error);
        }
        // From here on the old folder is not the log any more.
        self.broken = true;
        let mut moved = Log::open(LogOptions {
            disk: self.disk.clone(),
            dir: target.clone(),
            partition: self.partition.clone(),
            topic_id: self.topic_id,
            config: self.config.clone(),
            recovery_point: self.log_end,
            log_start_offset: self.log_start,
            clean: true,
            now,
        })?;
        if (moved.log_start, moved.log_end) != (self.log_start, self.log_end) {
            let found = format!("the copy has {} to {}", moved.log_start, moved.log_end);
            return Err(StorageError::corrupt(&target, format!("{found} of {} to {}", self.log_start, self.log_end)));
        }
        moved.set_high_watermark(self.high_watermark);
        moved.set_cleaned_up_to(self.cleaned_up_to());
        *self = moved;
        Ok(gone)
    }

    fn complete_copy(&self, future: &Path) -> Result<(), StorageError> {
        let disk = &*self.disk;
        let wanted = files_in(disk, &self.dir)?;
        for name in files_in(disk, future)? {
            if !wanted.contains(&name) {
                disk.remove_file(&future.join(name))?;
            }
        }
        let active = self.active().base();
        for name in wanted.iter().filter(|name| *name != PARTITION_METADATA_FILE) {
            let (from, to) = (self.dir.join(name), future.join(name));
            let appended_to =
                base_of(name).is_some_and(|base| base < active || from == file_path(&self.dir, base, LOG_SUFFIX));
            if !appended_to {
                // It may have changed in any way.
                disk.remove_file(&to)?;
            }
            copy_rest(disk, &from, &to, &mut |_| true)?;
        }
        disk.sync_dir(future)?;
        // Last: it says that the copy is complete.
        if wanted.iter().any(|name| name == PARTITION_METADATA_FILE) {
            let content = disk.read(&self.dir.join(PARTITION_METADATA_FILE))?;
            disk.write_atomic(&future.join(PARTITION_METADATA_FILE), &content)?;
        }
        Ok(())
    }
}

/// Copies what `to` does not have yet of the file `from`, which only grows, and syncs it.
fn copy_rest(
    disk: &dyn Disk,
    from: &Path,
    to: &Path,
    go_on: &mut impl FnMut(usize) -> bool,
) -> Result<(), StorageError> {
    let source = disk.open(from)?;
    let copy = if disk.exists(to)? { disk.open(to)? } else { disk.create(to)? };
    let copy = if copy.len() > source.len() { disk.create(to)? } else { copy };
    while copy.len() < source.len() {
        let stretch = source.read_at(copy.len(), STRETCH_BYTES)?;
        copy.append(&mut [IoSlice::new(&stretch)])?;
        if !go_on(stretch.len()) {
            return Ok(());
        }
    }
    copy.sync()
}

fn files_in(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, StorageError> {
    let entries = disk.list(dir)?.into_iter().filter(|entry| !entry.is_dir);
    Ok(entries.map(|entry| entry.name).filter(|name| !PASSING.iter().any(|ending| name.ends_with(ending))).collect())
}

/// The base offset of the segment that a file belongs to, or of the snapshot.
fn base_of(name: &str) -> Option<Offset> {
    let (digits, _) = name.split_once('.')?;
    (digits.len() == 20).then(|| digits.parse().ok().map(Offset))?
}

fn sync_parent(disk: &dyn Disk, dir: &Path) -> Result<(), StorageError> {
    disk.sync_dir(dir.parent().unwrap_or(dir))
}

/// Settles what an interrupted move has left in the data folder `parent` under `name`: where the partition has no folder in any of
/// the data folders (`has_log`), a complete copy becomes the log, and any other is removed.
pub fn settle_future(disk: &dyn Disk, parent: &Path, name: &str, has_log: bool) -> Result<(), StorageError> {
    let future = parent.join(name);
    let complete = disk.exists(&future.join(PARTITION_METADATA_FILE))?;
    match names::future_of(name).filter(|_| complete && !has_log) {
        Some(partition) => disk.rename(&future, &parent.join(partition.to_string()))?,
        None => disk.remove_dir_all(&future)?,
    }
    disk.sync_dir(parent)
}
