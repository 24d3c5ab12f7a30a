//! The part of a task's state that is on disk: when it goes there, and how memory is given back.

use std::path::Path;
use std::sync::Arc;

use super::error::StateError;
use super::restore::RestoreError;
use super::rewrite::Rewrite;
use super::shelf::Shelf;
use super::stage::StageState;
use super::store::{About, Store, StoreError};
use super::task::{SNAPSHOT_RATIO, TaskState};

/// The part of the memory that the store has for blocks it has read.
const CACHE_PART: u64 = 4;

/// The store is brought up to date when the changelog has grown by this part of the memory: so much is read at a restart.
const CHECKPOINT_PART: u64 = 4;

/// Most changelog bytes that a restart reads where there is a store, whatever the memory.
const MAX_CHECKPOINT_BYTES: u64 = 64 * 1024 * 1024;

/// The part of the memory that one commit writes again of what is in the store: it is in memory once more until it is committed.
const REWRITE_PART: u64 = 16;

/// Bounds of it in bytes.
const MIN_REWRITE_BYTES: u64 = 1024;
const MAX_REWRITE_BYTES: u64 = 8 * 1024 * 1024;

impl TaskState {
    /// Opens the store in `folder`, which is to have all that memory has no room for.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_store(folder: &Path, memory: u64) -> Result<(Store, Option<About>), StoreError> {
        let store = Store::open(folder, memory / CACHE_PART)?;
        let about = store.about()?;
        Ok((store, about))
    }

    /// Takes a store; `about` is what it says of itself, none if it is new. In that case it has everything after the next checkpoint, in
    /// the other the changelog's records from its offset on must be taken in.
    ///
    /// # Errors
    /// The store belongs to another query.
    pub fn attach(&mut self, store: Store, about: Option<&About>) -> Result<(), RestoreError> {
        if let Some(about) = about {
            self.begin_from(about)?;
        }
        let store = Arc::new(store);
        for (number, windows) in self.windows.iter_mut().enumerate() {
            let shelf = Shelf::new(Arc::clone(&store), windows.nesting(number));
            windows.attach(shelf, number, about)?;
        }
        self.store = Some(store);
        self.since_checkpoint = 0;
        Ok(())
    }

    /// Lets go of the store. What was there alone is not known any more.
    pub fn detach(&mut self) {
        self.windows.iter_mut().for_each(StageState::detach);
        self.store = None;
    }

    /// The memory that the store has for blocks it has read.
    pub(super) fn cache_bytes(&self) -> u64 {
        if self.store.is_some() { self.memory / CACHE_PART } else { 0 }
    }

    /// Whether there is a store.
    #[must_use]
    pub fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Whether something of the store could not be read, so that it is to be made anew.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.has_failed())
    }

    /// Whether there is more than the memory has room for, or the store is far behind: then, once everything is committed, a store is
    /// to be attached if there is none, and [`TaskState::checkpoint`] to be called.
    #[must_use]
    pub fn wants_checkpoint(&self) -> bool {
        let grown = self.memory_in_bytes() > self.memory.max(2 * self.rest);
        let behind = (self.memory / CHECKPOINT_PART).min(MAX_CHECKPOINT_BYTES);
        // Before its beginning is in the changelog there is nothing that a store could go on from.
        self.begun && (grown || (self.store.is_some() && self.since_checkpoint > behind))
    }

    /// Brings the store up to date, and gives memory back as far as there is too little of it. Everything must be committed; `offset` is
    /// the changelog's end, `beside` what is in it beside the windows.
    pub fn checkpoint(&mut self, offset: i64, beside: Vec<u8>) -> Result<(), StateError> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        if self.windows.iter().any(StageState::has_gone) {
            store.write(|put| self.windows.iter_mut().try_for_each(|windows| windows.remove_gone(put)))?;
        }
        let about = About { beside, ..self.about(offset) };
        store.write(|put| {
            Store::put_about(&about, put)?;
            self.windows.iter_mut().try_for_each(|windows| windows.write_unstored(put))
        })?;
        self.since_checkpoint = 0;
        // What is written again was written once since it was last, so that is never more than twice what there is anyway.
        let limit = self.snapshot_floor.max(SNAPSHOT_RATIO * self.size_in_bytes().max(self.whole_bytes));
        if self.pass.is_none() && self.begun && self.changelog_bytes > limit {
            let piece = (self.memory / REWRITE_PART).clamp(MIN_REWRITE_BYTES, MAX_REWRITE_BYTES);
            self.pass = Some(Rewrite::new(offset, piece));
        }
        self.evict();
        Ok(())
    }

    fn about(&self, offset: i64) -> About {
        let mut about = About { layout: self.layout.clone(), offset, ..About::default() };
        (about.partial, about.changelog_bytes) = (self.partial, self.changelog_bytes);
        about.whole_bytes = self.whole_bytes;
        for (number, windows) in self.windows.iter().enumerate() {
            windows.describe(number, &mut about);
        }
        about
    }

    /// Gives memory back until half of it is free, the least lively slices first.
    fn evict(&mut self) {
        let (mut taken, aim) = (self.memory_in_bytes(), self.memory / 2);
        if taken <= self.memory {
            return;
        }
        let mut slices = Vec::new();
        for (number, windows) in self.windows.iter().enumerate() {
            if let StageState::Grid(state) = windows {
                state.weigh(&mut |span, recent, bytes| slices.push((recent, number, span, bytes)));
            }
        }
        slices.sort_unstable();
        for (_, number, span, bytes) in slices {
            if taken <= aim {
                break;
            }
            if let StageState::Grid(state) = &mut self.windows[number] {
                state.evict(span);
            }
            taken = taken.saturating_sub(bytes);
        }
        for windows in &mut self.windows {
            let more = taken.saturating_sub(aim);
            let free = match windows {
                StageState::Sessions(state) if more > 0 => state.evict(more),
                StageState::Keyed(state) if more > 0 => state.evict(more),
                _ => 0,
            };
            taken = taken.saturating_sub(free);
        }
        self.rest = self.memory_in_bytes();
    }
}
