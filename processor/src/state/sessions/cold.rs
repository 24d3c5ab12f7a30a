//! Keys with sessions that are in the store alone: how they go there, and how they come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::changelog::{self, ChangelogError};
use super::super::error::StateError;
use super::super::restore::RestoreError;
use super::super::shelf::Shelf;
use super::super::store::{PutStored, StoreError};
use super::super::task::PutRecord;
use super::{Entry, SessionState, Stamp};
use crate::time::is_window_fired;

/// What memory knows of the store.
#[derive(Debug)]
pub(super) struct Cold {
    shelf: Shelf,
    /// Keys that are in the store alone; about, and never too few.
    keys: usize,
    /// Their sessions.
    sessions: usize,
    /// End of the first of them.
    next_end: Option<i64>,
    /// Keys that the store is behind with; those that are not in memory are gone.
    behind: BTreeSet<Arc<[u8]>>,
    /// Waiting rows that the store is behind with.
    rows_behind: BTreeSet<(Stamp, Vec<u8>)>,
}

impl Cold {
    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions
    }

    pub(super) fn next_end(&self) -> Option<i64> {
        self.next_end
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Takes note of a key whose change is committed.
    pub(super) fn changed(&mut self, key: Arc<[u8]>) {
        self.behind.insert(key);
    }

    /// Takes note of a waiting row whose change is committed.
    pub(super) fn changed_row(&mut self, place: (Stamp, Vec<u8>)) {
        self.rows_behind.insert(place);
    }
}

impl SessionState {
    /// Gets a store, which has so many keys and sessions, or nothing if it is new.
    pub fn attach(&mut self, shelf: Shelf, known: Option<(usize, usize)>) -> Result<(), StateError> {
        let (keys, sessions) = known.unwrap_or_default();
        let (mut behind, mut rows_behind) = (BTreeSet::new(), BTreeSet::new());
        if known.is_none() {
            behind.extend(self.keys.keys().cloned());
            rows_behind.extend(self.waiting.keys().cloned());
        }
        let rows: Result<Vec<_>, StoreError> = shelf.records(changelog::SESSION_PREFIXES[1]).collect();
        for (key, value) in rows? {
            let taken = match changelog::decode(Some(&key), Some(&value)) {
                Ok(record) => self.restore(record),
                Err(error) => Err(RestoreError::Record(error)),
            };
            taken.map_err(|error| shelf.refuse(&error))?;
        }
        self.cold = Some(Cold { shelf, keys, sessions, next_end: None, behind, rows_behind });
        self.find_next_end(i64::MIN)?;
        Ok(())
    }

    /// Lets go of the store.
    pub fn detach(&mut self) {
        self.cold = None;
    }

    /// Whether the store has the last word on a key.
    pub(super) fn is_cold(&self, key: &[u8]) -> bool {
        let Some(cold) = &self.cold else { return false };
        cold.keys > 0 && !self.keys.contains_key(key) && !cold.behind.contains(key)
    }

    /// Brings a key back.
    #[inline]
    pub(super) fn warm(&mut self, key: &[u8]) -> Result<(), StateError> {
        if self.cold.is_none() || !self.is_cold(key) { Ok(()) } else { self.warm_cold(key) }
    }

    fn warm_cold(&mut self, key: &[u8]) -> Result<(), StateError> {
        let Some(cold) = &mut self.cold else { return Ok(()) };
        let read = cold.shelf.sessions(key)?;
        let Some(end) = read.first().map(|session| session.end) else { return Ok(()) };
        cold.keys = cold.keys.saturating_sub(1);
        cold.sessions = cold.sessions.saturating_sub(read.len());
        let was_next = cold.next_end == Some(end);
        let sessions = self.restored_sessions(read).map_err(|error| self.refuse(&error))?;
        self.restore_key(key, sessions);
        if was_next { self.find_next_end(end) } else { Ok(()) }
    }

    pub(super) fn refuse(&self, error: &ChangelogError) -> StoreError {
        let Some(cold) = &self.cold else { return StoreError::Read(error.to_string()) };
        cold.shelf.refuse(error)
    }

    /// Looks for the first end of a cold session, which is not before `from`.
    fn find_next_end(&mut self, from: i64) -> Result<(), StateError> {
        let Some(cold) = &self.cold else { return Ok(()) };
        let mut next = None;
        if cold.keys > 0 {
            for timer in cold.shelf.timers(from) {
                let (end, key) = timer?;
                if self.is_cold(&key) {
                    next = Some(end);
                    break;
                }
            }
        }
        if let Some(cold) = &mut self.cold {
            cold.next_end = next;
        }
        Ok(())
    }

