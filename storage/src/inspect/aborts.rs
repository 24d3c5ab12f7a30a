//! Holds a `.txnindex` against the markers of its segment, and the markers against it.

use std::collections::BTreeMap;

use super::finding::{Class, FileFindings};
use super::index::{AbortEntry, IndexFile};
use super::offsets::note_ragged;
use crate::batch::{Batch, BatchHeader, ControlKind, ControlRecord};
use crate::ids::{Offset, ProducerId};

const ENTRY: u64 = 34;

/// The transactions that are open at a place of a partition, with their first offsets: those that began where the log is whole.
#[derive(Debug, Default)]
pub(super) struct OpenTransactions(BTreeMap<ProducerId, Offset>);

impl OpenTransactions {
    /// After damage it is not known what began and what ended.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Takes a batch; a marker returns the first offset of the transaction that it ends, if it was seen.
    fn batch(&mut self, header: &BatchHeader) -> Option<Offset> {
        if header.is_control() {
            return self.0.remove(&header.producer_id);
        }
        if header.is_transactional() {
            self.0.entry(header.producer_id).or_insert(header.base_offset);
        }
        None
    }
}

/// Follows the walk over the log with the entries in the order of their markers.
pub(super) struct AbortCheck {
    found: FileFindings,
    /// Number in the file, entry.
    entries: Vec<(u64, AbortEntry)>,
    next: usize,
}

impl AbortCheck {
    pub(super) fn new(mut found: FileFindings, index: IndexFile<AbortEntry>) -> AbortCheck {
        note_ragged(&mut found, index.ragged_bytes, ENTRY, index.entries.len());
        let mut previous = None;
        for (at, entry) in (0..).zip(&index.entries) {
            let aborted = &entry.aborted;
            let at = Some(at * ENTRY);
            if entry.version != 0 {
                found.damage(Class::Index, at, format!("version {} of an entry, only 0 is known", entry.version));
            }
            if aborted.first_offset > aborted.last_offset || previous.is_some_and(|last| aborted.last_offset <= last) {
                let what = format!(
                    "entries do not ascend: a transaction from offset {} to {} follows on one that ends at {}",
                    aborted.first_offset,
                    aborted.last_offset,
                    previous.unwrap_or(Offset(-1))
                );
                found.damage(Class::Index, at, what);
            }
            previous = Some(aborted.last_offset);
        }
        let mut entries: Vec<(u64, AbortEntry)> = (0..).zip(index.entries).collect();
        entries.sort_by_key(|(_, entry)| entry.aborted.last_offset);
        AbortCheck { found, entries, next: 0 }
    }

    /// Takes an undamaged batch that begins at `position`.
    pub(super) fn batch(&mut self, batch: &Batch, position: u64, open: &mut OpenTransactions) {
        let header = &batch.header;
        let began = open.batch(header);
        let aborts = header.is_control() && is_abort(batch);
        let mut listed = false;
        while let Some((at, entry)) = self.peek().filter(|(_, e)| e.aborted.last_offset <= header.last_offset()) {
            self.next += 1;
            let (at, aborted) = (Some(at * ENTRY), entry.aborted);
            let is_here = aborted.last_offset >= header.base_offset;
            if !is_here || !aborts || aborted.producer_id != header.producer_id {
                let what = format!(
                    "no marker at offset {} aborts a transaction of producer {}",
                    aborted.last_offset, aborted.producer_id
                );
                self.found.damage(Class::Index, at, what);
                continue;
            }
            listed = true;
            if let Some(began) = began.filter(|began| aborted.first_offset > *began) {
                let what = format!(
                    "says that the aborted transaction of producer {} began at offset {}, but it did at {began}: \
                     read_committed consumers get aborted records",
                    aborted.producer_id, aborted.first_offset
                );
                self.found.damage(Class::Index, at, what);
            }
        }
        if let (false, true, Some(began)) = (listed, aborts, began) {
            let what = format!(
                "lacks the transaction of producer {} from offset {began}, which the marker at offset {} (byte {position} of the \
                 log) aborts",
                header.producer_id,
                header.last_offset()
            );
            self.found.damage(Class::IndexShort, None, what);
        }
    }

    fn peek(&self) -> Option<(u64, AbortEntry)> {
        self.entries.get(self.next).copied()
    }

    pub(super) fn finish(mut self, broken: bool) -> FileFindings {
        let left = self.entries.len() - self.next;
        match self.peek() {
            Some(_) if broken => {
                self.found.note(None, format!("{left} entries are about what follows where the log is broken"));
            }
            Some((at, entry)) => {
                let what =
                    format!("is about a marker at offset {}, beyond the end of the segment", entry.aborted.last_offset);
                self.found.damage(Class::Index, Some(at * ENTRY), what);
            }
            None => {}
        }
        self.found
    }
}

fn is_abort(batch: &Batch) -> bool {
    let Ok(records) = batch.records() else { return false };
    let Some(Ok(record)) = records.iter().next() else { return false };
    ControlRecord::decode(record).is_ok_and(|marker| marker.kind == ControlKind::Abort)
}
