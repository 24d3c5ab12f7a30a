//! `.timeindex`: from times to offsets (Kafka: TimeIndex). Entries: timestamp i64, offset relative to the base i32. An entry says:
//! no batch before that offset is younger.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::entries::Entries;
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, Timestamp};

const ENTRY: usize = 12;

#[derive(Debug)]
pub(super) struct TimeIndex {
    entries: Entries<ENTRY>,
    base: Offset,
    /// The last entry, once known.
    last: OnceLock<(Timestamp, Offset)>,
}

impl TimeIndex {
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf, base: Offset) -> Self {
        TimeIndex { entries: Entries::new(disk, path), base, last: OnceLock::new() }
    }

    pub(super) fn reset(&mut self) -> Result<(), StorageError> {
        self.last = OnceLock::new();
        self.entries.reset()
    }

    /// The last entry at or before `timestamp`; (-1, base offset) if there is none.
    pub(super) fn lookup(&self, timestamp: Timestamp) -> Result<(Timestamp, Offset), StorageError> {
        let (_, last) = self.entries.last_where(|entry| split(entry).0 <= timestamp)?;
        Ok(self.noted(last))
    }

    /// The last entry; (-1, base offset) if there is none.
    pub(super) fn last(&self) -> Result<(Timestamp, Offset), StorageError> {
        if let Some(last) = self.last.get() {
            return Ok(*last);
        }
        let last = self.noted(self.entries.last()?);
        Ok(*self.last.get_or_init(|| last))
    }

    fn noted(&self, entry: Option<[u8; ENTRY]>) -> (Timestamp, Offset) {
        let Some((timestamp, relative)) = entry.as_ref().map(split) else { return (Timestamp::NONE, self.base) };
        (timestamp, Offset(self.base.0 + i64::from(relative)))
    }

    /// The last entry whose offset is not beyond `until`, and how many there are up to it; (-1, base offset) if there is none; `None` if
    /// one up to there is out of order.
    pub(super) fn last_sound_until(&self, until: Offset) -> Result<Option<(usize, Timestamp, Offset)>, StorageError> {
        let relative = until.0.saturating_sub(self.base.0);
        let (count, last) = self.entries.last_where(|entry| i64::from(split(entry).1) <= relative)?;
        let follows = |before: Option<&[u8; ENTRY]>, entry: &[u8; ENTRY]| {
            let (timestamp, offset) = split(entry);
            let ascends = before.map(split).is_none_or(|before| timestamp > before.0 && offset >= before.1);
            ascends && (0..=relative).contains(&i64::from(offset))
        };
        if !self.entries.all_follow(count, follows)? {
            return Ok(None);
        }
        let (timestamp, offset) = self.noted(last);
        Ok(Some((count, timestamp, offset)))
    }

    /// Adds an entry if it is younger than the last one.
    pub(super) fn maybe_push(&mut self, timestamp: Timestamp, offset: Offset) -> Result<(), StorageError> {
        let (last_timestamp, last_offset) = self.last()?;
        let Ok(relative) = i32::try_from(offset.0 - self.base.0) else { return Ok(()) };
        if timestamp <= last_timestamp || offset < last_offset {
            return Ok(());
        }
        let mut entry = [0; ENTRY];
        entry[..8].copy_from_slice(&timestamp.0.to_be_bytes());
        entry[8..].copy_from_slice(&relative.to_be_bytes());
        self.entries.push(entry);
        self.last = OnceLock::from((timestamp, offset));
        Ok(())
    }

    /// Whether there is room for one more only, which is kept for the entry at the end.
    pub(super) fn is_full(&self, max_bytes: usize) -> Result<bool, StorageError> {
        Ok(self.entries.count()? + 1 >= max_bytes / ENTRY)
    }

    /// Removes the entries at or after `offset`.
    pub(super) fn truncate(&mut self, offset: Offset) -> Result<(), StorageError> {
        let relative = offset.0.saturating_sub(self.base.0);
        self.last = OnceLock::new();
        self.entries.truncate(self.entries.partition_point(|entry| i64::from(split(entry).1) < relative)?)
    }

    /// Whether the file is there and holds whole entries.
    pub(super) fn is_there_and_whole(&self) -> Result<bool, StorageError> {
        self.entries.is_there_and_whole()
    }

    /// Whether the file is there, holds whole entries, and the last one can follow on the first (Kafka: TimeIndex.sanityCheck).
    pub(super) fn looks_sound(&self) -> Result<bool, StorageError> {
        if !self.entries.is_there_and_whole()? {
            return Ok(false);
        }
        let Some(last) = self.entries.last()? else { return Ok(true) };
        let (first, last) = (split(&self.entries.get(0)?), split(&last));
        Ok(last.0 >= first.0 && last.1 >= first.1 && first.1 >= 0)
    }

    /// Keeps the first `count` entries.
    pub(super) fn keep(&mut self, count: usize) -> Result<(), StorageError> {
        self.last = OnceLock::new();
        self.entries.truncate(count)
    }

    /// Forgets all entries and removes the file, until [`Self::store_whole`].
    pub(super) fn start_over(&mut self) -> Result<(), StorageError> {
        self.last = OnceLock::new();
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
}

fn split(entry: &[u8; ENTRY]) -> (Timestamp, i32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
    (Timestamp(i64::from_be_bytes([a, b, c, d, e, f, g, h])), i32::from_be_bytes([i, j, k, l]))
}
