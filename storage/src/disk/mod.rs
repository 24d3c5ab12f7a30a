//! The only door to files: everything this process keeps goes through a [`Disk`].
//!
//! Files are written at their end only, so whatever was once read from a file never changes under the reader. That is what
//! makes handing out slices of mapped files sound.

mod exchange;
mod exclusive;
mod faults;
mod faulty;
mod file;
mod limited;
mod limits;
mod mapped;
mod memory;
#[allow(unsafe_code, reason = "mapped files; each block says why it is sound")]
mod mmap;
mod pool;
mod real;
mod region;

use std::fmt;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

pub use exchange::exchange;
pub use faults::{Fault, FaultPlan};
pub use faulty::FaultyDisk;
pub use limited::LimitedDisk;
pub use limits::{FileLimits, raise_open_file_limit};
pub use memory::MemoryDisk;
pub use real::RealDisk;
pub use region::FileRegion;

use crate::error::StorageError;
use crate::ids::Timestamp;

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// Its name without the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_dir: bool,
}

/// How much a disk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that this process may still write.
    pub usable: u64,
}

/// A file system, as much of it as a log needs. Paths are taken as they are.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file that is there, to read it and to write at its end.
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError>;

    /// Makes an empty file, in place of one of that name.
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError>;

    /// Reads a whole small file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError>;

    /// Replaces a small file so that after a crash either the old or the new content is there, whole. When it returns, the new
    /// content is durable.
    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError>;

    /// Whether a file or folder is there.
    fn exists(&self, path: &Path) -> Result<bool, StorageError>;

    /// What is in a folder, by name.
    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError>;

    /// Makes a folder and those above it.
    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError>;

    /// Gives a file or folder another name, in place of a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError>;

    /// Removes a file; one that is not there is no error. Slices already read from it stay readable.
    fn remove_file(&self, path: &Path) -> Result<(), StorageError>;

    /// Removes a folder with all that is in it; one that is not there is no error.
    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError>;

    /// Makes the names in a folder durable: created, renamed and removed entries.
    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError>;

    /// Closes what was not used since this was called the last time. Nothing is lost by it: files are opened again when they are used.
    fn rest(&self) {}

    /// How much the disk of a folder holds; `None` where that is not known.
    fn space(&self, _dir: &Path) -> Result<Option<DiskSpace>, StorageError> {
        Ok(None)
    }

    /// Takes the lock file at `path` until the guard is dropped; [`StorageError::Locked`] if another process has it.
    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError>;
}

/// An open file. One writer at a time, by the owner's discipline; readers may be many.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Bytes written so far.
    fn len(&self) -> u64;

    /// Whether nothing was written yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the parts, in order, at the end: all of them or, with an error, none.
    fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<(), StorageError>;

    /// A stretch of the file. Cut at the end of what was written; empty beyond it. What cannot be read is an error here, not when the
    /// bytes are looked at.
    fn read_at(&self, position: u64, length: usize) -> Result<Bytes, StorageError>;

    /// A stretch of the file to be sent to a socket as it is; `None` where that is not possible: not within what was written, or
    /// not a file of the operating system. [`DiskFile::read_at`] gives the same bytes.
    fn region(&self, _position: u64, _length: usize) -> Option<FileRegion> {
        None
    }

    /// As [`DiskFile::read_at`], for bytes that are to be sent: as a region where that is possible. Then the pages of the bytes were
    /// not looked at, and nobody may look at them: one that cannot be read ends the process. Sending the region finds it out.
    fn read_to_send(&self, position: u64, length: usize) -> Result<(Bytes, Option<FileRegion>), StorageError> {
        Ok((self.read_at(position, length)?, self.region(position, length)))
    }

    /// Makes the content durable (not the name, see [`Disk::sync_dir`]).
    fn sync(&self) -> Result<(), StorageError>;

    /// Cuts the file off at `length`. Slices that were read before keep their content.
    fn truncate(&self, length: u64) -> Result<(), StorageError>;

    /// Whether an append failed half-way and could not be undone. The file takes no more then, and what lies behind its end is
    /// found when it is opened anew.
    fn is_broken(&self) -> bool {
        false
    }

    /// Sets room aside on the disk so that the file can grow to `length` bytes; its length stays. A file system that cannot do this
    /// does nothing.
    fn reserve(&self, _length: u64) -> Result<(), StorageError> {
        Ok(())
    }

    /// Gives back the room beyond what was written.
    fn release(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// When it was written last; [`Timestamp::NONE`] where that is not known.
    fn modified(&self) -> Result<Timestamp, StorageError> {
        Ok(Timestamp::NONE)
    }

    /// Lets it look as if it had been written last at that time.
    fn set_modified(&self, _time: Timestamp) -> Result<(), StorageError> {
        Ok(())
    }
}

#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod tests;
#[cfg(all(test, target_os = "linux"))]
mod unreadable_tests;
