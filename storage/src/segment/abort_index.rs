//! `.txnindex`: aborted transactions whose marker is in the segment (Kafka: TransactionIndex, AbortedTxn). Entries: version i16,
//! producer id, first offset, offset of the marker, last stable offset after it, each i64. There is no file without entries.

use std::path::PathBuf;
use std::sync::Arc;

use super::entries::Entries;
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::ids::{Offset, ProducerId};

const ENTRY: usize = 34;
const VERSION: i16 = 0;

/// A transaction whose records do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose it was.
    pub producer_id: ProducerId,
    /// Its first record.
    pub first_offset: Offset,
    /// Its marker.
    pub last_offset: Offset,
    /// The last stable offset once the marker was written; transactions that are aborted later end at or after it.
    pub last_stable_offset: Offset,
}

#[derive(Debug)]
pub(super) struct AbortIndex {
    entries: Entries<ENTRY>,
}

impl AbortIndex {
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        AbortIndex { entries: Entries::new(disk, path) }
    }

    pub(super) fn reset(&mut self) -> Result<(), StorageError> {
        self.entries.remove()
    }

    pub(super) fn push(&mut self, aborted: AbortedTransaction) -> Result<(), StorageError> {
        let mut entry = [0; ENTRY];
        entry[..2].copy_from_slice(&VERSION.to_be_bytes());
        entry[2..10].copy_from_slice(&aborted.producer_id.0.to_be_bytes());
        entry[10..18].copy_from_slice(&aborted.first_offset.0.to_be_bytes());
        entry[18..26].copy_from_slice(&aborted.last_offset.0.to_be_bytes());
        entry[26..].copy_from_slice(&aborted.last_stable_offset.0.to_be_bytes());
        self.entries.push(entry);
        Ok(())
    }

    /// Adds what reaches into `from..to`; true when later entries cannot.
    pub(super) fn collect(
        &self,
        from: Offset,
        to: Offset,
        into: &mut Vec<AbortedTransaction>,
    ) -> Result<bool, StorageError> {
        // Entries are in the order of their markers.
        let first = self.entries.partition_point(|entry| split(entry).last_offset < from)?;
        for at in first..self.entries.count()? {
            let aborted = split(&self.entries.get(at)?);
            if aborted.first_offset < to {
                into.push(aborted);
            }
            if aborted.last_stable_offset >= to {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes the entries whose marker is at or after `offset`.
    pub(super) fn truncate(&mut self, offset: Offset) -> Result<(), StorageError> {
        self.entries.truncate(self.entries.partition_point(|entry| split(entry).last_offset < offset)?)
    }

    /// How many entries are for markers before `point`, if all of them can be what a segment from `base` on has noted (Kafka:
    /// TransactionIndex.sanityCheck).
    pub(super) fn sound_before(&self, base: Offset, point: Offset) -> Result<Option<usize>, StorageError> {
        let count = self.entries.partition_point(|entry| split(entry).last_offset < point)?;
        let sound = self.entries.all_follow(count, |before, entry| {
            let aborted = split(entry);
            let ascends = before.is_none_or(|before| split(before).last_offset < aborted.last_offset);
            ascends
                && entry[..2] == VERSION.to_be_bytes()
                && aborted.last_offset >= base
                && aborted.first_offset <= aborted.last_offset
        })?;
        Ok(sound.then_some(count))
    }

    /// Whether there is no file, or one of whole entries that can all be what a segment from `base` on has noted.
    pub(super) fn looks_sound(&self, base: Offset) -> Result<bool, StorageError> {
        if !self.entries.is_there()? {
            return Ok(true);
        }
        // Only then: looking at the entries cuts off what is no whole one.
        if !self.entries.is_there_and_whole()? {
            return Ok(false);
        }
        Ok(self.sound_before(base, Offset(i64::MAX))? == Some(self.entries.count()?))
    }

    /// Keeps the first `count` entries.
    pub(super) fn keep(&mut self, count: usize) -> Result<(), StorageError> {
        self.entries.truncate(count)
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

fn split(entry: &[u8; ENTRY]) -> AbortedTransaction {
    let long = |at: usize| {
        let bytes = entry[at..at + 8].try_into().expect("8 bytes within an entry of 34");
        i64::from_be_bytes(bytes)
    };
    AbortedTransaction {
        producer_id: ProducerId(long(2)),
        first_offset: Offset(long(10)),
        last_offset: Offset(long(18)),
        last_stable_offset: Offset(long(26)),
    }
}
