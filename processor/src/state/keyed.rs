//! The one general state of stages that are not windows: an ordered map from bytes to bytes, kept by the changelog.
//!
//! GROUP BY, deduplication, Top-N, OVER and joins are built on it. Keys are compared as bytes. A key begins with the encoded values of the
//! stage's keys ([`encode_value`](super::encode_value)), in their order: by them a savepoint's state is spread over tasks. What comes
//! after them is the stage's own affair, such as a byte for the side of a join, or a time that sorts ([`sortable_time`](super::sortable_time)).
//!
//! # How long an entry stays
//! Each entry has the moment at which it is over, in ms. With a time-to-live (`table.exec.state.ttl`) that is the clock when it was last
//! written and the time-to-live (Flink: `StateTtlConfig.UpdateType.OnCreateAndWrite`, `NeverReturnExpired`); the clock is what
//! [`KeyedState::expire`] was told last. A stage may say the moment itself ([`KeyedState::put_until`]), in whichever time it likes, and take
//! out what is over ([`KeyedState::take_due`]). One that has both entries with a time-to-live and entries that are over by event time puts the
//! latter by [`KeyedState::put_until_time`]. The moment is in the changelog with the entry, so a restart decides the same.
//!
//! # Memory
//! What memory has no room for is in the store alone (`cold.rs`). Reading such an entry brings it back; [`KeyedState::scan`] sees both.

mod cold;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::changelog::{self, ChangelogError, Record};
use super::error::StateError;
use super::restore::RestoreError;
use super::task::PutRecord;

pub use scan::Scan;

/// The moment of an entry that stays until it is deleted.
pub const NEVER: i64 = i64::MAX;

/// Where the moments of [`KeyedState::put_until_time`] begin: behind all those of clocks.
const TIMES: i64 = 1 << 61;

/// Most entries that one call of [`KeyedState::expire`] removes: the rest are not seen any more, and removed by the next calls.
pub const MOST_EXPIRED: usize = 10_000;

/// About the bytes of memory that an entry takes beside its key and its value: its part of the tree, and what two allocations are rounded up by.
const ENTRY_BYTES: u64 = 160;

/// About the same of a key that is deleted, of a moment in the order of moments, and of a key whose change is to be written somewhere.
const NAME_BYTES: u64 = 40;

/// Key and value of an entry that is over.
pub type DueEntry = (Arc<[u8]>, Box<[u8]>);

/// One entry in memory.
#[derive(Debug)]
struct Entry {
    value: Box<[u8]>,
    /// The moment at which it is over.
    due: i64,
    /// When it is looked at, not after `due`; [`NEVER`] if it is not in the order of moments.
    timer: i64,
    dirty: bool,
    in_changelog: bool,
    /// The number of commits when it was last used.
    touched: u64,
}

/// An ordered map from bytes to bytes: see the module's text.
#[derive(Debug)]
pub struct KeyedState {
    ttl_ms: Option<i64>,
    clock: i64,
    entries: BTreeMap<Arc<[u8]>, Entry>,
    /// Keys that are deleted, as long as the changelog or the store may have them; whether the changelog may. Apart from the entries, so
    /// that nobody who looks for the next entry has to pass all that are gone.
    deleted: BTreeMap<Arc<[u8]>, bool>,
    /// Entries by the moment at which they are looked at.
    timers: BTreeSet<(i64, Arc<[u8]>)>,
    dirty: Vec<Arc<[u8]>>,
    /// Bytes of keys and values in memory, also of keys that are deleted.
    content: u64,
    /// Number of commits.
    round: u64,
    cold: Option<cold::Cold>,
}

impl KeyedState {
    /// An empty map. `ttl_ms` is the time-to-live of entries that [`KeyedState::put`] writes, at least 1; without it they stay.
    #[must_use]
    pub fn new(ttl_ms: Option<i64>) -> KeyedState {
        KeyedState {
            ttl_ms,
            clock: i64::MIN,
            entries: BTreeMap::new(),
            deleted: BTreeMap::new(),
            timers: BTreeSet::new(),
            dirty: Vec::new(),
            content: 0,
            round: 0,
            cold: None,
        }
    }

