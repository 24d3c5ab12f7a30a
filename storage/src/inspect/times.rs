//! Holds a `.timeindex` against the batches of its segment.

use super::finding::{Class, FileFindings};
use super::index::{IndexFile, TimeEntry};
use super::offsets::note_ragged;
use crate::batch::BatchHeader;
use crate::ids::Timestamp;

const ENTRY: u64 = 12;

/// Follows the walk over the log with the entries in the order of their offsets.
pub(super) struct TimeCheck {
    found: FileFindings,
    /// Number in the file, entry.
    entries: Vec<(u64, TimeEntry)>,
    next: usize,
    /// Largest timestamp of the batches so far.
    largest: Timestamp,
}

impl TimeCheck {
    pub(super) fn new(mut found: FileFindings, index: IndexFile<TimeEntry>) -> TimeCheck {
        note_ragged(&mut found, index.ragged_bytes, ENTRY, index.entries.len());
        for (at, pair) in (1..).zip(index.entries.windows(2)) {
            if pair[1].timestamp <= pair[0].timestamp || pair[1].offset < pair[0].offset {
                let what = format!(
                    "entries do not ascend: timestamp {} at offset {} follows on timestamp {} at offset {}",
                    pair[1].timestamp, pair[1].offset, pair[0].timestamp, pair[0].offset
                );
                found.damage(Class::Index, Some(at * ENTRY), what);
            }
        }
        let mut entries: Vec<(u64, TimeEntry)> = (0..).zip(index.entries).collect();
        entries.sort_by_key(|(_, entry)| entry.offset);
        TimeCheck { found, entries, next: 0, largest: Timestamp::NONE }
    }

    pub(super) fn batch(&mut self, header: &BatchHeader) {
        while let Some((at, entry)) = self.peek().filter(|(_, entry)| entry.offset <= header.last_offset()) {
            self.next += 1;
            // Batches may be without timestamps, and so may what is said of them.
            if entry.timestamp == Timestamp::NONE {
                continue;
            }
            let at = Some(at * ENTRY);
            if self.largest >= entry.timestamp {
                let what = format!(
                    "hides records: it says that timestamp {} is reached at offset {}, and a batch before that has {}",
                    entry.timestamp, entry.offset, self.largest
                );
                self.found.damage(Class::Index, at, what);
            } else if entry.offset >= header.base_offset && entry.timestamp != header.max_timestamp {
                let what = format!(
                    "says that timestamp {} is reached at offset {}, but the batch there has {}",
                    entry.timestamp, entry.offset, header.max_timestamp
                );
                self.found.damage(Class::Index, at, what);
            }
        }
        self.largest = self.largest.max(header.max_timestamp);
    }

    fn peek(&self) -> Option<(u64, TimeEntry)> {
        self.entries.get(self.next).copied()
    }

    pub(super) fn finish(mut self, broken: bool) -> FileFindings {
        let left = self.entries.len() - self.next;
        match self.peek() {
            Some(_) if broken => {
                self.found.note(None, format!("{left} entries are about what follows where the log is broken"));
            }
            Some((_, entry)) if entry.timestamp == Timestamp::NONE => {}
            Some((at, entry)) => {
                let what = format!("is about offset {}, which lies beyond the end of the segment", entry.offset);
                self.found.damage(Class::Index, Some(at * ENTRY), what);
            }
            None => {}
        }
        self.found
    }
}
