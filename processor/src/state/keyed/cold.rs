//! Entries that are in the store alone: how they go there, and how they come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{KeyedState, NEVER, TIMES, scan};
use crate::state::changelog;
use crate::state::error::StateError;
use crate::state::shelf::Shelf;
use crate::state::store::{PutStored, StoreError};

/// So many entries that are over come back at once.
const WARMED: usize = 256;

/// What memory knows of the store.
#[derive(Debug)]
pub(super) struct Cold {
    shelf: Shelf,
    /// Entries that are in the store alone; about, and never too few.
    entries: usize,
    /// Whether an entry may ever be over: only then the store has them by their moments.
    timed: bool,
    /// No entry that is in the store alone is over before this moment, or at it with a key before this one; and the same of those that are
    /// over by event time, at moments from [`TIMES`] on.
    next: [(i64, Arc<[u8]>); 2],
    /// Keys that the store is behind with.
    behind: BTreeSet<Arc<[u8]>>,
}

/// Which one of [`Cold::next`] moments from `from` on are counted by.
fn lane(from: i64) -> usize {
    usize::from(from >= TIMES)
}

impl Cold {
    pub(super) fn next_due(&self) -> i64 {
        let [by_clock, by_time] = &self.next;
        by_clock.0.min(by_time.0)
    }

    pub(super) fn next_time(&self) -> i64 {
        self.next[1].0
    }

    /// Whether an entry that is in the store alone may be over at a moment from `from` to `now`, and before `other`.
    pub(super) fn comes_before(&self, from: i64, other: Option<&(i64, Arc<[u8]>)>, now: i64) -> bool {
        let next = &self.next[lane(from)];
        next.0 != NEVER && next.0 <= now && other.is_none_or(|other| next <= other)
    }

    /// Takes note of an entry whose change is committed.
    pub(super) fn changed(&mut self, key: Arc<[u8]>) {
        self.behind.insert(key);
    }
}

impl KeyedState {
    /// Gets a store; `known` is what [`KeyedState::describe`] said of it, none if it is new.
    pub fn attach(&mut self, shelf: Shelf, known: Option<(usize, usize)>) -> Result<(), StateError> {
        let (entries, timed) = known.unwrap_or_default();
        let behind = if known.is_none() { self.entries.keys().cloned().collect() } else { BTreeSet::new() };
        let (mut next_due, mut next_time) = (NEVER, NEVER);
        for (from, next) in [(i64::MIN, &mut next_due), (TIMES, &mut next_time)] {
            if entries > 0
                && let Some(first) = shelf.timers(from).next()
            {
                *next = first?.0;
            }
        }
        let next = [next_due, next_time].map(|moment| (moment, Arc::default()));
        self.cold = Some(Cold { shelf, entries, timed: timed > 0, next, behind });
        Ok(())
    }

    /// Lets go of the store.
    pub fn detach(&mut self) {
        self.cold = None;
        let KeyedState { deleted, content, .. } = self;
        deleted.retain(|name, in_changelog| {
            *content -= if *in_changelog { 0 } else { name.len() as u64 };
            *in_changelog
        });
    }

    /// Number of entries that the store has once it has all that is committed, and whether one of them may ever be over.
    #[must_use]
    pub fn describe(&self) -> (usize, usize) {
        (self.keys(), usize::from(self.is_timed()))
    }

