//! Counts the mappings of each file in this process, so that no file is made shorter under a reader.
//!
//! Counted by the file itself and not by the handle: a log may be closed and opened again while slices of it are still on their
//! way to a consumer.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Device and number of a file.
pub(super) type Identity = (u64, u64);

static MAPPINGS: Mutex<BTreeMap<Identity, usize>> = Mutex::new(BTreeMap::new());

/// One mapping of a file, until dropped.
#[derive(Debug)]
pub(super) struct Mapped(Identity);

impl Mapped {
    /// Counts a mapping that is about to be made.
    pub(super) fn new(file: &File) -> io::Result<Mapped> {
        Ok(Mapped::count(identity(file)?))
    }

    pub(super) fn count(identity: Identity) -> Mapped {
        *mappings().entry(identity).or_default() += 1;
        Mapped(identity)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let mut mappings = mappings();
        if let Some(count) = mappings.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                mappings.remove(&self.0);
            }
        }
    }
}

/// Makes the file shorter if it is not mapped anywhere; false if it is. No mapping can come between.
pub(super) fn shorten_unmapped(file: &File, length: u64) -> io::Result<bool> {
    let identity = identity(file)?;
    let mappings = mappings();
    if mappings.contains_key(&identity) {
        return Ok(false);
    }
    file.set_len(length)?;
    Ok(true)
}

fn mappings() -> MutexGuard<'static, BTreeMap<Identity, usize>> {
    MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn identity(file: &File) -> io::Result<Identity> {
    Ok(identity_of(&file.metadata()?))
}

/// The identity in what the system says about a file.
#[cfg(unix)]
pub(super) fn identity_of(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// Where files have no number to be had, all count as one: some are then copied without need.
#[cfg(not(unix))]
pub(super) fn identity_of(_found: &Metadata) -> Identity {
    (0, 0)
}
