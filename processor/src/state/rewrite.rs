//! Writes the state to the changelog again while the task goes on, so that what lies before can go.
//!
//! State in the store is too much for one commit. A pass goes through the store's keys, a piece with each commit. A key that is in
//! memory too is written with its value there; one that came after the pass began is in the changelog since then anyway.

use super::changelog::{self, ChangelogError};
use super::error::StateError;
use super::stage::StageState;
use super::store::{ABOUT, Store};
use super::task::PutRecord;

/// A pass under way.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// What the changelog has before this offset is superfluous when it is done.
    pub from: i64,
    /// The key after which it goes on; empty before the first one.
    pub cursor: Vec<u8>,
    /// Whether its beginning is written.
    pub begun: bool,
    /// Bytes of the changelog since it began.
    pub bytes: u64,
    /// Bytes of state written so far.
    pub written: u64,
    /// Bytes of state that one commit writes again, if its own changes are not more.
    pub piece: u64,
}

impl Rewrite {
    /// A pass over a store that is complete up to the offset `from`, with `piece` bytes in a commit.
    #[must_use]
    pub fn new(from: i64, piece: u64) -> Rewrite {
        Rewrite { from, cursor: Vec::new(), begun: false, bytes: 0, written: 0, piece }
    }
}

/// The value that the changelog needs for a key of the store: that in memory if it is there, none if the key is gone or of the store alone.
fn present(windows: &[StageState], key: &[u8], value: Vec<u8>) -> Result<Option<Vec<u8>>, ChangelogError> {
    if key == ABOUT {
        return Ok(None);
    }
    let (before, record_key) = changelog::take_nesting(Some(key));
    let record = changelog::decode(record_key, Some(&value))?;
    let windows = windows.get(usize::from(before)).ok_or(ChangelogError::WRONG_WINDOWS)?;
    Ok(windows.present(&record).map(|newer| newer.unwrap_or(value)))
}

/// Where a store goes on behind all moments of a stage, if this is the key of one.
fn beyond_timers(key: &[u8]) -> Option<Vec<u8>> {
    let (_, record_key) = changelog::take_nesting(Some(key));
    let timer = record_key.filter(|key| key.starts_with(changelog::TIMER_PREFIX))?;
    let mut beyond = key[..key.len() - timer.len() + changelog::TIMER_PREFIX.len()].to_vec();
    *beyond.last_mut()? += 1;
    Some(beyond)
}

/// Writes the next piece of `pass` to `put`, reading `store` after its cursor; `changes` are the bytes of the last commit's own changes.
/// True when it is done.
pub(super) fn write_piece(
    pass: &mut Rewrite,
    windows: &[StageState],
    store: &Store,
    changes: u64,
    put: &mut PutRecord<'_>,
) -> Result<bool, StateError> {
    // At least as much as is added, or it would never come to its end.
    let piece = pass.piece.max(changes);
    let mut written = 0;
    let mut items = store.scan(&[], &[&pass.cursor[..], &[0]].concat());
    while let Some(item) = items.next() {
        let (key, value) = item?;
        // The moments of a stage's entries are as many as these, and not in the changelog.
        if let Some(beyond) = beyond_timers(&key) {
            drop(items);
            items = store.scan(&[], &beyond);
            continue;
        }
        // What was left out would be gone: the changelog that still has it is cut off when the pass is done.
        if let Some(value) = present(windows, &key, value).map_err(|error| store.refuse(&error))? {
            written += (key.len() + value.len()) as u64;
            pass.written += (key.len() + value.len()) as u64;
            put(&key, Some(&value));
        }
        pass.cursor = key;
        if written > piece {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_passed_in_one_step() {
        let (first, last) = (changelog::timer_key(i64::MIN, b""), changelog::timer_key(i64::MAX, b"\xff\xff"));
        let mut entry = Vec::new();
        changelog::encode_keyed_key(b"", &mut entry);
        for nesting in [changelog::nesting(0), changelog::nesting(3), changelog::keyed_nesting(0)] {
            let key = |record: &[u8]| [&nesting[..], record].concat();
            let beyond = beyond_timers(&key(&first)).unwrap();
            assert_eq!(beyond_timers(&key(&last)), Some(beyond.clone()));
            assert!(key(&last) < beyond && beyond <= key(&entry), "{beyond:?}");
            assert_eq!(beyond_timers(&key(&entry)), None);
        }
    }
}
