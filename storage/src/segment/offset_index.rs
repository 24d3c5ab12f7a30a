//! `.index`: from offsets to positions in the log file (Kafka: OffsetIndex). Entries: offset relative to the base i32, position i32.

use std::path::PathBuf;
use std::sync::Arc;

use super::entries::Entries;
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::Offset;

const ENTRY: usize = 8;

/// What an entry says: a batch that begins at `position` ends with `offset`. Apache Kafka before 4.0 notes the last offset of all
/// batches that were appended together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) offset: Offset,
    pub(super) position: u64,
}

#[derive(Debug)]
pub(super) struct OffsetIndex {
    entries: Entries<ENTRY>,
    base: Offset,
    last: Option<i32>,
}

impl OffsetIndex {
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf, base: Offset) -> Self {
        OffsetIndex { entries: Entries::new(disk, path), base, last: None }
    }

    pub(super) fn reset(&mut self) -> Result<(), StorageError> {
        self.last = None;
        self.entries.reset()
    }

    /// The last entry at or before `offset`.
    pub(super) fn noted_before(&self, offset: Offset) -> Result<Option<Noted>, StorageError> {
        let relative = offset.0.saturating_sub(self.base.0);
        let (_, last) = self.entries.last_where(|entry| i64::from(split(entry).0) <= relative)?;
        Ok(last.map(|entry| self.noted(&entry)))
    }

    /// The last entry of a batch that ends before `up_to` and begins at or before `limit`.
    pub(super) fn noted_within(&self, up_to: Offset, limit: u64) -> Result<Option<Noted>, StorageError> {
        let relative = up_to.0.saturating_sub(self.base.0);
        let within = |entry: &[u8; ENTRY]| {
            let (offset, position) = split(entry);
            i64::from(offset) < relative && position as u64 <= limit
        };
        Ok(self.entries.last_where(within)?.1.map(|entry| self.noted(&entry)))
    }

    /// The last entry.
    pub(super) fn last_noted(&self) -> Result<Option<Noted>, StorageError> {
        Ok(self.entries.last()?.map(|entry| self.noted(&entry)))
    }

    /// The last entry before `point`, and how many there are up to it; `None` if there is none, or one up to there is out of order or
    /// leads beyond the `size` of the log file.
    pub(super) fn last_sound_before(&self, point: Offset, size: u64) -> Result<Option<(usize, Noted)>, StorageError> {
        let relative = point.0.saturating_sub(self.base.0);
        let (count, last) = self.entries.last_where(|entry| i64::from(split(entry).0) < relative)?;
        let follows = |before: Option<&[u8; ENTRY]>, entry: &[u8; ENTRY]| {
            let (offset, position) = split(entry);
            let ascends = before.map(split).is_none_or(|before| offset > before.0 && position > before.1);
            ascends && offset >= 0 && (position as u64) < size
        };
        let Some(last) = last else { return Ok(None) };
        Ok(self.entries.all_follow(count, follows)?.then(|| (count, self.noted(&last))))
    }

    /// Adds an entry; offsets ascend. One that would not is left out: the index is only a help.
    pub(super) fn push(&mut self, offset: Offset, position: u64) -> Result<(), StorageError> {
        let (Ok(relative), Ok(position)) = (i32::try_from(offset.0 - self.base.0), i32::try_from(position)) else {
            return Ok(());
        };
        if self.last()?.is_some_and(|last| relative <= last) {
            return Ok(());
        }
        let mut entry = [0; ENTRY];
        entry[..4].copy_from_slice(&relative.to_be_bytes());
        entry[4..].copy_from_slice(&position.to_be_bytes());
        self.entries.push(entry);
        self.last = Some(relative);
        Ok(())
    }

    pub(super) fn is_full(&self, max_bytes: usize) -> Result<bool, StorageError> {
        Ok(self.entries.count()? >= max_bytes / ENTRY)
    }

    /// Removes the entries at or after `offset`.
    pub(super) fn truncate(&mut self, offset: Offset) -> Result<(), StorageError> {
        let relative = offset.0.saturating_sub(self.base.0);
        self.last = None;
        self.entries.truncate(self.entries.partition_point(|entry| i64::from(split(entry).0) < relative)?)
    }

    /// Whether the file is there and holds whole entries.
    pub(super) fn is_there_and_whole(&self) -> Result<bool, StorageError> {
        self.entries.is_there_and_whole()
    }

    /// Whether the file is there, holds whole entries, and the last one can be about a log file of `size` bytes (Kafka:
    /// OffsetIndex.sanityCheck).
    pub(super) fn looks_sound(&self, size: u64) -> Result<bool, StorageError> {
        if !self.entries.is_there_and_whole()? {
            return Ok(false);
        }
        let Some(last) = self.entries.last()? else { return Ok(true) };
        let (offset, position) = split(&last);
        Ok((offset > 0 || self.entries.count()? == 1) && offset >= 0 && (position as u64) < size)
    }

    /// Keeps the first `count` entries.
    pub(super) fn keep(&mut self, count: usize) -> Result<(), StorageError> {
        self.last = None;
        self.entries.truncate(count)
    }

    /// Forgets all entries and removes the file, until [`Self::store_whole`].
    pub(super) fn start_over(&mut self) -> Result<(), StorageError> {
        self.last = None;
        self.entries.start_over()
    }

    /// Puts the file in place, with all entries.
    pub(super) fn store_whole(&mut self, durable: bool) -> Result<(), StorageError> {
        self.entries.store_whole(durable)
    }

    /// Whether entries wait in memory.
    pub(super) fn waits(&self) -> bool {
        self.entries.waits()
    }

    pub(super) fn store(&mut self) -> Result<(), StorageError> {
        self.entries.store()
    }

    pub(super) fn file(&self) -> Option<Arc<dyn DiskFile>> {
        self.entries.file()
    }

    /// Reads what adding an entry needs to know, after which it cannot fail.
    pub(super) fn prepare(&mut self) -> Result<(), StorageError> {
        self.last = self.last()?;
        Ok(())
    }

    fn last(&self) -> Result<Option<i32>, StorageError> {
        match self.last {
            Some(last) => Ok(Some(last)),
            None => Ok(self.entries.last()?.map(|entry| split(&entry).0)),
        }
    }

    fn noted(&self, entry: &[u8; ENTRY]) -> Noted {
        let (offset, position) = split(entry);
        Noted { offset: Offset(self.base.0 + i64::from(offset)), position: position as u64 }
    }
}

fn split(entry: &[u8; ENTRY]) -> (i32, i32) {
    let [a, b, c, d, e, f, g, h] = *entry;
    (i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]).max(0))
}
