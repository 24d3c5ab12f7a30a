//! All open windows of a task, and their way into and out of the changelog.
//!
//! Each slice of time has its own map (see [`WindowSpan`]). A window that is one slice, as with TUMBLE, is taken from it as it is; one
//! of several slices is put together when it fires. Slices with the same last window whose first ones have all fired count in
//! the same windows from then on, and become one: so CUMULATE adds only what is new at each step.

use std::collections::BTreeMap;

use super::Accumulator;
use super::changelog::{self, ChangelogError, Record};
use super::slice::{Slice, SliceFull};
use crate::time::{WindowSpan, is_window_fired};

/// A snapshot is written when the changelog since the last one exceeds this many times the size of the state.
const SNAPSHOT_RATIO: u64 = 2;

/// How many closed windows' room is kept: one to fill while the next one begins.
const SPARE_SLICES: usize = 2;

/// Adds the accumulators of a key in one slice to those of the same key in another.
pub type Merge<'m> = dyn Fn(&mut [Accumulator], &[Accumulator]) + 'm;

/// Takes key and value of a changelog record.
pub type PutRecord<'p> = dyn FnMut(&[u8], Option<&[u8]>) + 'p;

/// Open windows by the slices they are made of.
#[derive(Debug)]
pub struct WindowState {
    layout: String,
    initial: Vec<Accumulator>,
    slices: BTreeMap<WindowSpan, Slice>,
    /// Closed and emptied, for the next windows; at most [`SPARE_SLICES`].
    spare: Vec<Slice>,
    /// Slices that the changelog knows and that were dropped since the last commit.
    closed: Vec<WindowSpan>,
    /// Whether the changelog has a beginning.
    begun: bool,
    changelog_bytes: u64,
    snapshot_floor: u64,
}

/// State that cannot be rebuilt from its changelog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A record of an unknown form.
    #[error(transparent)]
    Record(#[from] ChangelogError),
    /// The records belong to another query.
    #[error(
        "the state was written by another query ({found}), this one needs ({expected}); \
         drop the job with its state, or apply it under another name"
    )]
    Layout {
        /// Layout of the state.
        found: String,
        /// Layout of the plan.
        expected: String,
    },
    /// The first record is not a beginning.
    #[error("the changelog does not start at a snapshot: records before it were deleted")]
    NoBegin,
    /// A window's keys are too large.
    #[error(transparent)]
    Full(#[from] SliceFull),
}

