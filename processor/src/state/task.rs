//! All state of a task: its windows, one after the other, the one changelog that they share, and the one store.

use std::cell::Cell;
use std::sync::Arc;

use super::changelog;
use super::error::StateError;
use super::rewrite::{self, Rewrite};
use super::stage::{StageState, nested};
use super::store::Store;
use crate::time::Frontier;

/// A snapshot is written when the changelog since the last one exceeds this many times the size of the state.
pub(super) const SNAPSHOT_RATIO: u64 = 2;

/// Takes key and value of a changelog record.
pub type PutRecord<'p> = dyn FnMut(&[u8], Option<&[u8]>) + 'p;

/// What the changelog does not need any more once the changes just written are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Superfluous {
    /// Everything before them.
    BeforeThese,
    /// Everything before this offset.
    Before(i64),
}

/// The windows of a task, in the order in which rows pass them.
#[derive(Debug)]
pub struct TaskState {
    pub(super) layout: String,
    pub(super) windows: Vec<StageState>,
    /// Whether the changelog has a beginning.
    pub(super) begun: bool,
    /// Whether records are taken in that began with a rewriting, and its end has not come.
    pub(super) partial: bool,
    pub(super) changelog_bytes: u64,
    /// Bytes of the state when it was last written whole.
    pub(super) whole_bytes: u64,
    /// Bytes of changes in the last commit.
    last_changes: u64,
    /// Those since the store was brought up to date.
    pub(super) since_checkpoint: u64,
    pub(super) snapshot_floor: u64,
    pub(super) store: Option<Arc<Store>>,
    pub(super) pass: Option<Rewrite>,
    /// Bytes of memory for all of it.
    pub(super) memory: u64,
    /// What it still took after everything went to the store that can.
    pub(super) rest: u64,
}

impl TaskState {
    /// The `windows` of a task, of which there are at most 255. `layout` names what they hold, `snapshot_floor` is how many bytes of
    /// changelog are always allowed before a snapshot is written.
    #[must_use]
    pub fn new(layout: String, windows: Vec<StageState>, snapshot_floor: u64) -> TaskState {
        TaskState {
            layout,
            windows,
            begun: false,
            partial: false,
            changelog_bytes: 0,
            whole_bytes: 0,
            last_changes: 0,
            since_checkpoint: 0,
            snapshot_floor,
            store: None,
            pass: None,
            memory: u64::MAX,
            rest: 0,
        }
    }

    /// Bounds the memory to `bytes`: see [`TaskState::wants_checkpoint`].
    pub fn set_memory(&mut self, bytes: u64) {
        self.memory = bytes;
    }

    /// Bytes of memory for all of it.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// The windows that come first; there must be some.
    #[inline]
    pub fn first(&mut self) -> &mut StageState {
        &mut self.windows[0]
    }

    /// All windows, in their order.
    #[must_use]
    pub fn windows_in_order(&self) -> &[StageState] {
        &self.windows
    }

    /// All windows, in their order.
    #[must_use]
    pub fn windows_mut(&mut self) -> &mut [StageState] {
        &mut self.windows
    }

