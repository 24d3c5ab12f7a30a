//! All state of a task: its windows, one after the other, and the one changelog that they share.

use super::changelog::{self, ChangelogError, Record};
use super::sessions::SessionState;
use super::slice::SliceFull;
use super::windows::WindowState;
use crate::time::Frontier;

/// A snapshot is written when the changelog since the last one exceeds this many times the size of the state.
const SNAPSHOT_RATIO: u64 = 2;

/// Takes key and value of a changelog record.
pub type PutRecord<'p> = dyn FnMut(&[u8], Option<&[u8]>) + 'p;

/// The state of one window operator.
#[derive(Debug)]
pub enum Windows {
    /// Windows on a grid of time.
    Grid(WindowState),
    /// Sessions.
    Sessions(SessionState),
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

/// The windows of a task, in the order in which rows pass them.
#[derive(Debug)]
pub struct TaskState {
    layout: String,
    windows: Vec<Windows>,
    /// Whether the changelog has a beginning.
    begun: bool,
    changelog_bytes: u64,
    snapshot_floor: u64,
}

impl TaskState {
    /// The `windows` of a task, of which there are at most 255. `layout` names what they hold, `snapshot_floor` is how many bytes of
    /// changelog are always allowed before a snapshot is written.
    #[must_use]
    pub fn new(layout: String, windows: Vec<Windows>, snapshot_floor: u64) -> TaskState {
        TaskState { layout, windows, begun: false, changelog_bytes: 0, snapshot_floor }
    }

    /// The windows that come first; there must be some.
    #[inline]
    pub fn first(&mut self) -> &mut Windows {
        &mut self.windows[0]
    }

    /// All windows, in their order.
    #[must_use]
    pub fn windows_in_order(&self) -> &[Windows] {
        &self.windows
    }

    /// All windows, in their order.
    #[must_use]
    pub fn windows_mut(&mut self) -> &mut [Windows] {
        &mut self.windows
    }

