//! Open windows that lie on a grid of time, and their way into and out of the changelog.
//!
//! Each slice of time has its own map (see [`WindowSpan`]). A window that is one slice, as with TUMBLE, is taken from it as it is; one
//! of several slices is put together when it fires. Slices with the same last window whose first ones have all fired count in
//! the same windows from then on, and become one: so CUMULATE adds only what is new at each step.
//!
//! A window that closes takes the keys in memory and those in the store ([`cold`]) in one order.

mod cold;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use cold::warm;
pub use walk::WindowSpot;

use super::Accumulator;
use super::changelog::{self, ChangelogError, Record};
use super::error::StateError;
use super::gather;
use super::restore::RestoreError;
use super::shelf::Shelf;
use super::slice::{KeyList, Slice, TakePlace, each_slice};
use super::task::PutRecord;
use crate::time::{WindowSpan, is_window_fired};

/// How many closed windows' room is kept: one to fill while the next one begins.
const SPARE_SLICES: usize = 2;

/// Adds the accumulators of a key in one slice to those of the same key in another.
pub type Merge<'m> = dyn Fn(&mut [Accumulator], &[Accumulator]) + 'm;

/// Takes a key of a window and its accumulators.
pub type EmitKey<'e, E> = dyn FnMut(&[u8], &[Accumulator]) -> Result<(), E> + 'e;

/// Open windows by the slices they are made of.
#[derive(Debug)]
pub struct WindowState {
    initial: Vec<Accumulator>,
    slices: BTreeMap<WindowSpan, Slice>,
    /// Closed and emptied, for the next windows; at most [`SPARE_SLICES`].
    spare: Vec<Slice>,
    /// Slices that the changelog knows and that were dropped since the last commit.
    closed: Vec<WindowSpan>,
    /// Where slices go that memory has no room for.
    shelf: Option<Shelf>,
    /// Slices that were dropped and whose keys are still in the store.
    gone: BTreeSet<WindowSpan>,
}

impl WindowState {
    /// No open windows; `initial` are the accumulators of a new key.
    #[must_use]
    pub fn new(initial: Vec<Accumulator>) -> WindowState {
        let (slices, spare, closed) = (BTreeMap::new(), Vec::new(), Vec::new());
        WindowState { initial, slices, spare, closed, shelf: None, gone: BTreeSet::new() }
    }

    /// The accumulators of `key` in the slice that `span` tells, to be changed.
    #[inline]
    pub fn update(&mut self, span: WindowSpan, key: &[u8]) -> Result<&mut [Accumulator], StateError> {
        let new = || self.spare.pop().unwrap_or_else(|| Slice::new(&self.initial));
        let slice = self.slices.entry(span).or_insert_with(new);
        if slice.is_stored()
            && let Some(shelf) = &self.shelf
        {
            warm(shelf, span, slice, key)?;
        }
        Ok(slice.update(key)?)
    }

    /// As [`WindowState::update`] for each of several rows, of which `spans` and `keys` tell slice and key; their accumulators are handed to
    /// `take` with the row's place. Rows of one slice keep their order.
    pub fn update_each<E: From<StateError>>(
        &mut self,
        spans: &[WindowSpan],
        keys: &KeyList,
        take: &mut TakePlace<'_, E>,
    ) -> Result<(), E> {
        each_slice(spans, |span, places| {
            let new = || self.spare.pop().unwrap_or_else(|| Slice::new(&self.initial));
            let slice = self.slices.entry(span).or_insert_with(new);
            if !slice.is_stored() {
                return slice.update_each(places, keys, take);
            }
            places.iter().try_for_each(|place| {
                let place = *place as usize;
                take(place, self.update(span, keys.get(place))?)
            })
        })
    }

    /// Takes the room of a slice that was dropped for slices to come.
    fn reuse(&mut self, dropped: Slice) {
        if self.spare.len() < SPARE_SLICES {
            self.spare.extend(dropped.emptied());
        }
    }

    /// End of the first window with rows that `fired`, the watermark up to which windows have fired, has not fired; window ends are
    /// `interval` ms apart.
    #[must_use]
    pub fn next_end(&self, fired: i64, interval: i64) -> Option<i64> {
        let mut next: Option<i64> = None;
        for span in self.slices.keys() {
            // Kept for rows that are late and allowed.
            if is_window_fired(span.last, fired) {
                continue;
            }
            let end = span.next_end(fired, interval);
            next = Some(next.map_or(end, |next| next.min(end)));
            // Slices are in the order of their first windows: the others come later.
            if !is_window_fired(span.first, fired) {
                break;
            }
        }
        next
    }

    /// Fires the window that ends at `end`, all before it having fired: hands its keys to `emit`, in the order of their bytes, and drops
    /// the slices that no later window has.
    pub fn fire<E: From<StateError>>(
        &mut self,
        end: i64,
        merge: &Merge<'_>,
        emit: &mut EmitKey<'_, E>,
    ) -> Result<(), E> {
        self.unite(end, merge)?;
        self.show(end, merge, emit)?;
        self.spans(end).into_iter().filter(|span| span.last == end).for_each(|span| self.drop_slice(span));
        Ok(())
    }