    /// Whether the changelog is behind the state.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.windows.iter().any(StageState::is_dirty)
    }

    /// Whether the changelog holds something.
    #[must_use]
    pub fn is_in_changelog(&self) -> bool {
        self.begun
    }

    /// Number of open windows: sessions, and slices of windows on a grid (with TUMBLE, as many as windows).
    #[must_use]
    pub fn windows(&self) -> usize {
        self.windows.iter().map(StageState::windows).sum()
    }

    /// Number of keys in all open windows.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.windows.iter().map(StageState::keys).sum()
    }

    /// About how much memory their content takes, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        self.windows.iter().map(StageState::size_in_bytes).sum()
    }

    /// Whether rows wait to be placed whose turn has come when all partitions have come to `frontier`.
    #[must_use]
    pub fn has_tardy(&self, frontier: Frontier) -> bool {
        self.windows.iter().any(|windows| windows.has_tardy(frontier))
    }

    /// About how much memory the rows take that wait to be placed in sessions, in bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.windows.iter().map(StageState::waiting_bytes).sum()
    }

    /// About how many bytes of state the next commit writes.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        self.windows.iter().map(StageState::changed_bytes).sum()
    }

    /// How much memory is taken, with the room that is kept for more and the store's cache, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        self.windows.iter().map(StageState::memory_in_bytes).sum::<u64>() + self.cache_bytes()
    }

    /// Bytes on disk beside the changelog.
    #[must_use]
    pub fn size_on_disk(&self) -> u64 {
        self.store.as_ref().map_or(0, |store| store.size_on_disk())
    }

    /// Bytes of keys and values in the changelog since its last beginning.
    #[must_use]
    pub fn changelog_bytes(&self) -> u64 {
        self.changelog_bytes
    }

    /// Counts bytes of the changelog that are not of the windows, but written with them.
    pub fn add_changelog_bytes(&mut self, bytes: u64) {
        self.changelog_bytes = self.changelog_bytes.saturating_add(bytes);
        self.since_checkpoint += bytes;
    }

    /// Whether everything is being written again.
    #[must_use]
    pub fn is_rewriting(&self) -> bool {
        self.pass.is_some()
    }

    /// Hands the records that bring the changelog up to date to `put`, as key and value. Returns what may be deleted once they are
    /// committed: they may be a snapshot of everything, or the end of a rewriting.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) -> Result<Option<Superfluous>, StateError> {
        let limit = self.snapshot_floor.max(SNAPSHOT_RATIO * self.size_in_bytes());
        let snapshot = !self.begun || (self.store.is_none() && self.changelog_bytes > limit);
        let written = Cell::new(0);
        let mut counted = |key: &[u8], value: Option<&[u8]>| {
            written.set(written.get() + (key.len() + value.map_or(0, <[u8]>::len)) as u64);
            put(key, value);
        };
        let superfluous;
        if snapshot {
            self.write_all(&mut counted)?;
            self.windows.iter_mut().for_each(StageState::mark_clean);
            superfluous = Some(Superfluous::BeforeThese);
        } else {
            superfluous = self.rewrite(&mut counted)?;
            let again = written.get();
            for (before, windows) in self.windows.iter_mut().enumerate() {
                windows.write_changes(&mut nested(windows.nesting(before), &mut counted));
            }
            self.last_changes = written.get() - again;
        }
        let bytes = written.get();
        self.begun = true;
        self.since_checkpoint += bytes;
        self.changelog_bytes = if snapshot { bytes } else { self.changelog_bytes + bytes };
        self.whole_bytes = if snapshot { bytes } else { self.whole_bytes };
        if let Some(pass) = &mut self.pass {
            pass.bytes += bytes;
        }
        if let (Some(Superfluous::Before(_)), Some(pass)) = (superfluous, &self.pass) {
            (self.changelog_bytes, self.whole_bytes) = (pass.bytes, pass.written);
            self.pass = None;
        }
        Ok(superfluous)
    }

    /// Hands the records of everything there is to `put`, as a changelog that begins here.
    pub fn write_all(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        changelog::encode_begin(&self.layout, &mut key, &mut value);
        put(&key, Some(&value));
        for (before, windows) in self.windows.iter().enumerate() {
            windows.write_all(&mut nested(windows.nesting(before), put))?;
        }
        Ok(())
    }

    /// Writes a piece of what is written again, if something is.
    fn rewrite(&mut self, put: &mut PutRecord<'_>) -> Result<Option<Superfluous>, StateError> {
        let (Some(pass), Some(store)) = (&mut self.pass, &self.store) else { return Ok(None) };
        if !std::mem::replace(&mut pass.begun, true) {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            changelog::encode_rewrite(&self.layout, &mut key, &mut value);
            put(&key, Some(&value));
        }
        if !rewrite::write_piece(pass, &self.windows, store, self.last_changes, put)? {
            return Ok(None);
        }
        put(changelog::REWRITTEN_KEY, Some(&[]));
        Ok(Some(Superfluous::Before(pass.from)))
    }
}

#[cfg(test)]
mod tests;
