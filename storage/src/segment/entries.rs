//! A file of entries of one size, written at its end: the common part of the three indexes.
//!
//! New entries stay in memory until there are enough for a write, the segment is rolled, flushed or closed. What a crash takes of
//! them is rebuilt from the log.

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;

/// Bytes of entries that may wait in memory.
const PENDING_LIMIT: usize = 4096;
/// Bytes of entries that are read at once in a search.
const LOOK_BYTES: usize = 4096;
/// Bytes of entries that are read at once where all of them are looked at.
const CHECK_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Entries<const N: usize> {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: OnceLock<Arc<dyn DiskFile>>,
    /// Bytes of entries in the file, once it was looked at. The entries are read from it anew each time: holding on to them would keep
    /// the file mapped.
    stored: OnceLock<usize>,
    pending: Vec<u8>,
    /// All entries stay in memory until [`Entries::store_whole`].
    held: bool,
}

impl<const N: usize> Entries<N> {
    /// Touches no file yet.
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Entries { disk, path, file: OnceLock::new(), stored: OnceLock::new(), pending: Vec::new(), held: false }
    }

    /// Makes the file, empty.
    pub(super) fn reset(&mut self) -> Result<(), StorageError> {
        self.file = OnceLock::from(self.disk.create(&self.path)?);
        self.stored = OnceLock::new();
        self.pending.clear();
        Ok(())
    }

    /// Has no entries and, on disk, no file.
    pub(super) fn remove(&mut self) -> Result<(), StorageError> {
        self.disk.remove_file(&self.path)?;
        self.file = OnceLock::new();
        self.stored = OnceLock::new();
        self.pending.clear();
        Ok(())
    }

    pub(super) fn count(&self) -> Result<usize, StorageError> {
        Ok((self.stored()? + self.pending.len()) / N)
    }

    /// Entry `at`, which must be less than the count.
    pub(super) fn get(&self, at: usize) -> Result<[u8; N], StorageError> {
        let (stored, position) = (self.stored()?, at * N);
        match position.checked_sub(stored) {
            None => Ok(entry_at(&self.read(position, N)?, 0)),
            Some(position) => Ok(entry_at(&self.pending, position)),
        }
    }

    /// The number of entries for which `before` holds, and the last of them; it must hold for none after one for which it does not.
    /// Looks at few of them, and first at the last ones, which are asked for most (Kafka: AbstractIndex, its warm section).
    pub(super) fn last_where(
        &self,
        before: impl Fn(&[u8; N]) -> bool,
    ) -> Result<(usize, Option<[u8; N]>), StorageError> {
        let (stored, many) = (self.stored()? / N, (LOOK_BYTES / N).max(1));
        let warm = stored.saturating_sub(many);
        let bytes = self.read(warm * N, (stored - warm) * N)?;
        let (found, last) = last_within(&bytes, &before);
        if found == stored - warm {
            let (more, younger) = last_within(&self.pending, &before);
            return Ok((stored + more, younger.or(last)));
        }
        if found > 0 || warm == 0 {
            return Ok((warm + found, last));
        }
        let (mut low, mut high, mut lower) = (0, warm, None);
        while high - low > many {
            let middle = low + (high - low) / 2;
            let entry = self.get(middle)?;
            if before(&entry) { (low, lower) = (middle + 1, Some(entry)) } else { high = middle }
        }
        let (found, last) = last_within(&self.read(low * N, (high - low) * N)?, &before);
        Ok((low + found, last.or(lower)))
    }

    /// The number of entries for which `before` holds, under the same condition.
    pub(super) fn partition_point(&self, before: impl Fn(&[u8; N]) -> bool) -> Result<usize, StorageError> {
        Ok(self.last_where(before)?.0)
    }

    /// The last entry.
    pub(super) fn last(&self) -> Result<Option<[u8; N]>, StorageError> {
        self.count()?.checked_sub(1).map(|at| self.get(at)).transpose()
    }

    /// Whether the file is there.
    pub(super) fn is_there(&self) -> Result<bool, StorageError> {
        if self.file.get().is_some() { Ok(true) } else { self.disk.exists(&self.path) }
    }

    /// Whether the file is there, and holds whole entries.
    pub(super) fn is_there_and_whole(&self) -> Result<bool, StorageError> {
        // A file that was looked at before has been cut to whole entries.
        if self.file.get().is_some() {
            return Ok(true);
        }
        match self.disk.open(&self.path) {
            Ok(file) => Ok(file.len().is_multiple_of(N as u64)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether each of the first `count` entries may follow on the one before it.
    pub(super) fn all_follow(
        &self,
        count: usize,
        follows: impl Fn(Option<&[u8; N]>, &[u8; N]) -> bool,
    ) -> Result<bool, StorageError> {
        let (mut before, mut at) = (None, 0);
        while at < count {
            let many = (count - at).min(CHECK_BYTES / N);
            let stored = (self.stored()? / N).saturating_sub(at).min(many);
            let chunk =
                if stored > 0 { self.read(at * N, stored * N)? } else { Bytes::copy_from_slice(&self.get(at)?) };
            for entry in chunk.as_chunks::<N>().0 {
                if !follows(before.as_ref(), entry) {
                    return Ok(false);
                }
                before = Some(*entry);
                at += 1;
            }
        }
        Ok(true)
    }

    /// Adds an entry. If it cannot be written now it waits in memory, and whoever rolls, flushes or closes hears of it: the batch
    /// that it is for is in the log already.
    pub(super) fn push(&mut self, entry: [u8; N]) {
        self.pending.extend_from_slice(&entry);
        if self.pending.len() >= PENDING_LIMIT && !self.held {
            let _ = self.store();
        }
    }

    /// Has no entries and, on disk, no file until [`Entries::store_whole`]: one that is there is complete.
    pub(super) fn start_over(&mut self) -> Result<(), StorageError> {
        self.remove()?;
        self.held = true;
        Ok(())
    }

    /// Ends what [`Entries::start_over`] began: the file comes into being with all its entries, synced if it is to be `durable`.
    pub(super) fn store_whole(&mut self, durable: bool) -> Result<(), StorageError> {
        let mut temporary = self.path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = self.disk.create(&temporary)?;
        file.append(&mut [IoSlice::new(&self.pending)])?;
        if durable {
            file.sync()?;
        }
        self.disk.rename(&temporary, &self.path)?;
        self.file = OnceLock::from(self.disk.open(&self.path)?);
        self.stored = OnceLock::new();
        self.pending.clear();
        self.held = false;
        Ok(())
    }

    /// Whether something waits in memory.
    pub(super) fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what waits in memory.
    pub(super) fn store(&mut self) -> Result<(), StorageError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // Looking first cuts off what a crash may have left of an entry.
        let before = self.stored()?;
        let file = match self.file.get() {
            Some(file) => file.clone(),
            None => {
                let file = self.disk.create(&self.path)?;
                self.file.get_or_init(|| file).clone()
            }
        };
        file.append(&mut [IoSlice::new(&self.pending)])?;
        self.stored = OnceLock::from(before + self.pending.len());
        self.pending.clear();
        Ok(())
    }

    /// Keeps the first `count` entries.
    pub(super) fn truncate(&mut self, count: usize) -> Result<(), StorageError> {
        let stored = self.stored()? / N;
        if count >= stored {
            self.pending.truncate((count - stored) * N);
            return Ok(());
        }
        self.pending.clear();
        self.stored = OnceLock::new();
        match self.file.get() {
            Some(file) => file.truncate((count * N) as u64),
            None => Ok(()),
        }
    }

    /// The file, if this has touched it.
    pub(super) fn file(&self) -> Option<Arc<dyn DiskFile>> {
        self.file.get().cloned()
    }

    fn stored(&self) -> Result<usize, StorageError> {
        if let Some(stored) = self.stored.get() {
            return Ok(*stored);
        }
        let file = match self.file.get() {
            Some(file) => file.clone(),
            None => match self.disk.open(&self.path) {
                Ok(file) => self.file.get_or_init(|| file).clone(),
                Err(error) if error.is_not_found() => return Ok(*self.stored.get_or_init(|| 0)),
                Err(error) => return Err(error),
            },
        };
        let whole = file.len() - file.len() % N as u64;
        file.truncate(whole)?;
        Ok(*self.stored.get_or_init(|| whole as usize))
    }

    /// A stretch of the file that lies within what is stored.
    fn read(&self, position: usize, length: usize) -> Result<Bytes, StorageError> {
        let Some(file) = self.file.get().filter(|_| length > 0) else { return Ok(Bytes::new()) };
        let bytes = file.read_at(position as u64, length)?;
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(StorageError::corrupt(&self.path, "it is shorter than it was"))
        }
    }
}

/// The number of entries in the bytes for which `before` holds, and the last of them.
fn last_within<const N: usize>(bytes: &[u8], before: impl Fn(&[u8; N]) -> bool) -> (usize, Option<[u8; N]>) {
    let entries = bytes.as_chunks::<N>().0;
    let found = entries.partition_point(before);
    (found, found.checked_sub(1).map(|at| entries[at]))
}

/// The entry at a position, which has to be within the bytes.
fn entry_at<const N: usize>(bytes: &[u8], position: usize) -> [u8; N] {
    bytes[position..position + N].try_into().expect("the slice has N bytes")
}
