//! Holds an `.index` against the batches of its segment.

use super::finding::{Class, FileFindings};
use super::index::{IndexFile, OffsetEntry};
use crate::batch::BatchHeader;
use crate::ids::Offset;

const ENTRY: u64 = 8;

/// Follows the walk over the log with the entries in the order of their positions.
pub(super) struct OffsetCheck {
    found: FileFindings,
    /// Number in the file, entry.
    entries: Vec<(u64, OffsetEntry)>,
    next: usize,
    last_offset: Option<Offset>,
}

impl OffsetCheck {
    pub(super) fn new(mut found: FileFindings, index: IndexFile<OffsetEntry>) -> OffsetCheck {
        note_ragged(&mut found, index.ragged_bytes, ENTRY, index.entries.len());
        for (at, pair) in (1..).zip(index.entries.windows(2)) {
            if pair[1].offset <= pair[0].offset || pair[1].position < pair[0].position {
                let what = format!(
                    "entries do not ascend: offset {} at {} follows on offset {} at {}",
                    pair[1].offset, pair[1].position, pair[0].offset, pair[0].position
                );
                found.damage(Class::Index, Some(at * ENTRY), what);
            }
        }
        let mut entries: Vec<(u64, OffsetEntry)> = (0..).zip(index.entries).collect();
        entries.sort_by_key(|(_, entry)| entry.position);
        OffsetCheck { found, entries, next: 0, last_offset: None }
    }

    pub(super) fn batch(&mut self, header: &BatchHeader, position: u64) {
        self.before(position);
        while let Some((at, entry)) = self.peek().filter(|(_, entry)| entry.position as u64 == position) {
            self.next += 1;
            let at = Some(at * ENTRY);
            if let Some(last) = self.last_offset.filter(|last| entry.offset <= *last) {
                let what = format!(
                    "hides records: it sends readers of offset {} to byte {position}, and that offset lies before, where the \
                     batch ends at {last}",
                    entry.offset
                );
                self.found.damage(Class::Index, at, what);
            } else if entry.offset != header.last_offset() {
                let what = format!(
                    "is for offset {}, but the batch at byte {position} ends at {}: harmless, readers find what they look for",
                    entry.offset,
                    header.last_offset()
                );
                self.found.note(at, what);
            }
        }
        self.last_offset = Some(header.last_offset());
    }

    /// Judges entries before `position`, where the next batch begins or the last one ends.
    fn before(&mut self, position: u64) {
        while let Some((at, entry)) = self
            .peek()
            .filter(|(_, entry)| u64::try_from(entry.position).is_ok_and(|p| p < position) || entry.position < 0)
        {
            self.next += 1;
            let what = format!("points to byte {} of the log, where no batch begins", entry.position);
            self.found.damage(Class::Index, Some(at * ENTRY), what);
        }
    }

    fn peek(&self) -> Option<(u64, OffsetEntry)> {
        self.entries.get(self.next).copied()
    }

    /// `end` is where the walk ended, which is not the end of the file if the log is `broken` there.
    pub(super) fn finish(mut self, end: u64, broken: bool) -> FileFindings {
        self.before(end);
        let left = self.entries.len() - self.next;
        match self.peek() {
            Some(_) if broken => {
                self.found.note(None, format!("{left} entries point beyond byte {end}, where the log is broken"));
            }
            Some((at, entry)) => {
                let what = format!("points to byte {} of the log, which has {end}", entry.position);
                self.found.damage(Class::Index, Some(at * ENTRY), what);
            }
            None => {}
        }
        self.found
    }
}

/// A piece of an entry at the end of an index is left by a crash, and cut off when the log is opened.
pub(super) fn note_ragged(found: &mut FileFindings, ragged: usize, entry: u64, entries: usize) {
    if ragged > 0 {
        let what = format!("{ragged} bytes at the end are no whole entry; they are cut off when the log is opened");
        found.note(Some(entries as u64 * entry), what);
    }
}
