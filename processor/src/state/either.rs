//! The state of one window operator, whichever kind of windows it has.

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

/// The state of one window operator.
#[derive(Debug)]
pub enum Windows {
    /// Windows on a grid of time.
    Grid(WindowState),
    /// Sessions.
    Sessions(SessionState),
    /// What is no window.
    Keyed(KeyedState),
}

impl Windows {
    /// What stands in front of the keys of its records in changelog and store; `before` others go before.
    #[must_use]
    pub fn nesting(&self, before: usize) -> Vec<u8> {
        match self {
            Windows::Keyed(_) => changelog::keyed_nesting(before as u8),
            Windows::Grid(_) | Windows::Sessions(_) => changelog::nesting(before as u8),
        }
    }

    /// Whether the changelog is behind the state.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        match self {
            Windows::Grid(state) => state.is_dirty(),
            Windows::Sessions(state) => state.is_dirty(),
            Windows::Keyed(state) => state.is_dirty(),
        }
    }

    /// Number of open windows: sessions, and slices of windows on a grid (with TUMBLE, as many as windows).
    #[must_use]
    pub fn windows(&self) -> usize {
        match self {
            Windows::Grid(state) => state.windows(),
            Windows::Sessions(state) => state.sessions(),
            Windows::Keyed(_) => 0,
        }
    }

    /// Number of keys in all open windows.
    #[must_use]
    pub fn keys(&self) -> usize {
        match self {
            Windows::Grid(state) => state.keys(),
            Windows::Sessions(state) => state.keys(),
            Windows::Keyed(state) => state.keys(),
        }
    }

    /// About how much memory their content takes, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        match self {
            Windows::Grid(state) => state.size_in_bytes(),
            Windows::Sessions(state) => state.size_in_bytes(),
            Windows::Keyed(state) => state.size_in_bytes(),
        }
    }

    /// How much memory is taken, with the room that is kept for more, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        match self {
            Windows::Grid(state) => state.memory_in_bytes(),
            Windows::Sessions(state) => state.size_in_bytes(),
            Windows::Keyed(state) => state.memory_in_bytes(),
        }
    }

    /// Whether a row waits to be placed whose turn has come when all partitions have come to `frontier`.
    #[must_use]
    pub fn has_tardy(&self, frontier: Frontier) -> bool {
        match self {
            Windows::Grid(_) | Windows::Keyed(_) => false,
            Windows::Sessions(state) => state.has_tardy(frontier),
        }
    }

    /// About how much memory the rows take that wait to be placed, in bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        match self {
            Windows::Grid(_) | Windows::Keyed(_) => 0,
            Windows::Sessions(state) => state.waiting_bytes(),
        }
    }

    /// Hands the records that bring the changelog up to date to `put`.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) {
        match self {
            Windows::Grid(state) => state.write_changes(put),
            Windows::Sessions(state) => state.write_changes(put),
            Windows::Keyed(state) => state.write_changes(put),
        }
    }

    /// Hands the records of everything there is to `put`.
    pub fn write_all(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        match self {
            Windows::Grid(state) => state.write_all(put),
            Windows::Sessions(state) => state.write_all(put),
            Windows::Keyed(state) => state.write_all(put),
        }
    }

    /// Forgets what was changed: everything is in the changelog.
    pub fn mark_clean(&mut self) {
        match self {
            Windows::Grid(state) => state.mark_clean(),
            Windows::Sessions(state) => state.mark_clean(),
            Windows::Keyed(state) => state.mark_clean(),
        }
    }

    /// Takes in one record of the changelog; `partial` as in [`WindowState::restore`].
    pub fn restore(&mut self, record: Record<'_>, partial: bool) -> Result<(), RestoreError> {
        match self {
            Windows::Grid(state) => state.restore(record, partial),
            Windows::Sessions(state) => state.restore(record),
            Windows::Keyed(state) => state.restore(&record),
        }
    }

    /// Forgets everything: a snapshot follows.
    pub fn clear(&mut self) {
        match self {
            Windows::Grid(state) => state.clear(),
            Windows::Sessions(state) => state.clear(),
            Windows::Keyed(state) => state.clear(),
        }
    }

    /// Gets a store; `known` is what that has of these windows, which `number` others go before; none if it is new.
    pub fn attach(&mut self, shelf: Shelf, number: usize, known: Option<&About>) -> Result<(), StateError> {
        match self {
            Windows::Grid(state) => {
                let stored = known.map_or(&[][..], |known| &known.slices).iter();
                state.attach(shelf, stored.filter(|slice| usize::from(slice.before) == number).cloned());
                Ok(())
            }
            Windows::Sessions(state) => {
                state.attach(shelf, known.and_then(|known| known.sessions.get(number).copied()))
            }
            Windows::Keyed(state) => state.attach(shelf, known.and_then(|known| known.sessions.get(number).copied())),
        }
    }

    /// Lets go of the store.
    pub fn detach(&mut self) {
        match self {
            Windows::Grid(state) => state.detach(),
            Windows::Sessions(state) => state.detach(),
            Windows::Keyed(state) => state.detach(),
        }
    }

    /// Adds what the store has of these windows, or will have once it has all that is committed, to `about`; `number` others go before.
    pub fn describe(&self, number: usize, about: &mut About) {
        match self {
            Windows::Grid(state) => {
                about.slices.extend(state.stored(number as u8));
                about.sessions.push((0, 0));
            }
            Windows::Sessions(state) => about.sessions.push((state.keys(), state.sessions())),
            Windows::Keyed(state) => about.sessions.push(state.describe()),
        }
    }

    /// Whether keys of windows that are gone are still in the store.
    #[must_use]
    pub fn has_gone(&self) -> bool {
        matches!(self, Windows::Grid(state) if state.has_gone())
    }

    /// Removes these keys.
    pub fn remove_gone(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        match self {
            Windows::Grid(state) => state.remove_gone(put),
            Windows::Sessions(_) | Windows::Keyed(_) => Ok(()),
        }
    }

    /// Puts into the store what it is behind with.
    pub fn write_unstored(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        match self {
            Windows::Grid(state) => state.write_unstored(put),
            Windows::Sessions(state) => state.write_unstored(put),
            Windows::Keyed(state) => state.write_unstored(put),
        }
    }

    /// What became of a record that the store has: `None` if it is gone, and its value in the changelog if it is in memory too.
    #[must_use]
    pub fn present(&self, record: &Record<'_>) -> Option<Option<Vec<u8>>> {
        match (self, record) {
            (Windows::Grid(state), Record::Put { span, key, .. }) => state.present(*span, key),
            (Windows::Sessions(state), Record::Sessions { key, .. }) => state.present(key),
            (Windows::Sessions(state), Record::Tardy { stamp, key, .. }) => state.waits(*stamp, key).then_some(None),
            (Windows::Keyed(state), Record::Keyed { key, .. }) => state.present(key),
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