    /// Hands the keys of the window that ends at `end` to `emit`, in the order of their bytes, and keeps them.
    pub fn show<E: From<StateError>>(
        &mut self,
        end: i64,
        merge: &Merge<'_>,
        emit: &mut EmitKey<'_, E>,
    ) -> Result<(), E> {
        let spans = self.spans(end);
        if let Some(shelf) = &self.shelf
            && spans.iter().any(|span| self.slices[span].is_stored())
        {
            let sources = spans.iter().map(|span| gather::Source::new(shelf, *span, &self.slices[span]));
            return gather::gather(sources.collect::<Result<_, _>>()?, &self.initial, merge, emit);
        }
        let mut emit_all = |slice: &Slice| slice.sorted().try_for_each(|(key, states)| emit(key, states));
        match &spans[..] {
            [only] => emit_all(&self.slices[only])?,
            _ => {
                let mut whole = self.spare.pop().unwrap_or_else(|| Slice::new(&self.initial));
                for span in &spans {
                    whole.merge(&self.slices[span], merge).map_err(StateError::from)?;
                }
                emit_all(&whole)?;
                self.reuse(whole);
            }
        }
        Ok(())
    }

    /// The accumulators of one key in the window that ends at `end`.
    pub fn of_key(&self, end: i64, key: &[u8], merge: &Merge<'_>) -> Result<Vec<Accumulator>, StateError> {
        let mut whole = self.initial.clone();
        for span in self.spans(end) {
            let slice = &self.slices[&span];
            if let Some(states) = slice.get(key) {
                merge(&mut whole, states);
            } else if slice.is_stored()
                && let Some(shelf) = &self.shelf
                && let Some(states) = shelf.of_key(span, key)?
            {
                merge(&mut whole, &states);
            }
        }
        Ok(whole)
    }

    /// Drops what no window holds any more that `horizon` has not passed.
    pub fn forget(&mut self, horizon: i64) {
        let passed: Vec<_> = self.slices.keys().filter(|span| is_window_fired(span.last, horizon)).copied().collect();
        passed.into_iter().for_each(|span| self.drop_slice(span));
    }

    /// The slices of the window that ends at `end`.
    fn spans(&self, end: i64) -> Vec<WindowSpan> {
        let up_to = WindowSpan { first: end, last: i64::MAX };
        self.slices.range(..=up_to).map(|(span, _)| *span).filter(|span| span.last >= end).collect()
    }

    /// Makes one slice of those that count in the same windows from the one on that ends at `end`; not of those in the store.
    fn unite(&mut self, end: i64, merge: &Merge<'_>) -> Result<(), StateError> {
        let mut firsts: BTreeMap<i64, WindowSpan> = BTreeMap::new();
        for span in self.spans(end) {
            if self.slices[&span].is_stored() {
                continue;
            }
            let Some(into) = firsts.get(&span.last).copied() else {
                firsts.insert(span.last, span);
                continue;
            };
            let Some(from) = self.slices.remove(&span) else { continue };
            if from.is_in_changelog() {
                self.closed.push(span);
            }
            if let Some(into) = self.slices.get_mut(&into) {
                into.merge(&from, merge)?;
            }
            self.reuse(from);
        }
        Ok(())
    }

    fn drop_slice(&mut self, span: WindowSpan) {
        let Some(slice) = self.slices.remove(&span) else { return };
        if slice.is_in_changelog() {
            self.closed.push(span);
        }
        if slice.is_stored() {
            self.gone.insert(span);
        }
        self.reuse(slice);
    }