    /// Whether the changelog is behind the state.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.windows.iter().any(|windows| match windows {
            Windows::Grid(state) => state.is_dirty(),
            Windows::Sessions(state) => state.is_dirty(),
        })
    }

    /// Whether the changelog holds something.
    #[must_use]
    pub fn is_in_changelog(&self) -> bool {
        self.begun
    }

    /// Number of open windows: sessions, and slices of windows on a grid (with TUMBLE, as many as windows).
    #[must_use]
    pub fn windows(&self) -> usize {
        let count = |windows: &Windows| match windows {
            Windows::Grid(state) => state.windows(),
            Windows::Sessions(state) => state.sessions(),
        };
        self.windows.iter().map(count).sum()
    }

    /// Number of keys in all open windows.
    #[must_use]
    pub fn keys(&self) -> usize {
        let count = |windows: &Windows| match windows {
            Windows::Grid(state) => state.keys(),
            Windows::Sessions(state) => state.keys(),
        };
        self.windows.iter().map(count).sum()
    }

    /// About how much memory they take, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        let size = |windows: &Windows| match windows {
            Windows::Grid(state) => state.size_in_bytes(),
            Windows::Sessions(state) => state.size_in_bytes(),
        };
        self.windows.iter().map(size).sum()
    }

    /// Whether rows wait to be placed whose turn has come when all partitions have come to `frontier`.
    #[must_use]
    pub fn has_tardy(&self, frontier: Frontier) -> bool {
        self.windows.iter().any(|windows| match windows {
            Windows::Grid(_) => false,
            Windows::Sessions(state) => state.has_tardy(frontier),
        })
    }

    /// About how much memory the rows take that wait to be placed in sessions, in bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        let waiting = |windows: &Windows| match windows {
            Windows::Grid(_) => 0,
            Windows::Sessions(state) => state.waiting_bytes(),
        };
        self.windows.iter().map(waiting).sum()
    }

    /// Bytes of keys and values in the changelog since its last beginning.
    #[must_use]
    pub fn changelog_bytes(&self) -> u64 {
        self.changelog_bytes
    }

    /// Counts bytes of the changelog that are not of the windows, but written with them.
    pub fn add_changelog_bytes(&mut self, bytes: u64) {
        self.changelog_bytes = self.changelog_bytes.saturating_add(bytes);
    }

    /// Lets the next changes be written as a snapshot.
    pub fn snapshot_next(&mut self) {
        self.changelog_bytes = u64::MAX;
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
        if snapshot {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            changelog::encode_begin(&self.layout, &mut key, &mut value);
            put(&key, Some(&value));
        }
        for (before, windows) in self.windows.iter_mut().enumerate() {
            let nesting = changelog::nesting(before as u8);
            let mut nested = |key: &[u8], value: Option<&[u8]>| match before {
                0 => put(key, value),
                _ => put(&[&nesting, key].concat(), value),
            };
            match windows {
                Windows::Grid(state) => state.write_changes(snapshot, &mut nested),
                Windows::Sessions(state) => state.write_changes(snapshot, &mut nested),
            }
        }
        self.begun = true;
        self.changelog_bytes = if snapshot { bytes } else { self.changelog_bytes + bytes };
        snapshot
    }

    /// Takes in one record of the changelog; records must come in the order of the log.
    pub fn restore(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), RestoreError> {
        let bytes = (key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len)) as u64;
        let (before, key) = changelog::take_nesting(key);
        let record = changelog::decode(key, value)?;
        if let Record::Begin { layout } = record {
            return self.begin(layout, bytes);
        }
        if !self.begun {
            return Err(RestoreError::NoBegin);
        }
        self.changelog_bytes += bytes;
        match self.windows.get_mut(usize::from(before)) {
            Some(Windows::Grid(state)) => state.restore(record),
            Some(Windows::Sessions(state)) => state.restore(record),
            None => Err(ChangelogError::WRONG_WINDOWS.into()),
        }
    }

    fn begin(&mut self, layout: &str, bytes: u64) -> Result<(), RestoreError> {
        if layout != self.layout {
            return Err(RestoreError::Layout { found: layout.to_owned(), expected: self.layout.clone() });
        }
        for windows in &mut self.windows {
            match windows {
                Windows::Grid(state) => state.clear(),
                Windows::Sessions(state) => state.clear(),
            }
        }
        (self.begun, self.changelog_bytes) = (true, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Accumulator;
    use super::*;
    use crate::time::{Frontier, WindowSpan, is_window_fired};

    type Log = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    /// Windows on a grid, and sessions over them.
    fn new_state() -> TaskState {
        let initial = || vec![Accumulator::Count(0)];
        let windows = vec![Windows::Grid(WindowState::new(initial())), Windows::Sessions(SessionState::new(initial()))];
        TaskState::new("COUNT(*)".to_owned(), windows, 200)
    }

    fn parts(state: &mut TaskState) -> (&mut WindowState, &mut SessionState) {
        let [Windows::Grid(grid), Windows::Sessions(sessions)] = &mut state.windows[..] else { unreachable!() };
        (grid, sessions)
    }

    fn commit(state: &mut TaskState, log: &mut Log) -> bool {
        let begin = log.len();
        let snapshot = state.write_changes(&mut |key, value| log.push((key.to_vec(), value.map(<[u8]>::to_vec))));
        if snapshot {
            log.drain(..begin);
        }
        snapshot
    }

    /// Everything there is, as the records of a snapshot of it.
    fn content(state: &mut TaskState) -> Log {
        let mut records = Log::new();
        let mut put = |key: &[u8], value: Option<&[u8]>| records.push((key.to_vec(), value.map(<[u8]>::to_vec)));
        let (grid, sessions) = parts(state);
        grid.write_changes(true, &mut put);
        sessions.write_changes(true, &mut put);
        records
    }

    fn restored(log: &Log) -> TaskState {
        let mut state = new_state();
        for (key, value) in log {
            state.restore(Some(key), value.as_deref()).unwrap();
        }
        state
    }

    fn count(states: &mut [Accumulator]) {
        let Accumulator::Count(count) = &mut states[0] else { unreachable!() };
        *count += 1;
    }

    fn merge(into: &mut [Accumulator], from: &[Accumulator]) {
        let (Accumulator::Count(into), Accumulator::Count(from)) = (&mut into[0], &from[0]) else { unreachable!() };
        *into += from;
    }

    proptest! {
        /// Whatever happens between commits, what is restored from the log, cut at each snapshot, is what was there.
        #[test]
        fn the_log_holds_the_state(steps in prop::collection::vec((0..6i64, 0..3i64, "[a-c]", 0..10u8), 1..150)) {
            let (mut state, mut log) = (new_state(), Log::new());
            let (mut watermark, mut snapshots) = (0, 0);
            for (window, more, key, action) in steps {
                let first = watermark + 10 + window * 10;
                let (grid, sessions) = parts(&mut state);
                count(grid.update(WindowSpan { first, last: first + 10 * more }, key.as_bytes()).unwrap());
                count(sessions.update(key.as_bytes(), first, first + 10 + more, &merge));
                if action == 1 {
                    sessions.wait(watermark + more, window as i32, key.as_bytes(), first, vec![Accumulator::Count(1)]);
                }
                if action == 0 {
                    while let Some(end) = grid.next_end(watermark, 10) && is_window_fired(end, watermark + 10) {
                        grid.fire(end, &merge, &mut |_| Ok::<_, SliceFull>(())).unwrap();
                        watermark = end - 1;
                    }
                    watermark += 10;
                    sessions.end(watermark);
                    while sessions.next_tardy(Frontier { watermark, partition: 0 }).is_some() {}
                }
                if action < 5 {
                    snapshots += u32::from(commit(&mut state, &mut log));
                    prop_assert!(!state.is_dirty());
                    let mut again = restored(&log);
                    prop_assert_eq!(again.changelog_bytes(), state.changelog_bytes());
                    prop_assert_eq!((again.windows(), again.keys()), (state.windows(), state.keys()));
                    prop_assert_eq!(content(&mut again), content(&mut state));
                }
            }
            prop_assert!(log.is_empty() || snapshots > 0);
        }
    }

    #[test]
    fn refuses_another_querys_state_and_a_log_without_its_beginning() {
        let (mut state, mut log) = (new_state(), Log::new());
        parts(&mut state).0.update(WindowSpan::one(10), b"k").unwrap();
        commit(&mut state, &mut log);
        let grid = WindowState::new(vec![Accumulator::Integer(None)]);
        let mut other = TaskState::new("SUM(x)".to_owned(), vec![Windows::Grid(grid)], 200);
        let error = other.restore(Some(&log[0].0), log[0].1.as_deref()).unwrap_err();
        assert!(matches!(error, RestoreError::Layout { .. }), "{error}");
        let error = new_state().restore(Some(&log[1].0), log[1].1.as_deref()).unwrap_err();
        assert_eq!(error, RestoreError::NoBegin);
    }
}
