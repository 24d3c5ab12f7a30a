//! Reads the files of a log from outside, without opening the log: what `forebay log dump` and `forebay log verify` stand on.
//!
//! Nothing is ever written. Large files are read through handles of the caller that cannot write, a batch at a time, and not
//! mapped: another process may be at work on them, and a mapping of a file that is being cut would end this one.

mod aborts;
mod advice;
mod finding;
mod folder;
mod index;
mod offsets;
mod partition;
mod recovery;
mod scan;
mod segment;
mod snapshot;
mod times;

use std::io::{self, Read};
use std::path::Path;

pub use finding::{Finding, Recovery, Severity};
pub use folder::{Report, check};
pub use index::{AbortEntry, IndexFile, OffsetEntry, TimeEntry, abort_index, offset_index, time_index};
pub use partition::PartitionReport;
pub use scan::{Broken, FoundBatch, Scan, ScanError};
pub use snapshot::{SnapshotEntry, snapshot};

/// Upper bound of a file that is read as a whole (indexes, snapshots, checkpoints), in bytes.
pub const WHOLE_FILE_LIMIT: u64 = 256 * 1024 * 1024;

/// How a check gets at files: the caller opens them, for reading only.
pub trait Files {
    /// Opens a file and tells its length in bytes.
    ///
    /// # Errors
    /// The file is not there or cannot be read.
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)>;

    /// Whether another process holds the lock file at `path`, which need not be there. Never makes it.
    fn is_locked(&self, path: &Path) -> bool;
}

/// Reads a whole file.
///
/// # Errors
/// The file cannot be read, or has more than [`WHOLE_FILE_LIMIT`] bytes.
pub fn read_whole(files: &dyn Files, path: &Path) -> io::Result<Vec<u8>> {
    let (file, length) = files.open(path)?;
    let mut bytes = Vec::new();
    if length <= WHOLE_FILE_LIMIT {
        file.take(WHOLE_FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    }
    if length.max(bytes.len() as u64) > WHOLE_FILE_LIMIT {
        let reason = format!("more than {WHOLE_FILE_LIMIT} bytes, which no file of its kind has");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