    /// The value of `key`; none if it was never put, deleted, or is over by the clock of [`KeyedState::expire`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, StateError> {
        self.warm(key)?;
        let (clock, round) = (self.clock, self.round);
        let Some((_, entry)) = find(&mut self.entries, key) else { return Ok(None) };
        entry.touched = round;
        Ok(Some(&*entry.value).filter(|_| entry.due > clock))
    }

    /// Sets the value of `key`. With a time-to-live its life begins anew.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        let due = self.ttl_ms.map_or(NEVER, |ttl| self.clock.saturating_add(ttl));
        self.put_until(key, value, due);
    }

    /// Sets the value of `key`, which is over at the moment `due`, in ms; [`NEVER`] if it is to stay.
    pub fn put_until(&mut self, key: &[u8], value: &[u8], due: i64) {
        let may_be_stored = self.cold_entries() > 0;
        let KeyedState { entries, deleted, timers, dirty, content, round, .. } = self;
        let Some((name, entry)) = find(entries, key) else {
            let (name, in_changelog) = deleted.remove_entry(key).unwrap_or_else(|| {
                *content += key.len() as u64;
                (key.into(), may_be_stored)
            });
            *content += value.len() as u64;
            let mut entry = Entry::new(value, *round, in_changelog);
            entry.dirty = true;
            entry.schedule(&name, due, timers);
            dirty.push(Arc::clone(&name));
            entries.insert(name, entry);
            return;
        };
        entry.touched = *round;
        if entry.due == due && *entry.value == *value {
            return;
        }
        if entry.value.len() == value.len() {
            entry.value.copy_from_slice(value);
        } else {
            *content = *content - entry.value.len() as u64 + value.len() as u64;
            entry.value = value.into();
        }
        entry.schedule(name, due, timers);
        if !std::mem::replace(&mut entry.dirty, true) {
            dirty.push(Arc::clone(name));
        }
    }

    /// Removes `key`. True if it was there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, StateError> {
        self.warm(key)?;
        Ok(self.remove(key).is_some_and(|(_, entry)| entry.due > self.clock))
    }

    /// Takes an entry out of memory, and notes that it is to go elsewhere too.
    fn remove(&mut self, key: &[u8]) -> Option<(Arc<[u8]>, Entry)> {
        let (name, entry) = self.entries.remove_entry(key)?;
        if entry.timer != NEVER {
            self.timers.remove(&(entry.timer, Arc::clone(&name)));
        }
        self.content -= entry.value.len() as u64;
        if entry.in_changelog || self.cold.is_some() {
            self.deleted.insert(Arc::clone(&name), entry.in_changelog);
            self.dirty.push(Arc::clone(&name));
        } else {
            self.content -= name.len() as u64;
        }
        Some((name, entry))
    }

    /// All entries whose keys begin with `prefix`, in the order of the keys' bytes.
    #[must_use]
    pub fn scan(&self, prefix: &[u8]) -> Scan<'_> {
        self.scan_from(prefix, prefix)
    }

    /// As [`KeyedState::scan`], from the key `from` on.
    #[must_use]
    pub fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Scan<'_> {
        Scan::new(self, prefix, from.max(prefix), self.clock)
    }

    /// As [`KeyedState::scan_from`], without what is over by `now`, which time may not have come to.
    #[must_use]
    pub fn scan_at(&self, prefix: &[u8], from: &[u8], now: i64) -> Scan<'_> {
        Scan::new(self, prefix, from.max(prefix), self.clock.max(now))
    }

    /// Tells the time of the host's clock, in ms: what is over by it is not seen any more. It never goes back. Removes at most
    /// [`MOST_EXPIRED`] entries.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn expire(&mut self, now: i64) -> Result<(), StateError> {
        self.clock = self.clock.max(now);
        if self.next_due().is_some_and(|due| due <= now) {
            self.take_due(now, MOST_EXPIRED)?;
        }
        Ok(())
    }

    /// Removes the entries whose moment is not after `now` and returns them by their moments, those of one moment by their keys; at most
    /// `most` (at least 1), so it is to be called until nothing comes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn take_due(&mut self, now: i64, most: usize) -> Result<Vec<DueEntry>, StateError> {
        self.take_from(i64::MIN, now, most)
    }

    /// Sets the value of `key`, which is over at a moment of event time, in ms. The host's clock says nothing about that, see
    /// [`KeyedState::take_passed`].
    pub fn put_until_time(&mut self, key: &[u8], value: &[u8], time: i64) {
        self.put_until(key, value, moment_of_time(time));
    }

    /// As [`KeyedState::take_due`] for the entries of [`KeyedState::put_until_time`] alone: those whose time is not after `watermark`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn take_passed(&mut self, watermark: i64, most: usize) -> Result<Vec<DueEntry>, StateError> {
        self.take_from(TIMES, moment_of_time(watermark), most)
    }

    /// A time before which none of the entries of [`KeyedState::put_until_time`] is over; none if none ever is.
    #[must_use]
    pub fn next_time(&self) -> Option<i64> {
        let timer = self.timers.range((TIMES, Arc::default())..).next().map(|(timer, _)| *timer);
        let cold = self.cold.as_ref().map(cold::Cold::next_time).filter(|due| *due != NEVER);
        [timer, cold].into_iter().flatten().min().map(|moment| moment - 2 * TIMES)
    }

    /// Takes the entries whose moment is `from` or later and not after `now`.
    fn take_from(&mut self, from: i64, now: i64, most: usize) -> Result<Vec<DueEntry>, StateError> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(name) = self.first_from(from, now)? else { break };
            let Some((name, entry)) = self.remove(&name) else { break };
            taken.push((name, entry.value));
        }
        Ok(taken)
    }

    /// The key of the entry that [`KeyedState::take_due`] would return first; it stays.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn first_due(&mut self, now: i64) -> Result<Option<Arc<[u8]>>, StateError> {
        self.first_from(i64::MIN, now)
    }

    /// The key of the first entry whose moment is `from` or later and not after `now`.
    fn first_from(&mut self, from: i64, now: i64) -> Result<Option<Arc<[u8]>>, StateError> {
        loop {
            let first = match from {
                i64::MIN => self.timers.first(),
                from => self.timers.range((from, Arc::default())..).next(),
            };
            let first = first.filter(|(timer, _)| *timer <= now);
            // What is in the store alone comes in between at its moment.
            if self.cold.as_ref().is_some_and(|cold| cold.comes_before(from, first, now)) {
                self.warm_due(from, now)?;
                continue;
            }
            let Some((timer, name)) = first.cloned() else { return Ok(None) };
            if self.entries.get(&name).is_some_and(|entry| entry.due <= timer) {
                return Ok(Some(name));
            }
            self.timers.remove(&(timer, Arc::clone(&name)));
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.timer = NEVER;
                entry.schedule(&name, entry.due, &mut self.timers);
            }
        }
    }

    /// A moment before which nothing is over; none if nothing ever is.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        let timer = self.timers.first().map(|(timer, _)| *timer);
        let cold = self.cold.as_ref().map(cold::Cold::next_due).filter(|due| *due != NEVER);
        [timer, cold].into_iter().flatten().min()
    }

    /// Whether the changelog is behind.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Number of entries; about, if some are in the store.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.entries.len() + self.cold_entries()
    }

    /// About how much memory the keys and values take, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        self.content
    }

    /// About how many bytes the next commit writes.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        // What is deleted counts as content until it is forgotten.
        let all = self.entries.len() + self.deleted.len();
        self.dirty.len() as u64 * (self.content / all.max(1) as u64)
    }

    /// About how much memory is taken, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        let names = self.deleted.len() + self.timers.len() + self.dirty.len() + self.behind();
        self.content + ENTRY_BYTES * self.entries.len() as u64 + NAME_BYTES * names as u64
    }

    /// Hands the records that bring the changelog up to date to `put`: each key that was written or deleted since the last commit, once.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) {
        self.round += 1;
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for name in dirty {
            changelog::encode_keyed_key(&name, &mut key);
            if let Some(entry) = self.entries.get_mut(&name) {
                (entry.dirty, entry.in_changelog) = (false, true);
                changelog::encode_keyed_value(entry.due, &entry.value, &mut value);
                put(&key, Some(&value));
            } else if let Some(in_changelog) = self.deleted.get_mut(&name) {
                if std::mem::take(in_changelog) {
                    put(&key, None);
                }
            } else {
                continue;
            }
            match &mut self.cold {
                Some(cold) => cold.changed(name),
                None => self.forget_deleted(&name),
            }
        }
    }

    /// Forgets a key that is deleted everywhere.
    fn forget_deleted(&mut self, key: &[u8]) {
        if self.deleted.remove(key).is_some() {
            self.content -= key.len() as u64;
        }
    }

    /// Removes an entry from memory.
    fn forget(&mut self, key: &[u8]) {
        self.forget_deleted(key);
        let Some((name, entry)) = self.entries.remove_entry(key) else { return };
        self.content -= (name.len() + entry.value.len()) as u64;
        if entry.timer != NEVER {
            self.timers.remove(&(entry.timer, name));
        }
    }

    /// Hands the records of everything there is to `put`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn write_all(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        // What is over is written too: its removal is a record of its own.
        let mut all = Scan::new(self, &[], &[], i64::MIN);
        while let Some(item) = all.next_timed() {
            let (name, due, content) = item?;
            changelog::encode_keyed_key(&name, &mut key);
            changelog::encode_keyed_value(due, &content, &mut value);
            put(&key, Some(&value));
        }
        Ok(())
    }

    /// Forgets what was changed: everything is in the changelog.
    pub fn mark_clean(&mut self) {
        self.write_changes(&mut |_, _| {});
    }

    /// Takes in one record of the changelog; records must come in the order of the log.
    pub fn restore(&mut self, record: &Record<'_>) -> Result<(), RestoreError> {
        let Record::Keyed { key, entry } = record else { return Err(ChangelogError::WRONG_WINDOWS.into()) };
        match entry {
            Some((due, value)) => self.restore_entry(key, *due, value),
            None => {
                self.forget(key);
                if self.cold.is_some() {
                    self.content += key.len() as u64;
                    self.deleted.insert((*key).into(), false);
                }
            }
        }
        if let Some(cold) = &mut self.cold {
            cold.changed((*key).into());
        }
        Ok(())
    }

    /// Puts an entry into memory that the changelog has.
    fn restore_entry(&mut self, key: &[u8], due: i64, value: &[u8]) {
        self.forget(key);
        let name: Arc<[u8]> = key.into();
        let mut entry = Entry::new(value, self.round, true);
        entry.schedule(&name, due, &mut self.timers);
        self.content += (key.len() + value.len()) as u64;
        self.entries.insert(name, entry);
    }

    /// Forgets everything: a snapshot follows.
    pub fn clear(&mut self) {
        *self = KeyedState { clock: self.clock, ..KeyedState::new(self.ttl_ms) };
    }
}

