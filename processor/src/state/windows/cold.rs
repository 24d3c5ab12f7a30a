//! The part of windows on a grid that memory has no room for.
//!
//! A slice that memory has no room for is in the store ([`crate::state::store`]); a key of it that is touched comes back, and stays until the
//! slice goes there again.

use super::WindowState;
use crate::state::changelog;
use crate::state::error::StateError;
use crate::state::shelf::Shelf;
use crate::state::slice::Slice;
use crate::state::store::{PutStored, StoreError, StoredSlice};
use crate::time::WindowSpan;

impl WindowState {
    /// Gets a store, which has the slices `stored` and nothing else of these windows.
    pub fn attach(&mut self, shelf: Shelf, stored: impl Iterator<Item = StoredSlice>) {
        self.shelf = Some(shelf);
        self.slices.values_mut().for_each(Slice::mark_all_unstored);
        for StoredSlice { first, last, keys, .. } in stored {
            let slice = self.slices.entry(WindowSpan { first, last }).or_insert_with(|| Slice::new(&self.initial));
            slice.set_stored(keys);
        }
    }

    /// Lets go of the store.
    pub fn detach(&mut self) {
        self.shelf = None;
    }

    /// The slices of which the store has something, or will have once it has all that is committed.
    pub fn stored(&self, before: u8) -> impl Iterator<Item = StoredSlice> {
        let stored = self.slices.iter().filter(|(_, slice)| slice.is_stored() || slice.unstored() > 0);
        stored.map(move |(span, slice)| {
            let WindowSpan { first, last } = *span;
            StoredSlice { before, first, last, keys: slice.all_keys() }
        })
    }

    /// Whether keys of dropped slices are still in the store.
    #[must_use]
    pub fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Removes the keys of dropped slices from the store.
    pub fn remove_gone(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        let gone = in_order(std::mem::take(&mut self.gone));
        self.shelf.as_ref().map_or(Ok(()), |shelf| shelf.remove(&gone, put))
    }

    /// Puts into the store what it is behind with.
    pub fn write_unstored(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let behind = self.slices.iter().filter(|(_, slice)| slice.unstored() > 0).map(|(span, _)| *span);
        for span in in_order(behind) {
            let Some(slice) = self.slices.get_mut(&span) else { continue };
            for (group, states) in slice.take_unstored() {
                changelog::encode_put((span, group), states, true, &mut key, &mut value);
                shelf.put(&key, Some(&value), put)?;
            }
        }
        Ok(())
    }

    /// Hands each slice that has keys in memory to `take`, with how many keys went to the store the last time and the bytes it takes.
    pub fn weigh(&self, take: &mut dyn FnMut(WindowSpan, usize, u64)) {
        let warm = self.slices.iter().filter(|(_, slice)| !slice.is_empty());
        warm.for_each(|(span, slice)| take(*span, slice.recent(), slice.memory_in_bytes()));
    }

    /// Gives the memory of a slice back; the store must have all of it.
    pub fn evict(&mut self, span: WindowSpan) {
        self.spare.clear();
        if let Some(slice) = self.slices.get_mut(&span) {
            slice.evict();
        }
    }

    /// What became of a key that the store has: `None` if it is gone, and its value in the changelog if it is in memory too.
    #[must_use]
    pub fn present(&self, span: WindowSpan, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let slice = self.slices.get(&span)?;
        Some(slice.get(key).map(|states| {
            let mut value = Vec::new();
            states.iter().for_each(|state| state.encode(true, &mut value));
            value
        }))
    }
}

/// Takes a key into memory that only the store has, if it has it.
pub(super) fn warm(shelf: &Shelf, span: WindowSpan, slice: &mut Slice, key: &[u8]) -> Result<(), StateError> {
    if slice.get(key).is_none()
        && let Some(states) = shelf.of_key(span, key)?
        && !slice.warm(key, states)?
    {
        return Err(shelf.wrong_accumulators().into());
    }
    Ok(())
}

/// Spans in the order of their keys in the store.
fn in_order(spans: impl IntoIterator<Item = WindowSpan>) -> Vec<WindowSpan> {
    let mut spans: Vec<_> = spans.into_iter().collect();
    spans.sort_unstable_by_key(|span| (span.first != span.last, span.first, span.last));
    spans
}
