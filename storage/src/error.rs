//! The world's fault: a disk that fails, or files that are not what this process wrote.

use std::io;
use std::path::{Path, PathBuf};

/// A disk failed or holds something unreadable. Says where and during what.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The content of a file makes no sense.
    #[error("{} is damaged: {reason}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process works in the folder.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The folder's lock file.
        path: PathBuf,
    },
    /// An earlier write failed half-way and could not be undone; the log must be opened anew.
    #[error("{} is closed for writing after a failed write; restart to recover it", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
    },
}

impl StorageError {
    /// For `map_err`: adds what was tried and where.
    pub fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
        let path = path.to_owned();
        move |source| StorageError::Io { operation, path, source }
    }

    /// A file whose content makes no sense.
    pub fn corrupt(path: &Path, reason: impl Into<String>) -> StorageError {
        StorageError::Corrupt { path: path.to_owned(), reason: reason.into() }
    }

    /// Whether the disk, or what this user may have of it, is full (ENOSPC, EDQUOT). What was there is as it was, and writing goes on
    /// when there is room. A sync that fails for that reason is a failure of the disk: nobody knows what it has lost.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, StorageError::Io { operation, source, .. } if full(source.kind()) && !operation.starts_with("sync"))
    }

    /// Whether the disk failed (EIO, a file system that was remounted read-only, a file that vanished, any failed sync): nothing in
    /// the same folder of logs is to be trusted until it was opened anew (Kafka: LogDirFailureChannel). Not so when it is full,
    /// when this process has run out of descriptors or memory, and when only one file's content makes no sense.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        let StorageError::Io { operation, source, .. } = self else { return false };
        let out_of_memory = source.kind() == io::ErrorKind::OutOfMemory;
        operation.starts_with("sync") || !(self.is_full() || out_of_memory || out_of_descriptors(source))
    }

    /// The file or folder that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            StorageError::Io { path, .. }
            | StorageError::Corrupt { path, .. }
            | StorageError::Locked { path }
            | StorageError::Broken { path } => path,
        }
    }

    /// Whether the file or folder is simply not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, StorageError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// EMFILE and ENFILE, for which the standard library has no kind yet.
fn out_of_descriptors(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn failed(operation: &'static str, number: i32) -> StorageError {
        StorageError::io(operation, Path::new("/t-0/x"))(io::Error::from_raw_os_error(number))
    }

    #[test]
    fn full_and_failing_disks_are_told_apart() {
        // Numbers of Linux: EIO, ENOSPC, EROFS, EDQUOT; ENFILE, EMFILE, ENOMEM.
        let (io, full, read_only, quota) = (5, 28, 30, 122);
        assert!(failed("write to", full).is_full() && !failed("write to", full).is_disk_failure());
        assert_eq!(failed("create", quota).is_full(), cfg!(target_os = "linux"));
        for number in [io, read_only] {
            assert!(failed("write to", number).is_disk_failure() && !failed("write to", number).is_full());
        }
        for operation in ["sync", "sync folder"] {
            assert!(failed(operation, full).is_disk_failure() && !failed(operation, full).is_full());
        }
        for number in [23, 24, 12] {
            assert!(!failed("open", number).is_disk_failure() && !failed("open", number).is_full());
        }
        let broken = StorageError::Broken { path: PathBuf::from("/t-0") };
        assert!(!broken.is_disk_failure() && !broken.is_full());
    }
}
