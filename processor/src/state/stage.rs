//! The state of one stage that keeps rows, of whichever kind it is.

use super::changelog::{self, Record};
use super::error::StateError;
use super::keyed::KeyedState;
use super::restore::RestoreError;
use super::sessions::SessionState;
use super::shelf::Shelf;
use super::store::{About, PutStored, StoreError};
use super::task::PutRecord;
use super::windows::WindowState;
use crate::time::Frontier;

/// The state of one stage that keeps rows.
#[derive(Debug)]
pub enum StageState {
    /// Windows on a grid of time.
    Grid(WindowState),
    /// Sessions.
    Sessions(SessionState),
    /// What is no window.
    Keyed(KeyedState),
}

impl StageState {
    /// What stands in front of the keys of its records in changelog and store; `before` others go before.
    #[must_use]
    pub fn nesting(&self, before: usize) -> Vec<u8> {
        match self {
            StageState::Keyed(_) => changelog::keyed_nesting(before as u8),
            StageState::Grid(_) | StageState::Sessions(_) => changelog::nesting(before as u8),
        }
    }

    /// Whether the changelog is behind the state.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        match self {
            StageState::Grid(state) => state.is_dirty(),
            StageState::Sessions(state) => state.is_dirty(),
            StageState::Keyed(state) => state.is_dirty(),
        }
    }

    /// Number of open windows: sessions, and slices of windows on a grid (with TUMBLE, as many as windows).
    #[must_use]
    pub fn windows(&self) -> usize {
        match self {
            StageState::Grid(state) => state.windows(),
            StageState::Sessions(state) => state.sessions(),
            StageState::Keyed(_) => 0,
        }
    }

    /// Number of keys in all open windows.
    #[must_use]
    pub fn keys(&self) -> usize {
        match self {
            StageState::Grid(state) => state.keys(),
            StageState::Sessions(state) => state.keys(),
            StageState::Keyed(state) => state.keys(),
        }
    }

    /// About how much memory their content takes, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        match self {
            StageState::Grid(state) => state.size_in_bytes(),
            StageState::Sessions(state) => state.size_in_bytes(),
            StageState::Keyed(state) => state.size_in_bytes(),
        }
    }

    /// About how many bytes the next commit writes.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        match self {
            StageState::Grid(state) => state.changed_bytes(),
            StageState::Sessions(state) => state.changed_bytes(),
            StageState::Keyed(state) => state.changed_bytes(),
        }
    }

    /// How much memory is taken, with the room that is kept for more, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        match self {
            StageState::Grid(state) => state.memory_in_bytes(),
            StageState::Sessions(state) => state.size_in_bytes(),
            StageState::Keyed(state) => state.memory_in_bytes(),
        }
    }

    /// Whether a row waits to be placed whose turn has come when all partitions have come to `frontier`.
    #[must_use]
    pub fn has_tardy(&self, frontier: Frontier) -> bool {
        match self {
            StageState::Grid(_) | StageState::Keyed(_) => false,
            StageState::Sessions(state) => state.has_tardy(frontier),
        }
    }

    /// About how much memory the rows take that wait to be placed, in bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        match self {
            StageState::Grid(_) | StageState::Keyed(_) => 0,
            StageState::Sessions(state) => state.waiting_bytes(),
        }
    }

    /// Hands the records that bring the changelog up to date to `put`.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) {
        match self {
            StageState::Grid(state) => state.write_changes(put),
            StageState::Sessions(state) => state.write_changes(put),
            StageState::Keyed(state) => state.write_changes(put),
        }
    }

    /// Hands the records of everything there is to `put`.
    pub fn write_all(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        match self {
            StageState::Grid(state) => state.write_all(put),
            StageState::Sessions(state) => state.write_all(put),
            StageState::Keyed(state) => state.write_all(put),
        }
    }

    /// Forgets what was changed: everything is in the changelog.
    pub fn mark_clean(&mut self) {
        match self {
            StageState::Grid(state) => state.mark_clean(),
            StageState::Sessions(state) => state.mark_clean(),
            StageState::Keyed(state) => state.mark_clean(),
        }
    }

    /// Takes in one record of the changelog; `partial` as in [`WindowState::restore`].
    pub fn restore(&mut self, record: Record<'_>, partial: bool) -> Result<(), RestoreError> {
        match self {
            StageState::Grid(state) => state.restore(record, partial),
            StageState::Sessions(state) => state.restore(record),
            StageState::Keyed(state) => state.restore(&record),
        }
    }

    /// Forgets everything: a snapshot follows.
    pub fn clear(&mut self) {
        match self {
            StageState::Grid(state) => state.clear(),
            StageState::Sessions(state) => state.clear(),
            StageState::Keyed(state) => state.clear(),
        }
    }

    /// Gets a store; `known` is what that has of these windows, which `number` others go before; none if it is new.
    pub fn attach(&mut self, shelf: Shelf, number: usize, known: Option<&About>) -> Result<(), StateError> {
        match self {
            StageState::Grid(state) => {
                let stored = known.map_or(&[][..], |known| &known.slices).iter();
                state.attach(shelf, stored.filter(|slice| usize::from(slice.before) == number).cloned());
                Ok(())
            }
            StageState::Sessions(state) => {
                state.attach(shelf, known.and_then(|known| known.sessions.get(number).copied()))
            }
            StageState::Keyed(state) => {
                state.attach(shelf, known.and_then(|known| known.sessions.get(number).copied()))
            }
        }
    }

    /// Lets go of the store.
    pub fn detach(&mut self) {
        match self {
            StageState::Grid(state) => state.detach(),
            StageState::Sessions(state) => state.detach(),
            StageState::Keyed(state) => state.detach(),
        }
    }

    /// Adds what the store has of these windows, or will have once it has all that is committed, to `about`; `number` others go before.
    pub fn describe(&self, number: usize, about: &mut About) {
        match self {
            StageState::Grid(state) => {
                about.slices.extend(state.stored(number as u8));
                about.sessions.push((0, 0));
            }
            StageState::Sessions(state) => about.sessions.push((state.keys(), state.sessions())),
            StageState::Keyed(state) => about.sessions.push(state.describe()),
        }
    }

    /// Whether keys of windows that are gone are still in the store.
    #[must_use]
    pub fn has_gone(&self) -> bool {
        matches!(self, StageState::Grid(state) if state.has_gone())
    }

    /// Removes these keys.
    pub fn remove_gone(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        match self {
            StageState::Grid(state) => state.remove_gone(put),
            StageState::Sessions(_) | StageState::Keyed(_) => Ok(()),
        }
    }

    /// Puts into the store what it is behind with.
    pub fn write_unstored(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        match self {
            StageState::Grid(state) => state.write_unstored(put),
            StageState::Sessions(state) => state.write_unstored(put),
            StageState::Keyed(state) => state.write_unstored(put),
        }
    }

    /// What became of a record that the store has: `None` if it is gone, and its value in the changelog if it is in memory too.
    #[must_use]
    pub fn present(&self, record: &Record<'_>) -> Option<Option<Vec<u8>>> {
        match (self, record) {
            (StageState::Grid(state), Record::Put { span, key, .. }) => state.present(*span, key),
            (StageState::Sessions(state), Record::Sessions { key, .. }) => state.present(key),
            (StageState::Sessions(state), Record::Tardy { stamp, key, .. }) => state.waits(*stamp, key).then_some(None),
            (StageState::Keyed(state), Record::Keyed { key, .. }) => state.present(key),
            _ => None,
        }
    }
}

/// Puts `nesting` in front of keys.
pub(super) fn nested<'p>(nesting: Vec<u8>, put: &'p mut PutRecord<'_>) -> impl FnMut(&[u8], Option<&[u8]>) + 'p {
    move |key, value| match &nesting[..] {
        [] => put(key, value),
        nesting => put(&[nesting, key].concat(), value),
    }
}
