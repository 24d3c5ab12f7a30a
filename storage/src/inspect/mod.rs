//! Reads the files of a log from outside, without opening the log: what `forebay log dump` and `forebay log verify` stand on.
//!
//! Nothing is ever written. Files are read through ordinary handles that cannot write, a batch at a time, and not through
//! [`crate::disk`]: another process may be at work on them, and a mapping of a file that is being cut would end this one.

mod aborts;
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

pub use finding::{Finding, Recovery, Severity};
pub use folder::{Report, check};
pub use index::{AbortEntry, IndexFile, OffsetEntry, TimeEntry, abort_index, offset_index, time_index};
pub use partition::PartitionReport;
pub use scan::{Broken, FoundBatch, Scan, ScanError};
pub use snapshot::{SnapshotEntry, snapshot};

/// Upper bound of a file that is read as a whole (indexes, snapshots, checkpoints), in bytes.
pub const WHOLE_FILE_LIMIT: u64 = 256 * 1024 * 1024;

/// Reads a whole file through a handle that cannot write.
///
/// # Errors
/// The file cannot be read, or has more than [`WHOLE_FILE_LIMIT`] bytes.
pub fn read_whole(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(WHOLE_FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > WHOLE_FILE_LIMIT {
        let reason = format!("more than {WHOLE_FILE_LIMIT} bytes, which no file of its kind has");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
