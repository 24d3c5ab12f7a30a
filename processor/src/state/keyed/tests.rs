//! Keyed state against a plain map, whatever happens in between: commits, little memory, restarts with and without the store, and time.
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::stage::StageState;
use super::super::task::{Superfluous, TaskState};
use super::*;

const TTL: i64 = 20;

/// Values and when they are over.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, i64)>;

/// A state without a time-to-live and one with it, their log, and what they should hold.
struct World {
    state: TaskState,
    folder: TempDir,
    /// The changelog, and the offset of its first record.
    log: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    start: usize,
    now: i64,
    models: [Model; 2],
    committed: [Model; 2],
}

fn new_state() -> TaskState {
    let states = vec![StageState::Keyed(KeyedState::new(None)), StageState::Keyed(KeyedState::new(Some(TTL)))];
    TaskState::new("keyed".to_owned(), states, 300)
}

fn keyed(state: &mut TaskState, number: usize) -> &mut KeyedState {
    let StageState::Keyed(keyed) = &mut state.windows[number] else { unreachable!() };
    keyed
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let (models, committed) = Default::default();
        let mut world = World { state: new_state(), folder, log: Vec::new(), start: 0, now: 0, models, committed };
        world.pass_time(0);
        world
    }

    fn pass_time(&mut self, ms: i64) {
        self.now += ms;
        let now = self.now;
        keyed(&mut self.state, 1).expire(now).unwrap();
        self.models[1].retain(|_, (_, due)| *due > now);
    }

    fn commit(&mut self) {
        let end = self.start + self.log.len();
        let log = &mut self.log;
        let superfluous =
            self.state.write_changes(&mut |key, value| log.push((key.to_vec(), value.map(<[u8]>::to_vec)))).unwrap();
        let from = match superfluous {
            Some(Superfluous::BeforeThese) => end,
            Some(Superfluous::Before(offset)) => offset as usize,
            None => self.start,
        };
        self.log.drain(..from - self.start);
        self.start = from;
        self.committed = self.models.clone();
        assert!(!self.state.is_dirty());
    }

    /// Everything goes to the store.
    fn checkpoint(&mut self) {
        self.commit();
        self.state.set_memory(1);
        if !self.state.has_store() {
            let (store, about) = TaskState::open_store(self.folder.path(), 1).unwrap();
            assert_eq!(about, None);
            self.state.attach(store, None).unwrap();
        }
        self.state.checkpoint((self.start + self.log.len()) as i64, Vec::new()).unwrap();
        assert!(self.state.windows.iter().all(|windows| windows.size_in_bytes() == 0), "all of it is in the store");
    }

    fn restart(&mut self, with_store: bool) {
        self.state = new_state();
        self.state.set_memory(1);
        let mut from = self.start;
        if !with_store {
            self.folder = tempfile::tempdir().unwrap();
        } else if let (store, Some(about)) = TaskState::open_store(self.folder.path(), 1).unwrap() {
            self.state.attach(store, Some(&about)).unwrap();
            from = about.offset as usize;
        }
        for (key, value) in &self.log[from - self.start..] {
            self.state.restore(Some(key), value.as_deref()).unwrap();
        }
        if self.state.is_in_changelog() {
            self.state.restored().unwrap();
        }
        self.models = self.committed.clone();
        self.pass_time(0);
    }

    fn check(&mut self, prefix: &[u8], from: &[u8]) {
        for (number, model) in self.models.iter().enumerate() {
            let state = keyed(&mut self.state, number);
            let found =
                state.scan_from(prefix, from).map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())));
            let found: Vec<_> = found.collect::<Result<_, _>>().unwrap();
            let expected = model.iter().filter(|(key, _)| key.starts_with(prefix) && key[..] >= *from);
            let expected: Vec<_> = expected.map(|(key, (value, _))| (key.clone(), value.clone())).collect();
            assert_eq!(found, expected, "state {number}");
            let next = model.values().map(|(_, due)| *due).filter(|due| *due != NEVER).min();
            assert!(next.is_none_or(|next| state.next_due().is_some_and(|due| due <= next)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_a_map(steps in prop::collection::vec((0..14u8, 0..2usize, "[ab]{0,3}", "[x-z]{0,9}", 0..30i64), 1..80)) {
        let mut world = World::new();
        for (action, number, key, value, time) in steps {
            let (key, value) = (key.into_bytes(), value.into_bytes());
            let World { state, models, now, .. } = &mut world;
            let (keyed, model) = (keyed(state, number), &mut models[number]);
            match action {
                0..4 => {
                    keyed.put(&key, &value);
                    model.insert(key.clone(), (value, if number == 1 { *now + TTL } else { NEVER }));
                }
                4 => {
                    keyed.put_until(&key, &value, *now + time + 1);
                    model.insert(key.clone(), (value, *now + time + 1));
                }
                5 | 6 => {
                    let was_there = model.remove(&key).is_some();
                    prop_assert_eq!(keyed.delete(&key).unwrap(), was_there);
                }
                7 => {
                    let expected = model.get(&key).map(|(value, _)| &value[..]);
                    prop_assert_eq!(keyed.get(&key).unwrap(), expected);
                }
                8 => world.pass_time(time),
                9 => {
                    let bound = *now + time;
                    let mut due: Vec<_> = model.iter().filter(|(_, (_, due))| *due <= bound).collect();
                    due.sort_by_key(|(key, (_, due))| (*due, key.to_vec()));
                    let due: Vec<_> = due.into_iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect();
                    let mut taken = Vec::new();
                    loop {
                        let some = keyed.take_due(bound, 2).unwrap();
                        if some.is_empty() {
                            break;
                        }
                        taken.extend(some.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
                    }
                    prop_assert_eq!(taken, due);
                    model.retain(|_, (_, due)| *due > bound);
                }
                10 => world.commit(),
                11 => world.checkpoint(),
                12 => world.restart(true),
                _ => world.restart(false),
            }
            world.check(&[], &[]);
            world.check(&key[..key.len().min(1)], &key);
        }
    }
}

#[test]
fn what_expires_takes_no_memory_and_is_gone_from_the_changelog() {
    let mut world = World::new();
    for round in 0..200_u32 {
        world.pass_time(TTL / 4);
        for number in 0..10_u32 {
            keyed(&mut world.state, 1).put(&[round.to_be_bytes(), number.to_be_bytes()].concat(), b"value");
        }
        world.commit();
        let state = keyed(&mut world.state, 1);
        assert!(state.keys() <= 40 && state.memory_in_bytes() < 40 * 250, "{} in round {round}", state.keys());
    }
    world.pass_time(TTL);
    world.commit();
    assert_eq!(keyed(&mut world.state, 1).memory_in_bytes(), 0);
    world.restart(false);
    assert_eq!(world.state.keys(), 0);
    assert!(world.log.len() < 1_000, "{}", world.log.len());
}

#[test]
fn what_was_not_used_for_long_goes_to_the_store_first() {
    let mut world = World::new();
    world.commit();
    let (store, _) = TaskState::open_store(world.folder.path(), 1).unwrap();
    world.state.attach(store, None).unwrap();
    let state = keyed(&mut world.state, 0);
    (0..100_u8).for_each(|key| state.put(&[key], &[key; 10]));
    world.commit();
    world.commit();
    let state = keyed(&mut world.state, 0);
    (50..100_u8).for_each(|key| assert!(state.get(&[key]).unwrap().is_some()));
    world.state.checkpoint(world.log.len() as i64, Vec::new()).unwrap();
    let state = keyed(&mut world.state, 0);
    let half = state.memory_in_bytes() / 2;
    assert!(state.evict(half) >= half);
    let warm: Vec<u8> = state.entries.keys().map(|key| key[0]).collect();
    assert_eq!(warm, (50..100).collect::<Vec<u8>>());
    assert_eq!(state.keys(), 100);
    assert_eq!(state.get(&[7]).unwrap(), Some(&[7; 10][..]));
}

/// At the end of a bounded input time goes to its end.
#[test]
fn all_is_over_at_the_end_of_time_also_in_the_store() {
    let mut world = World::new();
    keyed(&mut world.state, 0).put_until(b"early", b"1", 5);
    keyed(&mut world.state, 0).put_until(b"late", b"2", i64::MAX - 1);
    world.checkpoint();
    let taken = keyed(&mut world.state, 0).take_due(i64::MAX, usize::MAX).unwrap();
    let keys: Vec<&[u8]> = taken.iter().map(|(key, _)| &key[..]).collect();
    assert_eq!(keys, [&b"early"[..], b"late"]);
    assert!(keyed(&mut world.state, 0).take_due(i64::MAX, usize::MAX).unwrap().is_empty());
}

/// What is over by event time does not care for the host's clock, and the other way round; in memory and in the store.
#[test]
fn event_time_and_the_clock_pass_by_themselves() {
    for stored in [false, true] {
        let mut world = World::new();
        let state = keyed(&mut world.state, 1);
        state.put(b"clock", b"c");
        for (key, time) in [(b"t1", -7), (b"t2", 0), (b"t3", i64::MAX - 1)] {
            state.put_until_time(key, b"t", time);
        }
        if stored {
            world.checkpoint();
        }
        world.pass_time(TTL + 1);
        let state = keyed(&mut world.state, 1);
        let mut passed = |watermark| -> Vec<Vec<u8>> {
            let taken = state.take_passed(watermark, usize::MAX).unwrap();
            taken.into_iter().map(|(key, _)| key.to_vec()).collect()
        };
        assert_eq!(passed(-8), Vec::<Vec<u8>>::new(), "stored: {stored}");
        assert_eq!(passed(-1), [b"t1"]);
        assert_eq!(passed(i64::MAX), [b"t2", b"t3"]);
        let state = keyed(&mut world.state, 1);
        assert_eq!(state.get(b"clock").unwrap(), None);
        assert_eq!(state.next_time(), None);
    }
}

/// What is over at one moment comes back piece by piece, however much it is.
#[test]
fn what_is_over_at_one_moment_does_not_come_back_at_once() {
    let mut world = World::new();
    (0..2_000_u16).for_each(|key| keyed(&mut world.state, 0).put_until(&key.to_be_bytes(), b"x", 5));
    world.checkpoint();
    let state = keyed(&mut world.state, 0);
    assert!(state.entries.is_empty());
    let mut taken = Vec::new();
    while let Some(first) = state.first_due(5).unwrap() {
        let some = state.take_due(5, 100).unwrap();
        assert_eq!(some[0].0, first);
        assert!(state.entries.len() <= 256, "{} entries in memory", state.entries.len());
        taken.extend(some.into_iter().map(|(key, _)| key.to_vec()));
    }
    let all: Vec<Vec<u8>> = (0..2_000_u16).map(|key| key.to_be_bytes().to_vec()).collect();
    assert_eq!(taken, all);
}
