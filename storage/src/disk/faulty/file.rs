//! A file of a disk that fails on demand.

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;

use super::super::DiskFile;
use super::super::faults::{Fault, Operation};
use super::FaultyDisk;
use crate::error::StorageError;
use crate::ids::Timestamp;

#[derive(Debug)]
pub(super) struct FaultyFile {
    pub(super) disk: FaultyDisk,
    pub(super) path: PathBuf,
    pub(super) inner: Arc<dyn DiskFile>,
    /// The end that the owner knows of; the file is longer where a failed append could not be cut back.
    pub(super) length: AtomicU64,
    pub(super) broken: AtomicBool,
}

impl FaultyFile {
    /// Writes the first `length` bytes of the parts and cuts them off again, as a file system that runs full or fails half-way.
    fn write_and_cut(&self, parts: &[IoSlice<'_>], length: u64) {
        let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(length as usize).collect();
        let before = self.len();
        let written = self.inner.append(&mut [IoSlice::new(&all)]);
        let cut = written.and_then(|()| self.disk.admit(Operation::Truncate, &self.path));
        if cut.and_then(|()| self.inner.truncate(before)).is_err() {
            self.broken.store(true, Ordering::Release);
        } else {
            self.disk.give_space(&self.path, length);
        }
    }
}

impl DiskFile for FaultyFile {
    fn len(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<(), StorageError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(StorageError::Broken { path: self.path.clone() });
        }
        let wanted: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if let Err(error) = self.disk.admit(Operation::Append, &self.path) {
            if !error.is_full() {
                self.write_and_cut(parts, wanted / 2);
            }
            return Err(error);
        }
        let taken = self.disk.take_space(&self.path, wanted);
        if taken < wanted {
            self.write_and_cut(parts, taken);
            return Err(StorageError::io("write to", &self.path)(Fault::Full.error()));
        }
        self.inner.append(parts)?;
        self.length.fetch_add(wanted, Ordering::AcqRel);
        Ok(())
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Bytes, StorageError> {
        self.disk.admit(Operation::Read, &self.path)?;
        let left = usize::try_from(self.len().saturating_sub(position)).unwrap_or(usize::MAX);
        let bytes = self.inner.read_at(position, length.min(left))?;
        self.disk.count_read(&self.path, bytes.len());
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.disk.pass_gate(&self.path);
        let admitted = self.disk.admit(Operation::Sync, &self.path);
        if let (Err(_), Some(memory)) = (&admitted, &self.disk.memory) {
            memory.drop_dirty_pages(&self.path);
        }
        admitted?;
        self.inner.sync()
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    fn reserve(&self, length: u64) -> Result<(), StorageError> {
        self.disk.admit(Operation::Create, &self.path)?;
        self.inner.reserve(length)
    }

    fn release(&self) -> Result<(), StorageError> {
        self.disk.admit(Operation::Truncate, &self.path)?;
        self.inner.release()
    }

    fn modified(&self) -> Result<Timestamp, StorageError> {
        self.disk.admit(Operation::List, &self.path)?;
        self.inner.modified()
    }

    fn set_modified(&self, time: Timestamp) -> Result<(), StorageError> {
        self.disk.admit(Operation::Rename, &self.path)?;
        self.inner.set_modified(time)
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        if length >= self.len() {
            return Ok(());
        }
        self.disk.admit(Operation::Truncate, &self.path)?;
        let before = self.inner.len();
        self.inner.truncate(length)?;
        self.disk.give_space(&self.path, before.saturating_sub(length));
        self.length.store(length, Ordering::Release);
        self.broken.store(false, Ordering::Release);
        Ok(())
    }
}
