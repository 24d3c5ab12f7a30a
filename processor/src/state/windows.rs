//! All open windows of a task, and their way into and out of the changelog.

use std::collections::BTreeMap;

use super::Accumulator;
use super::changelog::{self, ChangelogError, Record};
use super::slice::{Slice, SliceFull};
use crate::time::is_window_fired;

/// A snapshot is written when the changelog since the last one exceeds this many times the size of the state.
const SNAPSHOT_RATIO: u64 = 2;

/// How many closed windows' room is kept: one to fill while the next one begins.
const SPARE_SLICES: usize = 2;

/// Takes key and value of a changelog record.
pub type PutRecord<'p> = dyn FnMut(&[u8], Option<&[u8]>) + 'p;

/// Open windows by their end.
#[derive(Debug)]
pub struct WindowState {
    layout: String,
    initial: Vec<Accumulator>,
    slices: BTreeMap<i64, Slice>,
    /// Closed and emptied, for the next windows; at most [`SPARE_SLICES`].
    spare: Vec<Slice>,
    /// Windows that the changelog knows and that were closed since the last commit.
    closed: Vec<i64>,
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

    /// The accumulators of `key` in the window that ends at `window_end`, to be changed.
    #[inline]
    pub fn update(&mut self, window_end: i64, key: &[u8]) -> Result<&mut [Accumulator], SliceFull> {
        let new = || self.spare.pop().unwrap_or_else(|| Slice::new(&self.initial));
        self.slices.entry(window_end).or_insert_with(new).update(key)
    }

    /// Takes the room of a window that was closed for windows to come.
    pub fn reuse(&mut self, closed: Slice) {
        if self.spare.len() < SPARE_SLICES {
            self.spare.extend(closed.emptied());
        }
    }

    /// Takes out the windows that `watermark` closes, in the order of their ends.
    pub fn close(&mut self, watermark: i64) -> Vec<(i64, Slice)> {
        let mut fired = Vec::new();
        while let Some(first) = self.slices.first_entry()
            && is_window_fired(*first.key(), watermark)
        {
            let (window_end, slice) = first.remove_entry();
            if slice.is_in_changelog() {
                self.closed.push(window_end);
            }
            fired.push((window_end, slice));
        }
        fired
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

    /// Number of open windows.
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
            for window_end in &self.closed {
                changelog::encode_close(*window_end, &mut key);
                put(&key, None);
            }
        }
        for (window_end, slice) in &mut self.slices {
            let mut put_key = |(group, states): (&[u8], &[Accumulator])| {
                changelog::encode_put(*window_end, group, states, &mut key, &mut value);
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
            Record::Put { window_end, key, accumulators } => {
                let kinds = |states: &[Accumulator]| states.iter().map(std::mem::discriminant).collect::<Vec<_>>();
                if kinds(&accumulators) != kinds(&self.initial) {
                    return Err(ChangelogError::WRONG_ACCUMULATORS.into());
                }
                let slice = self.slices.entry(window_end).or_insert_with(|| Slice::new(&self.initial));
                slice.restore(key, accumulators)?;
            }
            Record::Close { window_end } => {
                self.slices.remove(&window_end);
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

    fn content(state: &WindowState) -> Vec<(i64, Vec<u8>, Accumulator)> {
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

    proptest! {
        /// Whatever happens between commits, what is restored from the log, cut at each snapshot, is what was there.
        #[test]
        fn the_log_holds_the_state(steps in prop::collection::vec((0..6i64, "[a-c]", 0..10u8), 1..150)) {
            let (mut state, mut log) = (new_state(), Log::new());
            let (mut watermark, mut snapshots) = (0, 0);
            for (window, key, action) in steps {
                let end = watermark + 10 + window * 10;
                let Accumulator::Count(count) = &mut state.update(end, key.as_bytes()).unwrap()[0] else { unreachable!() };
                *count += 1;
                if action == 0 {
                    watermark += 10;
                    for (_, slice) in state.close(watermark) {
                        state.reuse(slice);
                    }
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
    }

    #[test]
    fn windows_close_in_order_and_only_once_fired() {
        let mut state = new_state();
        for end in [30, 10, 20] {
            state.update(end, b"k").unwrap();
        }
        assert_eq!(state.close(8).len(), 0);
        assert_eq!(state.close(19).into_iter().map(|(end, _)| end).collect::<Vec<_>>(), [10, 20]);
        assert_eq!(state.windows(), 1);
    }

    #[test]
    fn refuses_another_querys_state_and_a_log_without_its_beginning() {
        let (mut state, mut log) = (new_state(), Log::new());
        state.update(10, b"k").unwrap();
        commit(&mut state, &mut log);
        let mut other = WindowState::new("SUM(x)".to_owned(), vec![Accumulator::Integer(None)], 200);
        let error = other.restore(Some(&log[0].0), log[0].1.as_deref()).unwrap_err();
        assert!(matches!(error, RestoreError::Layout { .. }), "{error}");
        let error = new_state().restore(Some(&log[1].0), log[1].1.as_deref()).unwrap_err();
        assert_eq!(error, RestoreError::NoBegin);
    }
}
