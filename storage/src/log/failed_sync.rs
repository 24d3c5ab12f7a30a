//! After a failed sync: what was not on disk then is written anew before it counts again.
//!
//! A system that cannot write a dirty page tells the next sync so, once, and takes the page for clean. Until the page is dropped from
//! memory everybody reads what was written, recovery too, and further syncs succeed; after a loss of power it is not there. So a
//! log whose sync failed leaves a mark in its folder, and whoever opens the folder next copies what the failed sync may have been
//! about. The mark needs no sync: after a loss of power there is nothing left that could deceive.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::StorageError;
use crate::ids::Offset;
use crate::segment::{LOG_SUFFIX, OFFSET_INDEX_SUFFIX, base_of_log, file_path};

/// Name of the mark; Kafka passes over files whose names it does not know.
const MARK: &str = "sync-failed";

/// Bytes that are copied at once.
const CHUNK: usize = 1 << 20;

/// Leaves the mark. If not even that is possible the folder will hardly be opened for writing before it was repaired.
pub(super) fn leave_mark(disk: &dyn Disk, dir: &Path) {
    let _ = disk.create(&dir.join(MARK));
}

/// Writes anew what lies beyond the recovery point if there is a mark, and removes the indexes, so that they are made anew as well;
/// true if it did so.
pub(super) fn write_anew(disk: &dyn Disk, dir: &Path, recovery_point: Offset) -> Result<bool, StorageError> {
    let mark = dir.join(MARK);
    if !disk.exists(&mark)? {
        return Ok(false);
    }
    let names = disk.list(dir)?.into_iter().map(|entry| entry.name);
    let bases: Vec<Offset> = names.filter_map(|name| base_of_log(&name)).collect();
    let first = bases.iter().rfind(|base| **base <= recovery_point).copied().unwrap_or(Offset::ZERO);
    for base in &bases {
        if *base >= first {
            copy_anew(disk, &file_path(dir, *base, LOG_SUFFIX))?;
        }
        disk.remove_file(&file_path(dir, *base, OFFSET_INDEX_SUFFIX))?;
    }
    disk.sync_dir(dir)?;
    disk.remove_file(&mark)?;
    Ok(true)
}

/// Puts a synced copy in a file's place. What a crash leaves of it is removed on opening.
fn copy_anew(disk: &dyn Disk, path: &Path) -> Result<(), StorageError> {
    let mut copy_path = path.as_os_str().to_owned();
    copy_path.push(".cleaned");
    let copy_path = PathBuf::from(copy_path);
    let (source, copy) = (disk.open(path)?, disk.create(&copy_path)?);
    while copy.len() < source.len() {
        copy.append(&mut [IoSlice::new(&source.read_at(copy.len(), CHUNK)?)])?;
    }
    copy.sync()?;
    disk.rename(&copy_path, path)
}