impl WindowState {
    /// No open windows. `layout` names what the state holds, `initial` are the accumulators of a new key, `snapshot_floor` is how many
    /// bytes of changelog are always allowed before a snapshot is written.
    #[must_use]
    pub fn new(layout: String, initial: Vec<Accumulator>, snapshot_floor: u64) -> WindowState {
        WindowState {
            layout,
            initial,
            slices: BTreeMap::new(),
            spare: Vec::new(),
            closed: Vec::new(),
            begun: false,
            changelog_bytes: 0,
            snapshot_floor,
        }
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
        spans.into_iter().filter(|span| span.last == end).for_each(|span| self.drop_slice(span));
        Ok(())
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

    /// Whether the changelog holds something.
    #[must_use]
    pub fn is_in_changelog(&self) -> bool {
        self.begun
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

    /// Bytes of keys and values in the changelog since its last beginning.
    #[must_use]
    pub fn changelog_bytes(&self) -> u64 {
        self.changelog_bytes
    }

    /// Hands the records that bring the changelog up to date to `put`, as key and value. Returns true if they are a snapshot, so
    /// that everything before them may be deleted once they are committed.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) -> bool {
        let limit = self.snapshot_floor.max(SNAPSHOT_RATIO * self.size_in_bytes());
        let snapshot = !self.begun || self.changelog_bytes > limit;
        let mut bytes = 0;
        let mut put = |key: &[u8], value: Option<&[u8]>| {
            bytes += (key.len() + value.map_or(0, <[u8]>::len)) as u64;
            put(key, value);
        };
        let (mut key, mut value) = (Vec::new(), Vec::new());
        if snapshot {
            changelog::encode_begin(&self.layout, &mut key, &mut value);
            put(&key, Some(&value));
        } else {
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
        self.begun = true;
        self.changelog_bytes = if snapshot { bytes } else { self.changelog_bytes + bytes };
        snapshot
    }

    /// Takes in one record of the changelog; records must come in the order of the log.
    pub fn restore(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), RestoreError> {
        let record = changelog::decode(key, value)?;
        if !self.begun && !matches!(record, Record::Begin { .. }) {
            return Err(RestoreError::NoBegin);
        }
        let bytes = (key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)) as u64;
        self.changelog_bytes += bytes;
        match record {
            Record::Begin { layout } if layout == self.layout => {
                self.slices.clear();
                self.begun = true;
                self.changelog_bytes = bytes;
            }
            Record::Begin { layout } => {
                return Err(RestoreError::Layout { found: layout.to_owned(), expected: self.layout.clone() });
            }
            Record::Put { span, key, accumulators } => {
                let slice = self.slices.entry(span).or_insert_with(|| Slice::new(&self.initial));
                if !slice.restore(key, accumulators)? {
                    return Err(ChangelogError::WRONG_ACCUMULATORS.into());
                }
            }
            Record::Close { span } => {
                self.slices.remove(&span);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Log = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    fn new_state() -> WindowState {
        WindowState::new("COUNT(*)".to_owned(), vec![Accumulator::Count(0)], 200)
    }

    fn commit(state: &mut WindowState, log: &mut Log) -> bool {
        let begin = log.len();
        let snapshot = state.write_changes(&mut |key, value| log.push((key.to_vec(), value.map(<[u8]>::to_vec))));
        if snapshot {
            log.drain(..begin);
        }
        snapshot
    }

    fn content(state: &WindowState) -> Vec<(WindowSpan, Vec<u8>, Accumulator)> {
        let rows = state.slices.iter().flat_map(|(end, slice)| {
            slice.sorted().into_iter().map(|(key, states)| (*end, key.to_vec(), states[0].clone())).collect::<Vec<_>>()
        });
        rows.collect()
    }

    fn restored(log: &Log) -> WindowState {
        let mut state = new_state();
        for (key, value) in log {
            state.restore(Some(key), value.as_deref()).unwrap();
        }
        state
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
        /// Whatever happens between commits, what is restored from the log, cut at each snapshot, is what was there.
        #[test]
        fn the_log_holds_the_state(steps in prop::collection::vec((0..6i64, 0..3i64, "[a-c]", 0..10u8), 1..150)) {
            let (mut state, mut log) = (new_state(), Log::new());
            let (mut watermark, mut snapshots) = (0, 0);
            for (window, more, key, action) in steps {
                let first = watermark + 10 + window * 10;
                let span = WindowSpan { first, last: first + 10 * more };
                let Accumulator::Count(count) = &mut state.update(span, key.as_bytes()).unwrap()[0] else { unreachable!() };
                *count += 1;
                if action == 0 {
                    fire_all(&mut state, watermark, watermark + 10, 10);
                    watermark += 10;
                }
                if action < 5 {
                    snapshots += u32::from(commit(&mut state, &mut log));
                    prop_assert!(!state.is_dirty());
                    let again = restored(&log);
                    prop_assert_eq!(content(&again), content(&state));
                    prop_assert_eq!(again.changelog_bytes(), state.changelog_bytes());
                }
            }
            prop_assert!(log.is_empty() || snapshots > 0);
        }

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

    #[test]
    fn refuses_another_querys_state_and_a_log_without_its_beginning() {
        let (mut state, mut log) = (new_state(), Log::new());
        state.update(WindowSpan::one(10), b"k").unwrap();
        commit(&mut state, &mut log);
        let mut other = WindowState::new("SUM(x)".to_owned(), vec![Accumulator::Integer(None)], 200);
        let error = other.restore(Some(&log[0].0), log[0].1.as_deref()).unwrap_err();
        assert!(matches!(error, RestoreError::Layout { .. }), "{error}");
        let error = new_state().restore(Some(&log[1].0), log[1].1.as_deref()).unwrap_err();
        assert_eq!(error, RestoreError::NoBegin);
    }
}
