//! Opens files for reading only.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use forebay_storage::inspect::Files;

/// The files of the machine.
pub(super) struct ReadOnly;

impl Files for ReadOnly {
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((Box::new(file), length))
    }

    /// By `flock`, as Forebay takes it; Apache Kafka takes a lock of another kind, which this does not see.
    fn is_locked(&self, path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
    }
}
