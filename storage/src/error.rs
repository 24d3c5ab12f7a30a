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

    /// Whether the file or folder is simply not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, StorageError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
