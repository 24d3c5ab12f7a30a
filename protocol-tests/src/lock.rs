//! A lock between test processes: one sets a language up or builds the binary, the others wait for it.

use std::fs::File;
use std::path::Path;

/// Held while it lives; the operating system lets it go when the process dies.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits until no other process holds the lock at `path`.
    ///
    /// # Panics
    /// When the file cannot be made or locked.
    pub fn acquire(path: &Path) -> Self {
        let file = File::create(path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        file.lock().unwrap_or_else(|error| panic!("cannot lock {}: {error}", path.display()));
        Self { _file: file }
    }
}