    /// Brings back what `watermark` has ended.
    pub(super) fn warm_ended(&mut self, watermark: i64) -> Result<(), StateError> {
        let Some(cold) = &self.cold else { return Ok(()) };
        if !cold.next_end.is_some_and(|end| is_window_fired(end, watermark)) {
            return Ok(());
        }
        let mut keys = Vec::new();
        for timer in cold.shelf.timers(i64::MIN) {
            let (end, key) = timer?;
            if !is_window_fired(end, watermark) {
                break;
            }
            if self.is_cold(&key) {
                keys.push(key);
            }
        }
        if let Some(cold) = &mut self.cold {
            cold.next_end = None;
        }
        keys.iter().try_for_each(|key| self.warm(key))?;
        self.find_next_end(i64::MIN)
    }

    /// Hands the records of cold keys to `put`.
    pub(super) fn write_cold(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        let Some(cold) = &self.cold else { return Ok(()) };
        for record in cold.shelf.records(changelog::SESSION_PREFIXES[0]) {
            let (key, value) = record?;
            if self.is_cold(&key[1..]) {
                put(&key, Some(&value));
            }
        }
        Ok(())
    }

    /// Puts into the store what it is behind with.
    pub fn write_unstored(&mut self, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        let SessionState { keys, waiting, cold, .. } = self;
        let Some(Cold { shelf, behind, rows_behind, .. }) = cold else { return Ok(()) };
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut timers: BTreeMap<(i64, Arc<[u8]>), bool> = BTreeMap::new();
        for name in std::mem::take(behind) {
            if let Some(before) = shelf.sessions(&name)?.first() {
                timers.entry((before.end, Arc::clone(&name))).or_insert(false);
            }
            let sessions = keys.get(&name).map_or(&[][..], |entry| &entry.sessions);
            changelog::encode_sessions(&name, sessions, &mut key, &mut value);
            shelf.put(&key, (!sessions.is_empty()).then_some(&value), put)?;
            if let Some(first) = sessions.first() {
                timers.insert((first.end, name), true);
            }
        }
        for place in std::mem::take(rows_behind) {
            changelog::encode_tardy_key(place.0, &place.1, &mut key);
            let row = waiting.get(&place);
            row.inspect(|waiting| changelog::encode_tardy_row(&waiting.row, &mut value));
            shelf.put(&key, row.map(|_| &value[..]), put)?;
        }
        for ((end, name), there) in timers {
            shelf.put(&changelog::timer_key(end, &name), there.then_some(&[][..]), put)?;
        }
        Ok(())
    }

    /// Gives about `bytes` of memory back, or less if there is no more; the store must have all of it. Keys that end first go first: nothing
    /// has come for them for the longest time. Returns how many bytes are free.
    pub fn evict(&mut self, bytes: u64) -> u64 {
        let each = (size_of::<Entry>() + 64) as u64;
        let mut free = 0;
        let SessionState { keys, timers, cold, open, weight, .. } = self;
        let Some(cold) = cold else { return 0 };
        while free < bytes
            && let Some((_, name)) = timers.pop_first()
        {
            let Some(entry) = keys.remove(&name) else { continue };
            *open -= entry.sessions.len();
            *weight -= u64::from(entry.weight);
            free += each + u64::from(entry.weight);
            cold.keys += 1;
            cold.sessions += entry.sessions.len();
            let end = entry.sessions.first().map(|session| session.end);
            cold.next_end = [cold.next_end, end].into_iter().flatten().min();
        }
        free
    }

    /// What became of a key that the store has: `None` if it is gone, and its value in the changelog if it is in memory too.
    #[must_use]
    pub fn present(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let Some(entry) = self.keys.get(key) else { return self.is_cold(key).then_some(None) };
        let (mut record_key, mut value) = (Vec::new(), Vec::new());
        changelog::encode_sessions(key, &entry.sessions, &mut record_key, &mut value);
        (!entry.sessions.is_empty()).then_some(Some(value))
    }

    /// Whether a row waits.
    #[must_use]
    pub fn waits(&self, stamp: Stamp, key: &[u8]) -> bool {
        self.waiting.contains_key(&(stamp, key.to_vec()))
    }
}
