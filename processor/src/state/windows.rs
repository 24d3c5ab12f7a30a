//! Open windows that lie on a grid of time, and their way into and out of the changelog.
//!
//! Each slice of time has its own map (see [`WindowSpan`]). A window that is one slice, as with TUMBLE, is taken from it as it is; one
//! of several slices is put together when it fires. Slices with the same last window whose first ones have all fired count in
//! the same windows from then on, and become one: so CUMULATE adds only what is new at each step.

use std::collections::BTreeMap;

use super::Accumulator;
use super::changelog::{self, ChangelogError, Record};
use super::slice::{Slice, SliceFull};
use super::task::{PutRecord, RestoreError};
use crate::time::{WindowSpan, is_window_fired};

/// How many closed windows' room is kept: one to fill while the next one begins.
const SPARE_SLICES: usize = 2;

/// Adds the accumulators of a key in one slice to those of the same key in another.
pub type Merge<'m> = dyn Fn(&mut [Accumulator], &[Accumulator]) + 'm;

/// Open windows by the slices they are made of.
#[derive(Debug)]
pub struct WindowState {
    initial: Vec<Accumulator>,
    slices: BTreeMap<WindowSpan, Slice>,
    /// Closed and emptied, for the next windows; at most [`SPARE_SLICES`].
    spare: Vec<Slice>,
    /// Slices that the changelog knows and that were dropped since the last commit.
    closed: Vec<WindowSpan>,
}

impl WindowState {
    /// No open windows; `initial` are the accumulators of a new key.
    #[must_use]
    pub fn new(initial: Vec<Accumulator>) -> WindowState {
        WindowState { initial, slices: BTreeMap::new(), spare: Vec::new(), closed: Vec::new() }
    }

    /// The accumulators of `key` in the slice that `span` tells, to be changed.
    #[inline]
    pub fn update(&mut self, span: WindowSpan, key: &[u8]) -> Result<&mut [Accumulator], SliceFull> {
        let new = || self.spare.pop().unwrap_or_else(|| Slice::new(&self.initial));
        self.slices.entry(span).or_insert_with(new).update(key)
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

    /// Fires the window that ends at `end`, all before it having fired: hands its keys to `emit` and drops the slices that no later
    /// window has.
    pub fn fire<E: From<SliceFull>>(
        &mut self,
        end: i64,
        merge: &Merge<'_>,
        emit: &mut dyn FnMut(&Slice) -> Result<(), E>,
    ) -> Result<(), E> {
        self.unite(end, merge)?;
        self.show(end, merge, emit)?;
        self.spans(end).into_iter().filter(|span| span.last == end).for_each(|span| self.drop_slice(span));
        Ok(())
    }

    /// Hands the keys of the window that ends at `end` to `emit`, and keeps them.
    pub fn show<E: From<SliceFull>>(
        &mut self,
        end: i64,
        merge: &Merge<'_>,
        emit: &mut dyn FnMut(&Slice) -> Result<(), E>,
    ) -> Result<(), E> {
        let spans = self.spans(end);
        match &spans[..] {
            [only] => emit(&self.slices[only])?,
            _ => {
                let mut whole = self.spare.pop().unwrap_or_else(|| Slice::new(&self.initial));
                for span in &spans {
                    whole.merge(&self.slices[span], merge)?;
                }
                emit(&whole)?;
                self.reuse(whole);
            }
        }
        Ok(())
    }

    /// The accumulators of one key in the window that ends at `end`.
    #[must_use]
    pub fn of_key(&self, end: i64, key: &[u8], merge: &Merge<'_>) -> Vec<Accumulator> {
        let mut whole = self.initial.clone();
        let slices = self.spans(end).into_iter().filter_map(|span| self.slices[&span].get(key));
        slices.for_each(|states| merge(&mut whole, states));
        whole
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

    /// Makes one slice of those that count in the same windows from the one on that ends at `end`.
    fn unite(&mut self, end: i64, merge: &Merge<'_>) -> Result<(), SliceFull> {
        let mut firsts: BTreeMap<i64, WindowSpan> = BTreeMap::new();
        for span in self.spans(end) {
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

    /// Number of keys in all open windows.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.slices.values().map(Slice::len).sum()
    }

    /// About how much memory they take, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        self.slices.values().map(|slice| slice.size_in_bytes() as u64).sum()
    }

    /// Hands the records that bring the changelog up to date to `put`, or, for a `snapshot`, those of everything there is.
    pub fn write_changes(&mut self, snapshot: bool, put: &mut PutRecord<'_>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        if !snapshot {
            for span in &self.closed {
                changelog::encode_close(*span, &mut key);
                put(&key, None);
            }
        }
        for (span, slice) in &mut self.slices {
            let mut put_key = |(group, states): (&[u8], &[Accumulator])| {
                changelog::encode_put((*span, group), states, snapshot, &mut key, &mut value);
                put(&key, Some(&value));
            };
            if snapshot {
                slice.sorted().into_iter().for_each(&mut put_key);
            } else {
                slice.changed().for_each(&mut put_key);
            }
            slice.mark_clean();
        }
        self.closed.clear();
    }

    /// Takes in one record of the changelog; records must come in the order of the log.
    pub fn restore(&mut self, record: Record<'_>) -> Result<(), RestoreError> {
        match record {
            Record::Put { span, key, accumulators } => {
                let slice = self.slices.entry(span).or_insert_with(|| Slice::new(&self.initial));
                if !slice.restore(key, accumulators)? {
                    return Err(ChangelogError::WRONG_ACCUMULATORS.into());
                }
            }
            Record::Close { span } => {
                self.slices.remove(&span);
            }
            _ => return Err(ChangelogError::WRONG_WINDOWS.into()),
        }
        Ok(())
    }

    /// Forgets everything: a snapshot follows.
    pub fn clear(&mut self) {
        self.slices.clear();
        self.closed.clear();
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
            let mut emit = |slice: &Slice| {
                rows.extend(slice.sorted().into_iter().map(|(key, states)| (end, key.to_vec(), states[0].clone())));
                Ok::<_, SliceFull>(())
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
