//! The lock on a data folder, one that both this program and Apache Kafka respect.
//!
//! Kafka takes the lock of Java's `FileChannel`, which on Unix is one of `fcntl`. Such a lock belongs to the process and is gone when
//! any of its handles of the file is closed, so `flock` is taken too: it keeps two nodes in one process apart.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::StorageError;

/// Takes the lock until the guard is dropped.
pub(super) fn lock(path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = open.map_err(StorageError::io("open", path))?;
    let locked = || StorageError::Locked { path: path.to_owned() };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(locked()),
        Err(TryLockError::Error(error)) => return Err(StorageError::io("lock", path)(error)),
    }
    if lock_as_java(&file).map_err(StorageError::io("lock", path))? { Ok(Box::new(file)) } else { Err(locked()) }
}

/// Whether the lock was to be had.
#[cfg(unix)]
fn lock_as_java(file: &File) -> std::io::Result<bool> {
    use rustix::fs::{FlockOperation, fcntl_lock};
    use rustix::io::Errno;
    match fcntl_lock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::ACCESS | Errno::AGAIN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Windows has one kind of lock for all.
#[cfg(not(unix))]
fn lock_as_java(_file: &File) -> std::io::Result<bool> {
    Ok(true)
}