    /// Whether the changelog is behind the state.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.closed.is_empty() || self.slices.values().any(Slice::is_dirty)
    }

    /// Number of slices of open windows; with TUMBLE, of open windows.
    #[must_use]
    pub fn windows(&self) -> usize {
        self.slices.len()
    }

    /// Number of keys in all open windows, in memory or not.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.slices.values().map(Slice::all_keys).sum()
    }

    /// About how much memory they take, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        self.slices.values().map(|slice| slice.size_in_bytes() as u64).sum()
    }

    /// About how many bytes of state the next commit writes.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        self.slices.values().map(Slice::changed_bytes).sum()
    }

    /// How much memory is taken, with the room that is kept for more, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        self.slices.values().chain(&self.spare).map(Slice::memory_in_bytes).sum()
    }

    /// Hands the records that bring the changelog up to date to `put`.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for span in self.closed.drain(..) {
            changelog::encode_close(span, &mut key);
            put(&key, None);
        }
        for (span, slice) in &mut self.slices {
            for (group, states) in slice.changed() {
                changelog::encode_put((*span, group), states, false, &mut key, &mut value);
                put(&key, Some(&value));
            }
            slice.mark_clean(self.shelf.is_some());
        }
    }

    /// Hands the records of everything there is to `put`.
    pub fn write_all(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for (span, slice) in &self.slices {
            let mut put_key = |group: &[u8], states: &[Accumulator]| {
                changelog::encode_put((*span, group), states, true, &mut key, &mut value);
                put(&key, Some(&value));
                Ok::<_, StateError>(())
            };
            match &self.shelf {
                Some(shelf) if slice.is_stored() => {
                    let source = gather::Source::new(shelf, *span, slice)?;
                    // There is nothing to merge it with.
                    gather::gather(vec![source], &self.initial, &|_, _| {}, &mut put_key)?;
                }
                _ => slice.sorted().try_for_each(|(group, states)| put_key(group, states))?,
            }
        }
        Ok(())
    }

    /// Forgets which keys were changed: everything is in the changelog.
    pub fn mark_clean(&mut self) {
        self.closed.clear();
        self.slices.values_mut().for_each(|slice| slice.mark_clean(self.shelf.is_some()));
    }

    /// Takes in one record of the changelog; records must come in the order of the log. With `partial`, what is added to keys that are
    /// not known yet is passed over.
    pub fn restore(&mut self, record: Record<'_>, partial: bool) -> Result<(), RestoreError> {
        match record {
            Record::Put { span, key, accumulators } => {
                let slice = self.slices.entry(span).or_insert_with(|| Slice::new(&self.initial));
                let adds = accumulators.iter().any(|state| matches!(state, Accumulator::MoreDistinct(..)));
                if let (true, true, Some(shelf)) = (adds, slice.is_stored(), &self.shelf) {
                    warm(shelf, span, slice, key)?;
                }
                if partial && adds && slice.get(key).is_none() {
                    return Ok(());
                }
                if !slice.restore(key, accumulators).map_err(StateError::from)? {
                    return Err(ChangelogError::WRONG_ACCUMULATORS.into());
                }
                if self.shelf.is_some() {
                    slice.mark_unstored(key);
                }
            }
            Record::Close { span } => {
                if self.slices.remove(&span).is_some_and(|slice| slice.is_stored()) {
                    self.gone.insert(span);
                }
            }
            _ => return Err(ChangelogError::WRONG_WINDOWS.into()),
        }
        Ok(())
    }

    /// Forgets everything: a snapshot follows.
    pub fn clear(&mut self) {
        self.slices.clear();
        self.closed.clear();
        self.gone.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn new_state() -> WindowState {
        WindowState::new(vec![Accumulator::Count(0)])
    }

    fn add_counts(into: &mut [Accumulator], from: &[Accumulator]) {
        let (Accumulator::Count(into), Accumulator::Count(from)) = (&mut into[0], &from[0]) else { unreachable!() };
        *into += from;
    }

    /// The windows that `watermark` fires after those up to `fired`: their ends, and their keys with counts.
    fn fire_all(
        state: &mut WindowState,
        fired: i64,
        watermark: i64,
        interval: i64,
    ) -> Vec<(i64, Vec<u8>, Accumulator)> {
        let (mut rows, mut fired) = (Vec::new(), fired);
        while let Some(end) = state.next_end(fired, interval)
            && is_window_fired(end, watermark)
        {
            let mut emit = |key: &[u8], states: &[Accumulator]| {
                rows.push((end, key.to_vec(), states[0].clone()));
                Ok::<_, StateError>(())
            };
            state.fire(end, &add_counts, &mut emit).unwrap();
            fired = end - 1;
        }
        rows
    }

    proptest! {
        /// A window has the rows of all slices that are part of it, whatever watermarks come in which strides.
        #[test]
        fn windows_are_the_sum_of_their_slices(
            rows in prop::collection::vec((1..8i64, 0..4i64, "[ab]"), 1..40), strides in prop::collection::vec(1..30i64, 1..20),
        ) {
            let mut state = new_state();
            let mut expected: BTreeMap<(i64, Vec<u8>), i64> = BTreeMap::new();
            for (first, more, key) in rows {
                let span = WindowSpan { first: first * 10, last: (first + more) * 10 };
                let Accumulator::Count(count) = &mut state.update(span, key.as_bytes()).unwrap()[0] else { unreachable!() };
                *count += 1;
                for window in first..=first + more {
                    *expected.entry((window * 10, key.as_bytes().to_vec())).or_default() += 1;
                }
            }
            let (mut fired, mut found) = (0, Vec::new());
            for stride in strides.into_iter().chain([1_000]) {
                found.extend(fire_all(&mut state, fired, fired + stride, 10));
                fired += stride;
            }
            let expected: Vec<_> = expected.into_iter().map(|((end, key), n)| (end, key, Accumulator::Count(n))).collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(state.windows(), 0);
        }
    }

    #[test]
    fn windows_close_in_order_and_only_once_fired() {
        let mut state = new_state();
        for end in [30, 10, 20] {
            state.update(WindowSpan::one(end), b"k").unwrap();
        }
        assert_eq!(fire_all(&mut state, 0, 8, 10).len(), 0);
        assert_eq!(fire_all(&mut state, 8, 19, 10).into_iter().map(|(end, ..)| end).collect::<Vec<_>>(), [10, 20]);
        assert_eq!(state.windows(), 1);
    }
}
