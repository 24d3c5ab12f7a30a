//! All state of a task: its windows, one after the other, the one changelog that they share, and the one store.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use super::changelog;
use super::error::StateError;
use super::restore::RestoreError;
use super::rewrite::{self, Rewrite};
use super::sessions::SessionState;
use super::shelf::Shelf;
use super::store::{About, Store, StoreError};
use super::windows::WindowState;
use crate::time::Frontier;

/// A snapshot is written when the changelog since the last one exceeds this many times the size of the state.
const SNAPSHOT_RATIO: u64 = 2;

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
    pub(super) windows: Vec<Windows>,
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
    snapshot_floor: u64,
    store: Option<Arc<Store>>,
    pass: Option<Rewrite>,
    /// Bytes of memory for all of it.
    memory: u64,
    /// What it still took after everything went to the store that can.
    rest: u64,
}

impl TaskState {
    /// The `windows` of a task, of which there are at most 255. `layout` names what they hold, `snapshot_floor` is how many bytes of
    /// changelog are always allowed before a snapshot is written.
    #[must_use]
    pub fn new(layout: String, windows: Vec<Windows>, snapshot_floor: u64) -> TaskState {
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

    /// About how much memory their content takes, in bytes.
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

    /// How much memory is taken, with the room that is kept for more and the store's cache, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        let size = |windows: &Windows| match windows {
            Windows::Grid(state) => state.memory_in_bytes(),
            Windows::Sessions(state) => state.size_in_bytes(),
        };
        let cache = if self.store.is_some() { self.memory / CACHE_PART } else { 0 };
        self.windows.iter().map(size).sum::<u64>() + cache
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
            self.windows.iter_mut().for_each(|windows| match windows {
                Windows::Grid(state) => state.mark_clean(),
                Windows::Sessions(state) => state.mark_clean(),
            });
            superfluous = Some(Superfluous::BeforeThese);
        } else {
            superfluous = self.rewrite(&mut counted)?;
            let again = written.get();
            for (before, windows) in self.windows.iter_mut().enumerate() {
                let mut nested = nested(before, &mut counted);
                match windows {
                    Windows::Grid(state) => state.write_changes(&mut nested),
                    Windows::Sessions(state) => state.write_changes(&mut nested),
                }
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
            let mut nested = nested(before, put);
            match windows {
                Windows::Grid(state) => state.write_all(&mut nested)?,
                Windows::Sessions(state) => state.write_all(&mut nested)?,
            }
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
        let from = [&pass.cursor[..], &[0]].concat();
        let items = store.scan(&[], &from);
        if !rewrite::write_piece(pass, &self.windows, items, self.last_changes, put)? {
            return Ok(None);
        }
        put(changelog::REWRITTEN_KEY, Some(&[]));
        Ok(Some(Superfluous::Before(pass.from)))
    }

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
        let new = About::default();
        let known = about.unwrap_or(&new);
        for (number, windows) in self.windows.iter_mut().enumerate() {
            let shelf = Shelf::new(store.clone(), number as u8);
            match windows {
                Windows::Grid(state) => {
                    let own = known.slices.iter().filter(|slice| usize::from(slice.before) == number);
                    state.attach(shelf, own.cloned());
                }
                Windows::Sessions(state) => {
                    state.attach(shelf, known.sessions.get(number).copied())?;
                }
            }
        }
        self.store = Some(store);
        self.since_checkpoint = 0;
        Ok(())
    }

    /// Lets go of the store. What was there alone is not known any more.
    pub fn detach(&mut self) {
        for windows in &mut self.windows {
            match windows {
                Windows::Grid(state) => state.detach(),
                Windows::Sessions(state) => state.detach(),
            }
        }
        self.store = None;
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
        if self.windows.iter().any(|windows| matches!(windows, Windows::Grid(state) if state.has_gone())) {
            store.write(|put| {
                self.windows.iter_mut().try_for_each(|windows| match windows {
                    Windows::Grid(state) => state.remove_gone(put),
                    Windows::Sessions(_) => Ok(()),
                })
            })?;
        }
        let about = About { beside, ..self.about(offset) };
        store.write(|put| {
            Store::put_about(&about, put)?;
            self.windows.iter_mut().try_for_each(|windows| match windows {
                Windows::Grid(state) => state.write_unstored(put),
                Windows::Sessions(state) => state.write_unstored(put),
            })
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
            match windows {
                Windows::Grid(state) => {
                    about.slices.extend(state.stored(number as u8));
                    about.sessions.push((0, 0));
                }
                Windows::Sessions(state) => about.sessions.push((state.keys(), state.sessions())),
            }
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
            if let Windows::Grid(state) = windows {
                state.weigh(&mut |span, recent, bytes| slices.push((recent, number, span, bytes)));
            }
        }
        slices.sort_unstable();
        for (_, number, span, bytes) in slices {
            if taken <= aim {
                break;
            }
            if let Windows::Grid(state) = &mut self.windows[number] {
                state.evict(span);
            }
            taken = taken.saturating_sub(bytes);
        }
        for windows in &mut self.windows {
            if let Windows::Sessions(state) = windows
                && taken > aim
            {
                taken = taken.saturating_sub(state.evict(taken - aim));
            }
        }
        self.rest = self.memory_in_bytes();
    }
}

/// Puts what belongs in front of the keys of windows that `before` others go before.
fn nested<'p>(before: usize, put: &'p mut PutRecord<'_>) -> impl FnMut(&[u8], Option<&[u8]>) + 'p {
    let nesting = changelog::nesting(before as u8);
    move |key, value| match before {
        0 => put(key, value),
        _ => put(&[&nesting, key].concat(), value),
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
        let put = &mut |key: &[u8], value: Option<&[u8]>| log.push((key.to_vec(), value.map(<[u8]>::to_vec)));
        let snapshot = state.write_changes(put).unwrap().is_some();
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
        grid.write_all(&mut put).unwrap();
        sessions.write_all(&mut put).unwrap();
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
                count(sessions.update(key.as_bytes(), first, first + 10 + more, &merge).unwrap());
                if action == 1 {
                    sessions.wait(watermark + more, window as i32, key.as_bytes(), first, vec![Accumulator::Count(1)]);
                }
                if action == 0 {
                    while let Some(end) = grid.next_end(watermark, 10) && is_window_fired(end, watermark + 10) {
                        grid.fire(end, &merge, &mut |_, _| Ok::<_, StateError>(())).unwrap();
                        watermark = end - 1;
                    }
                    watermark += 10;
                    sessions.end(watermark).unwrap();
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