impl Entry {
    /// One that stays; `in_changelog` says whether the changelog may have its key.
    fn new(value: &[u8], touched: u64, in_changelog: bool) -> Entry {
        Entry { value: value.into(), due: NEVER, timer: NEVER, dirty: false, in_changelog, touched }
    }

    /// Gives it a moment. One that is later than before is put into the order when the earlier one comes: a write costs nothing there.
    fn schedule(&mut self, name: &Arc<[u8]>, due: i64, timers: &mut BTreeSet<(i64, Arc<[u8]>)>) {
        self.due = due;
        if due >= self.timer {
            return;
        }
        if self.timer != NEVER {
            timers.remove(&(self.timer, Arc::clone(name)));
        }
        self.timer = due;
        timers.insert((due, Arc::clone(name)));
    }
}

/// The moment of an event time, behind those of clocks.
fn moment_of_time(time: i64) -> i64 {
    2 * TIMES + time.clamp(-TIMES, TIMES - 1)
}

/// An entry, to be changed, and its key.
fn find<'e>(entries: &'e mut BTreeMap<Arc<[u8]>, Entry>, key: &[u8]) -> Option<(&'e Arc<[u8]>, &'e mut Entry)> {
    entries.range_mut::<[u8], _>((Bound::Included(key), Bound::Included(key))).next()
}

#[cfg(test)]
mod tests;
