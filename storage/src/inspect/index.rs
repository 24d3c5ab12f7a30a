//! The entries of index files as they stand there, right or wrong (Kafka: OffsetIndex, TimeIndex, TransactionIndex).

use crate::ids::{Offset, ProducerId, Timestamp};
use crate::log::AbortedTransaction;

/// An entry of an `.index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetEntry {
    /// Last offset of the batch.
    pub offset: Offset,
    /// Where the batch begins in the log file; negative only in a damaged file.
    pub position: i32,
}

/// An entry of a `.timeindex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeEntry {
    /// Largest timestamp of the segment up to there.
    pub timestamp: Timestamp,
    /// An offset of the batch that has it.
    pub offset: Offset,
}

/// An entry of a `.txnindex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortEntry {
    /// Version of the entry; only 0 is known.
    pub version: i16,
    /// The transaction.
    pub aborted: AbortedTransaction,
}

/// What an index file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile<T> {
    /// The entries, in the order of the file.
    pub entries: Vec<T>,
    /// Bytes of zeros at the end: Kafka allocates the files of the newest segment in advance.
    pub unused_bytes: usize,
    /// Bytes at the end that are less than an entry.
    pub ragged_bytes: usize,
}

/// Reads an `.index` of the segment that begins at `base`.
#[must_use]
pub fn offset_index(bytes: &[u8], base: Offset) -> IndexFile<OffsetEntry> {
    read(bytes, true, |entry: &[u8; 8]| {
        let [a, b, c, d, e, f, g, h] = *entry;
        let relative = i32::from_be_bytes([a, b, c, d]);
        OffsetEntry { offset: absolute(base, relative), position: i32::from_be_bytes([e, f, g, h]) }
    })
}

/// Reads a `.timeindex` of the segment that begins at `base`.
#[must_use]
pub fn time_index(bytes: &[u8], base: Offset) -> IndexFile<TimeEntry> {
    read(bytes, true, |entry: &[u8; 12]| {
        let [.., i, j, k, l] = *entry;
        TimeEntry { timestamp: Timestamp(long(entry, 0)), offset: absolute(base, i32::from_be_bytes([i, j, k, l])) }
    })
}

/// Reads a `.txnindex`.
#[must_use]
pub fn abort_index(bytes: &[u8]) -> IndexFile<AbortEntry> {
    read(bytes, false, |entry: &[u8; 34]| AbortEntry {
        version: i16::from_be_bytes([entry[0], entry[1]]),
        aborted: AbortedTransaction {
            producer_id: ProducerId(long(entry, 2)),
            first_offset: Offset(long(entry, 10)),
            last_offset: Offset(long(entry, 18)),
            last_stable_offset: Offset(long(entry, 26)),
        },
    })
}

fn read<const N: usize, T>(bytes: &[u8], allocated: bool, entry: impl Fn(&[u8; N]) -> T) -> IndexFile<T> {
    let (all, ragged) = bytes.as_chunks::<N>();
    let used = match all.iter().rposition(|entry| *entry != [0; N]) {
        _ if !allocated => all.len(),
        Some(last) => last + 1,
        // A single entry of zeros can be one: the first record, of 1970.
        None => usize::from(all.len() == 1),
    };
    IndexFile {
        entries: all[..used].iter().map(entry).collect(),
        unused_bytes: (all.len() - used) * N,
        ragged_bytes: ragged.len(),
    }
}

fn absolute(base: Offset, relative: i32) -> Offset {
    Offset(base.0.saturating_add(i64::from(relative)))
}

fn long<const N: usize>(entry: &[u8; N], at: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&entry[at..at + 8]);
    i64::from_be_bytes(bytes)
}