    fn is_timed(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.timed) || !self.timers.is_empty()
    }

    /// Number of keys that the store is behind with.
    pub(super) fn behind(&self) -> usize {
        self.cold.as_ref().map_or(0, |cold| cold.behind.len())
    }

    /// Number of entries that are in the store alone; about, and never too few.
    pub(super) fn cold_entries(&self) -> usize {
        self.cold.as_ref().map_or(0, |cold| cold.entries)
    }

    /// What the store has of keys that begin with `prefix`, from `from` on.
    pub(super) fn scan_cold(&self, prefix: &[u8], from: &[u8]) -> Option<scan::Cold<'_>> {
        let cold = self.cold.as_ref().filter(|cold| cold.entries > 0)?;
        Some(Box::new(cold.shelf.keyed_from(prefix, from)))
    }

    /// Brings an entry back.
    pub(super) fn warm(&mut self, key: &[u8]) -> Result<(), StateError> {
        if self.cold_entries() == 0 || self.entries.contains_key(key) || self.deleted.contains_key(key) {
            return Ok(());
        }
        let Some(cold) = &mut self.cold else { return Ok(()) };
        if let Some((due, value)) = cold.shelf.keyed(key)? {
            cold.entries = cold.entries.saturating_sub(1);
            self.restore_entry(key, due, &value);
        }
        Ok(())
    }

    /// Brings the next entries back that are over from the moment `from` on at the moment `now`, at most [`WARMED`] of them.
    pub(super) fn warm_due(&mut self, from: i64, now: i64) -> Result<(), StateError> {
        let Some(cold) = &self.cold else { return Ok(()) };
        let (mut keys, mut next) = (Vec::new(), (NEVER, Arc::default()));
        let (first, key) = &cold.next[lane(from)];
        for timer in cold.shelf.timers_from(*first, key) {
            let (due, key) = timer?;
            // What is in memory has its moment there.
            if self.entries.contains_key(&key[..]) || self.deleted.contains_key(&key[..]) {
                continue;
            }
            if due > now || keys.len() == WARMED {
                next = (due, key.into());
                break;
            }
            keys.push(key);
        }
        if let Some(cold) = &mut self.cold {
            cold.next[lane(from)] = next;
        }
        keys.iter().try_for_each(|key| self.warm(key))
    }

    /// Puts into the store what it is behind with. Everything must be committed.
    pub fn write_unstored(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        let is_timed = self.is_timed();
        let Some(cold) = &mut self.cold else { return Ok(()) };
        cold.timed = is_timed;
        let behind = std::mem::take(&mut cold.behind);
        let mut timers: BTreeMap<(i64, &[u8]), bool> = BTreeMap::new();
        for name in behind.iter().filter(|_| is_timed) {
            if let Some((before, _)) = cold.shelf.keyed(name)? {
                timers.entry((before, name)).or_insert(false);
            }
            if let Some(entry) = self.entries.get(name) {
                timers.insert((entry.due, name), true);
            }
        }
        for ((due, name), there) in timers {
            if due != NEVER {
                cold.shelf.put(&changelog::timer_key(due, name), there.then_some(&[][..]), put)?;
            }
        }
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for name in &behind {
            changelog::encode_keyed_key(name, &mut key);
            let entry = self.entries.get(name);
            entry.inspect(|entry| changelog::encode_keyed_value(entry.due, &entry.value, &mut value));
            cold.shelf.put(&key, entry.map(|_| &value[..]), put)?;
        }
        behind.iter().for_each(|name| self.forget_deleted(name));
        Ok(())
    }

    /// Gives about `bytes` of memory back, or less if there is no more; the store must have all of it. What was not used for the longest
    /// time goes first. Returns how many bytes are free.
    pub fn evict(&mut self, bytes: u64) -> u64 {
        let size = |key: &[u8], value: &[u8]| super::ENTRY_BYTES + (key.len() + value.len()) as u64;
        let mut ages: BTreeMap<u64, u64> = BTreeMap::new();
        for (name, entry) in &self.entries {
            if !entry.dirty {
                *ages.entry(entry.touched).or_default() += size(name, &entry.value);
            }
        }
        let (mut free, mut newest) = (0, None);
        for (age, weight) in ages {
            if free >= bytes {
                break;
            }
            (free, newest) = (free + weight, Some(age));
        }
        let (Some(newest), Some(cold)) = (newest, &mut self.cold) else { return 0 };
        let mut free = 0;
        let KeyedState { entries, timers, content, .. } = self;
        entries.retain(|name, entry| {
            if entry.dirty || entry.touched > newest || free >= bytes {
                return true;
            }
            free += size(name, &entry.value);
            *content -= (name.len() + entry.value.len()) as u64;
            if entry.timer != NEVER {
                timers.remove(&(entry.timer, Arc::clone(name)));
            }
            cold.entries += 1;
            let next = &mut cold.next[lane(entry.due)];
            if entry.due != NEVER && (entry.due, name) < (next.0, &next.1) {
                *next = (entry.due, Arc::clone(name));
            }
            false
        });
        free
    }

    /// What became of an entry that the store has: `None` if it is gone, and its value in the changelog if it is in memory too.
    #[must_use]
    pub fn present(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        if self.deleted.contains_key(key) {
            return None;
        }
        let Some(entry) = self.entries.get(key) else { return Some(None) };
        let mut value = Vec::new();
        changelog::encode_keyed_value(entry.due, &entry.value, &mut value);
        Some(Some(value))
    }
}
