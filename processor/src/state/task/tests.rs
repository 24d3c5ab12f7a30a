//! A task's state through its changelog, whatever happens between commits.
use proptest::prelude::*;

use super::super::restore::RestoreError;
use super::super::sessions::{Session, SessionSpot, SessionState};
use super::super::stage::StageState;
use super::super::store::{PutStored, StoreError};
use super::super::windows::{WindowSpot, WindowState};
use super::super::{Accumulator, StateError, WaitingRow};
use super::*;
use crate::time::{Frontier, WindowSpan, is_window_fired};

type Log = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Windows on a grid, and sessions over them.
fn new_state() -> TaskState {
    let initial = || vec![Accumulator::Count(0)];
    let windows =
        vec![StageState::Grid(WindowState::new(initial())), StageState::Sessions(SessionState::new(initial()))];
    TaskState::new("COUNT(*)".to_owned(), windows, 200)
}

fn parts(state: &mut TaskState) -> (&mut WindowState, &mut SessionState) {
    let [StageState::Grid(grid), StageState::Sessions(sessions)] = &mut state.windows[..] else { unreachable!() };
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
                let row = WaitingRow { time: first, states: vec![Accumulator::Count(1)], origin: (more == 1).then(|| vec![1, 2]) };
                    sessions.wait(watermark + more, window as i32, key.as_bytes(), row);
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
    let grid = WindowState::new(vec![Accumulator::NoInteger]);
    let mut other = TaskState::new("SUM(x)".to_owned(), vec![StageState::Grid(grid)], 200);
    let error = other.restore(Some(&log[0].0), log[0].1.as_deref()).unwrap_err();
    assert!(matches!(error, RestoreError::Layout { .. }), "{error}");
    let error = new_state().restore(Some(&log[1].0), log[1].1.as_deref()).unwrap_err();
    assert_eq!(error, RestoreError::NoBegin);
}

/// A store that has all that is committed, and memory nothing.
fn stored(state: &mut TaskState, log: &Log, folder: &std::path::Path) {
    state.set_memory(1);
    let (store, _) = TaskState::open_store(folder, 1).unwrap();
    state.attach(store, None).unwrap();
    state.checkpoint(log.len() as i64, Vec::new()).unwrap();
}

#[test]
fn what_cannot_be_read_of_a_store_is_not_left_out_when_it_is_written_again() {
    let (mut state, mut log) = (new_state(), Log::new());
    let folder = tempfile::tempdir().unwrap();
    parts(&mut state).0.update(WindowSpan::one(10), b"k").unwrap();
    commit(&mut state, &mut log);
    stored(&mut state, &log, folder.path());
    let damaged = |put: &mut PutStored<'_>| put(&log[1].0, Some(b"?"));
    state.store.as_ref().unwrap().write(damaged).unwrap();
    state.pass = Some(Rewrite::new(0, 1_000));
    parts(&mut state).0.update(WindowSpan::one(20), b"k").unwrap();
    let error = state.write_changes(&mut |_, _| {}).unwrap_err();
    assert!(matches!(error, StateError::Store(StoreError::Read(_))) && state.has_failed(), "{error}");
}

#[test]
fn a_store_that_was_filled_while_restoring_has_nothing_of_what_a_later_snapshot_forgets() {
    let (mut old, mut log) = (new_state(), Log::new());
    let (grid, sessions) = parts(&mut old);
    grid.update(WindowSpan::one(10), b"gone").unwrap();
    sessions.update(b"gone", 0, 10, &merge).unwrap();
    commit(&mut old, &mut log);
    let (mut new, mut snapshot) = (new_state(), Log::new());
    parts(&mut new).1.update(b"there", 50, 60, &merge).unwrap();
    commit(&mut new, &mut snapshot);
    let folder = tempfile::tempdir().unwrap();
    let mut state = restored(&log);
    stored(&mut state, &log, folder.path());
    snapshot.iter().for_each(|(key, value)| state.restore(Some(key), value.as_deref()).unwrap());
    assert_eq!((state.windows(), state.keys(), state.has_store()), (1, 1, false));
    assert_eq!(content(&mut state), content(&mut new));
}

/// All keys of a walk that is left off after each `stride` keys.
fn walked<T: Ord>(stride: usize, mut walk: impl FnMut(&mut usize, &mut Vec<T>) -> bool) -> Vec<T> {
    let mut found = Vec::new();
    while !walk(&mut { stride }, &mut found) {}
    found.sort();
    found
}

proptest! {
    // Each makes a store.
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A walk that is left off again and again comes to what there is: each key of each open window once, each session once, whether they
    /// are in memory, in the store, or slice by slice in both.
    #[test]
    fn walks_are_the_same_in_pieces(
        rows in prop::collection::vec((0..6i64, 0..3i64, "[a-f]"), 1..40),
        stored_before in 0..50usize, stride in 1..5usize, fired in 0..40i64,
    ) {
        let (mut state, mut log) = (new_state(), Log::new());
        let folder = tempfile::tempdir().unwrap();
        let mut windows = std::collections::BTreeMap::<(i64, Vec<u8>), i64>::new();
        for (number, (first, more, key)) in rows.iter().enumerate() {
            let (grid, sessions) = parts(&mut state);
            let span = WindowSpan { first: 10 * (first + 1), last: 10 * (first + more + 1) };
            count(grid.update(span, key.as_bytes()).unwrap());
            count(sessions.update(key.as_bytes(), span.first * 100, span.first * 100 + 10, &merge).unwrap());
            for end in (span.first..=span.last).step_by(10).filter(|end| !is_window_fired(*end, fired)) {
                *windows.entry((end, key.as_bytes().to_vec())).or_default() += 1;
            }
            if number == stored_before {
                commit(&mut state, &mut log);
                stored(&mut state, &log, folder.path());
            }
        }
        commit(&mut state, &mut log);
        let mut expected: Vec<_> = rows.iter().map(|(first, _, key)| (key.as_bytes().to_vec(), 1_000 * (first + 1))).collect();
        expected.sort();
        expected.dedup();
        let (grid, sessions) = parts(&mut state);
        let mut spot = WindowSpot::default();
        let found = walked(stride, |budget, found| {
            let mut take = |end: i64, key: &[u8], states: &[Accumulator]| {
                let Accumulator::Count(count) = states[0] else { unreachable!() };
                found.push((end, key.to_vec(), count));
                Ok::<_, StateError>(())
            };
            grid.walk(&mut spot, (fired, 10), budget, &merge, &mut take).unwrap()
        });
        let windows: Vec<_> = windows.into_iter().map(|((end, key), count)| (end, key, count)).collect();
        prop_assert_eq!(found, windows);
        let mut spot = SessionSpot::default();
        let found = walked(stride, |budget, found| {
            let mut take = |key: &[u8], session: &Session| {
                found.push((key.to_vec(), session.start));
                Ok::<_, StateError>(())
            };
            sessions.walk(&mut spot, budget, &mut take).unwrap()
        });
        prop_assert_eq!(&found, &expected);
        let of_a: Vec<_> = sessions.of_key(b"a").unwrap().iter().map(|session| (b"a".to_vec(), session.start)).collect();
        expected.retain(|(key, _)| key == b"a");
        prop_assert_eq!(of_a, expected);
    }
}
