//! The bytes are records of a changelog, which a task's state takes in as far as they make sense: what it then is can be written, and is
//! read back as the same.
//!
//! A record: the length of its key (a byte), the key, 255 if it has no value or else the length of its value (a byte), the value.

use forebay_processor::state::changelog;
use forebay_processor::state::{Accumulator, KeyedState, SessionState, StageState, TaskState, WindowState};

const LAYOUT: &str = "fuzzed";

fn new_state() -> TaskState {
    let accumulators = vec![Accumulator::Count(0), Accumulator::NoInteger, Accumulator::Distinct(Box::default())];
    let stages = vec![
        StageState::Grid(WindowState::new(accumulators.clone())),
        StageState::Sessions(SessionState::new(accumulators)),
        StageState::Keyed(KeyedState::new(Some(1_000))),
    ];
    TaskState::new(LAYOUT.to_owned(), stages, 1 << 20)
}

/// A record, and the bytes after it.
type Taken<'d> = ((&'d [u8], Option<&'d [u8]>), &'d [u8]);

fn take(data: &[u8]) -> Option<Taken<'_>> {
    let (length, rest) = data.split_first()?;
    let (key, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first()?;
    if *length == 255 {
        return Some(((key, None), rest));
    }
    let (value, rest) = rest.split_at_checked(usize::from(*length))?;
    Some(((key, Some(value)), rest))
}

pub fn run(mut data: &[u8]) {
    let mut state = new_state();
    let (mut key, mut value) = (Vec::new(), Vec::new());
    changelog::encode_begin(LAYOUT, &mut key, &mut value);
    state.restore(Some(&key), Some(&value)).unwrap();
    while let Some(((key, value), rest)) = take(data) {
        data = rest;
        // What is refused ends a task's restoring: nothing comes after it.
        if state.restore(Some(key), value).is_err() || state.restored().is_err() {
            return;
        }
    }
    let whole = written(&state);
    let mut again = new_state();
    for (key, value) in &whole {
        again.restore(Some(key), value.as_deref()).expect("what is written can be read");
    }
    assert_eq!(written(&again), whole, "read back it is another");
    assert_eq!(again.keys(), state.keys());
}

fn written(state: &TaskState) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut records = Vec::new();
    state.write_all(&mut |key, value| records.push((key.to_vec(), value.map(<[u8]>::to_vec)))).unwrap();
    records
}
