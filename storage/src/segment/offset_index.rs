//! `.index`: from offsets to positions in the log file (Kafka: OffsetIndex). Entries: offset relative to the base i32, position i32.

use std::path::PathBuf;
use std::sync::Arc;

use super::entries::Entries;
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::Offset;

const ENTRY: usize = 8;

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

    /// Position of the last entry at or before `offset`; 0 if there is none.
    pub(super) fn position(&self, offset: Offset) -> Result<u64, StorageError> {
        let relative = offset.0.saturating_sub(self.base.0);
        let after = self.entries.partition_point(|entry| i64::from(split(entry).0) <= relative)?;
        match after.checked_sub(1) {
            None => Ok(0),
            Some(at) => Ok(split(&self.entries.get(at)?).1 as u64),
        }
    }

    /// Position of the last batch that is noted here, ends before `up_to` and begins at or before `limit`, if any.
    pub(super) fn position_within(&self, up_to: Offset, limit: u64) -> Result<Option<u64>, StorageError> {
        let relative = up_to.0.saturating_sub(self.base.0);
        let within = |entry: &[u8; ENTRY]| {
            let (offset, position) = split(entry);
            i64::from(offset) < relative && position as u64 <= limit
        };
        let after = self.entries.partition_point(within)?;
        after.checked_sub(1).map(|at| Ok(split(&self.entries.get(at)?).1 as u64)).transpose()
    }

    /// The last entry before `point`: how many there are up to it, offset and position; `None` if there is none, or one up to there is out of order or leads beyond
    /// the `size` of the log file.
    pub(super) fn last_sound_before(
        &self,
        point: Offset,
        size: u64,
    ) -> Result<Option<(usize, Offset, u64)>, StorageError> {
        let relative = point.0.saturating_sub(self.base.0);
        let count = self.entries.partition_point(|entry| i64::from(split(entry).0) < relative)?;
        let follows = |before: Option<&[u8; ENTRY]>, entry: &[u8; ENTRY]| {
            let (offset, position) = split(entry);
            let ascends = before.map(split).is_none_or(|before| offset > before.0 && position > before.1);
            ascends && offset >= 0 && (position as u64) < size
        };
        if count == 0 || !self.entries.all_follow(count, follows)? {
            return Ok(None);
        }
        let (offset, position) = split(&self.entries.get(count - 1)?);
        Ok(Some((count, Offset(self.base.0 + i64::from(offset)), position as u64)))
    }

    /// Position of the last entry; 0 if there is none.
    pub(super) fn last_position(&self) -> Result<u64, StorageError> {
        self.position(Offset(i64::MAX))
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
        let Some(last) = self.entries.count()?.checked_sub(1) else { return Ok(true) };
        let (offset, position) = split(&self.entries.get(last)?);
        Ok((offset > 0 || last == 0) && offset >= 0 && (position as u64) < size)
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
        match (self.last, self.entries.count()?) {
            (Some(last), _) => Ok(Some(last)),
            (None, 0) => Ok(None),
            (None, count) => Ok(Some(split(&self.entries.get(count - 1)?).0)),
        }
    }
}

fn split(entry: &[u8; ENTRY]) -> (i32, i32) {
    let [a, b, c, d, e, f, g, h] = *entry;
    (i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]).max(0))
}
