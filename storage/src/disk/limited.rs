//! The file system of the machine with limits of its own, for tests and for programs that share a process with others.

use std::path::Path;
use std::sync::Arc;

use super::file::RealFile;
use super::limits::FileLimits;
use super::pool::Pool;
use super::{DirEntry, Disk, DiskFile, RealDisk};
use crate::error::StorageError;

/// Like [`RealDisk`], with descriptors and mappings of its own.
#[derive(Clone, Debug)]
pub struct LimitedDisk {
    pool: Arc<Pool>,
}

impl LimitedDisk {
    /// A disk whose files keep to `limits`.
    #[must_use]
    pub fn new(limits: FileLimits) -> LimitedDisk {
        LimitedDisk { pool: Pool::new(limits) }
    }

    /// Files that have a descriptor or a mapping now.
    #[cfg(test)]
    pub(super) fn open_files(&self) -> usize {
        self.pool.open_files()
    }
}

impl Disk for LimitedDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        Ok(RealFile::open(&self.pool, path)?)
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        Ok(RealFile::create(&self.pool, path)?)
    }

    fn rest(&self) {
        self.pool.rest();
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        RealDisk.read(path)
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        RealDisk.write_atomic(path, content)
    }

    fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        RealDisk.exists(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError> {
        RealDisk.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        RealDisk.create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        RealDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        RealDisk.remove_file(path)
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        RealDisk.remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError> {
        RealDisk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
        RealDisk.lock(path)
    }
}
