//! Open sessions by group key: each begins with its first row and ends a gap after its last.
//!
//! A key has few sessions at a time, none of which touch. Of each key only the earliest end is in the order of time; a session that
//! has become longer since is put back when its turn comes, so that a row costs one lookup of its key.
//!
//! # Rows that have to wait
//! A row merges with the sessions that are open at the watermark of its own partition before it, and is late if there is none and its
//! own session would have ended by then: so it comes out the same however partitions are interleaved (`docs/decisions/late-rows.md`).
//! Sessions, unlike other windows, are made of the rows of all partitions. A row whose time is after that watermark by more than a
//! millisecond cannot tell the difference: whatever it touches is still open. Any other waits until time has come to the same
//! watermark for all partitions, with a [`Stamp`] for its place in the order; then ended sessions are gone and no earlier row is missing.
//!
//! # Cold keys
//! Those that memory has no room for are in the store alone (`cold.rs`), which also has their keys by the end of their first session. A
//! row of such a key brings it back, and so does its end.

mod cold;
mod walk;

pub use walk::SessionSpot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use super::changelog::{self, ChangelogError, Record};
use super::error::StateError;
use super::restore::RestoreError;
use super::task::PutRecord;
use super::{Accumulator, Merge};
use crate::time::{Frontier, is_window_fired};

/// A session of one key: from `start` to before `end`, in ms.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Time of its first row.
    pub start: i64,
    /// Time of its last row, and the gap.
    pub end: i64,
    /// Its accumulators.
    pub states: Vec<Accumulator>,
}

/// Where a row that has to wait stands in the order of all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Watermark of its partition before it.
    pub watermark: i64,
    /// Its partition.
    pub partition: i32,
    /// Counts up, in the order in which rows were read.
    pub number: u64,
}

/// A row alone, as it waits.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingRow {
    /// Its time in ms.
    pub time: i64,
    /// The accumulators of it alone.
    pub states: Vec<Accumulator>,
    /// Its record, if that is wanted in case the row turns out to be late.
    pub origin: Option<Vec<u8>>,
}

/// A row that waits, or did.
#[derive(Clone, Debug)]
pub struct Tardy {
    /// Where it stands in the order.
    pub stamp: Stamp,
    /// The encoded group key.
    pub key: Vec<u8>,
    /// The row.
    pub row: WaitingRow,
}

/// A session that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The encoded group key.
    pub key: Arc<[u8]>,
    /// The session.
    pub session: Session,
}

#[derive(Debug, Default)]
struct Entry {
    /// By their start.
    sessions: Vec<Session>,
    /// When it is looked at next.
    timer: Option<i64>,
    dirty: bool,
    in_changelog: bool,
    /// Bytes in the changelog, by the last record.
    weight: u32,
}

#[derive(Debug)]
struct Waiting {
    row: WaitingRow,
    in_changelog: bool,
}

/// Open sessions, and rows that wait.
#[derive(Debug)]
pub struct SessionState {
    initial: Vec<Accumulator>,
    keys: HashMap<Arc<[u8]>, Entry>,
    /// One for each key with sessions.
    timers: BTreeSet<(i64, Arc<[u8]>)>,
    dirty: Vec<Arc<[u8]>>,
    waiting: BTreeMap<(Stamp, Vec<u8>), Waiting>,
    /// Rows that wait, or did, since the last commit.
    fresh: Vec<(Stamp, Vec<u8>)>,
    /// Rows in the changelog that do not wait any more.
    placed: Vec<(Stamp, Vec<u8>)>,
    next_number: u64,
    open: usize,
    weight: u64,
    /// Bytes of the rows that wait.
    waiting_bytes: u64,
    cold: Option<cold::Cold>,
}

impl SessionState {
    /// No sessions; `initial` are the accumulators of a new one.
    #[must_use]
    pub fn new(initial: Vec<Accumulator>) -> SessionState {
        SessionState {
            initial,
            keys: HashMap::new(),
            timers: BTreeSet::new(),
            dirty: Vec::new(),
            waiting: BTreeMap::new(),
            fresh: Vec::new(),
            placed: Vec::new(),
            next_number: 0,
            open: 0,
            weight: 0,
            waiting_bytes: 0,
            cold: None,
        }
    }

    /// The accumulators of a new session.
    #[must_use]
    pub fn initial(&self) -> &[Accumulator] {
        &self.initial
    }

    /// Whether `key` has an open session that one from `start` to `end` touches.
    pub fn touches(&mut self, key: &[u8], start: i64, end: i64) -> Result<bool, StateError> {
        self.warm(key)?;
        let touches = |session: &Session| session.start <= end && start <= session.end;
        Ok(self.keys.get(key).is_some_and(|entry| entry.sessions.iter().any(touches)))
    }

    /// The accumulators of the session of `key` from `start` to `end`, merged with all that it touches, to be changed.
    ///
    /// Flink: `TimeWindow.intersects`: events exactly a gap apart are one session.
    pub fn update(
        &mut self,
        key: &[u8],
        start: i64,
        end: i64,
        merge: &Merge<'_>,
    ) -> Result<&mut [Accumulator], StateError> {
        self.warm(key)?;
        if !self.keys.contains_key(key) {
            self.keys.insert(key.into(), Entry::default());
        }
        let SessionState { keys, initial, timers, dirty, open, .. } = self;
        let Some((name, entry)) = keys.get_key_value_mut(key) else { unreachable!("it was just put there") };
        if !entry.dirty {
            entry.dirty = true;
            dirty.push(Arc::clone(name));
        }
        let first = entry.sessions.partition_point(|session| session.end < start);
        let mut touched = entry.sessions[first..].iter().take_while(|session| session.start <= end).count();
        if touched == 0 {
            entry.sessions.insert(first, Session { start, end, states: initial.clone() });
            *open += 1;
            if entry.timer.is_none_or(|timer| end < timer) {
                if let Some(before) = entry.timer.replace(end) {
                    timers.remove(&(before, Arc::clone(name)));
                }
                timers.insert((end, Arc::clone(name)));
            }
        }
        while touched > 1 {
            let other = entry.sessions.remove(first + 1);
            let into = &mut entry.sessions[first];
            into.end = into.end.max(other.end);
            merge(&mut into.states, &other.states);
            *open -= 1;
            touched -= 1;
        }
        let session = &mut entry.sessions[first];
        session.start = session.start.min(start);
        session.end = session.end.max(end);
        Ok(&mut session.states)
    }

    /// Takes out the sessions that `watermark` has ended: by their end, then by the bytes of their keys.
    pub fn end(&mut self, watermark: i64) -> Result<Vec<Ended>, StateError> {
        self.warm_ended(watermark)?;
        let SessionState { keys, timers, dirty, open, .. } = self;
        let mut ended = Vec::new();
        while let Some((end, _)) = timers.first()
            && is_window_fired(*end, watermark)
            && let Some((_, key)) = timers.pop_first()
        {
            let Some(entry) = keys.get_mut(&key) else { continue };
            let over = entry.sessions.partition_point(|session| is_window_fired(session.end, watermark));
            if over > 0 && !entry.dirty {
                entry.dirty = true;
                dirty.push(Arc::clone(&key));
            }
            *open -= over;
            ended.extend(entry.sessions.drain(..over).map(|session| Ended { key: Arc::clone(&key), session }));
            entry.timer = entry.sessions.first().map(|session| session.end);
            if let Some(timer) = entry.timer {
                timers.insert((timer, key));
            }
        }
        ended.sort_unstable_by(|a, b| (a.session.end, &a.key).cmp(&(b.session.end, &b.key)));
        Ok(ended)
    }

    /// All sessions of a state that was never written, by the order in which their keys came.
    pub fn into_sessions(self) -> impl Iterator<Item = (Arc<[u8]>, Session)> {
        let SessionState { mut keys, dirty, .. } = self;
        dirty.into_iter().flat_map(move |key| {
            let sessions = keys.remove(&key).map_or(Vec::new(), |entry| entry.sessions);
            sessions.into_iter().map(move |session| (Arc::clone(&key), session))
        })
    }

    /// When something is to be done next, as the end of a window: no session ends before, and no row can be placed.
    #[must_use]
    pub fn next_end(&self) -> Option<i64> {
        let timer = self.timers.first().map(|(end, _)| *end);
        let cold = self.cold.as_ref().and_then(cold::Cold::next_end);
        // A row can be placed for certain when the watermark is after its own.
        let row = self.waiting.first_key_value().map(|((stamp, _), _)| stamp.watermark.saturating_add(2));
        [timer, cold, row].into_iter().flatten().min()
    }

    /// Lets a row wait.
    pub fn wait(&mut self, watermark: i64, partition: i32, key: &[u8], row: WaitingRow) {
        let stamp = Stamp { watermark, partition, number: self.next_number };
        self.next_number += 1;
        self.waiting_bytes += weigh(key, &row);
        self.waiting.insert((stamp, key.to_vec()), Waiting { row, in_changelog: false });
        self.fresh.push((stamp, key.to_vec()));
    }

    /// Keeps its record with the row that was let wait last.
    pub fn attach_origin(&mut self, origin: Vec<u8>) {
        if let Some(waiting) = self.fresh.last().and_then(|place| self.waiting.get_mut(place)) {
            self.waiting_bytes += origin.len() as u64;
            waiting.row.origin = Some(origin);
        }
    }

    /// Whether a row waits whose turn has come when all partitions have come to `frontier`.
    #[must_use]
    pub fn has_tardy(&self, frontier: Frontier) -> bool {
        // Partitions with a lower number may still have rows at the same watermark, which go first.
        let place = |stamp: &Stamp| Frontier { watermark: stamp.watermark, partition: stamp.partition };
        self.waiting.first_key_value().is_some_and(|((stamp, _), _)| place(stamp) <= frontier)
    }

    /// The next row whose turn has come when all partitions have come to `frontier`.
    pub fn next_tardy(&mut self, frontier: Frontier) -> Option<Tardy> {
        if !self.has_tardy(frontier) {
            return None;
        }
        let ((stamp, key), Waiting { row, in_changelog }) = self.waiting.pop_first()?;
        self.waiting_bytes -= weigh(&key, &row);
        if in_changelog {
            self.placed.push((stamp, key.clone()));
        }
        Some(Tardy { stamp, key, row })
    }

    /// About how much memory the rows that wait take, in bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes
    }

    /// Whether the changelog is behind the state.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.placed.is_empty() || !self.fresh.is_empty()
    }

    /// Number of open sessions, in memory or not; about, where the store was rolled forward.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.open + self.cold.as_ref().map_or(0, cold::Cold::sessions)
    }

    /// Number of keys with open sessions, as above.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len() + self.cold.as_ref().map_or(0, cold::Cold::keys)
    }

    /// About how many bytes the next commit writes.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        let of_keys = self.size_in_bytes() - self.waiting_bytes;
        self.dirty.len() as u64 * (of_keys / self.keys.len().max(1) as u64)
    }

    /// About how much memory it takes, in bytes; sets that came since the last commit are not counted.
    #[must_use]
    pub fn size_in_bytes(&self) -> u64 {
        let keys = self.keys.len() * (size_of::<Entry>() + 64);
        let sessions = self.open * (size_of::<Session>() + self.initial.len() * size_of::<Accumulator>());
        (keys + sessions) as u64 + self.weight + self.waiting_bytes
    }

    /// Hands the records that bring the changelog up to date to `put`.
    pub fn write_changes(&mut self, put: &mut PutRecord<'_>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for name in std::mem::take(&mut self.dirty) {
            let Some(entry) = self.keys.get_mut(&name) else { continue };
            changelog::encode_sessions(&name, &entry.sessions, &mut key, &mut value);
            self.weight -= u64::from(entry.weight);
            if entry.sessions.is_empty() {
                if entry.in_changelog {
                    put(&key, None);
                }
                self.keys.remove(&name);
            } else {
                put(&key, Some(&value));
                entry.weight = (key.len() + value.len()) as u32;
                self.weight += u64::from(entry.weight);
                (entry.dirty, entry.in_changelog) = (false, true);
            }
            if let Some(cold) = &mut self.cold {
                cold.changed(name);
            }
        }
        self.write_waiting(put);
    }

    fn write_waiting(&mut self, put: &mut PutRecord<'_>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for place in self.placed.drain(..) {
            changelog::encode_tardy_key(place.0, &place.1, &mut key);
            put(&key, None);
            if let Some(cold) = &mut self.cold {
                cold.changed_row(place);
            }
        }
        for place in std::mem::take(&mut self.fresh) {
            let Some(waiting) = self.waiting.get_mut(&place) else { continue };
            changelog::encode_tardy_key(place.0, &place.1, &mut key);
            changelog::encode_tardy_row(&waiting.row, &mut value);
            put(&key, Some(&value));
            waiting.in_changelog = true;
            if let Some(cold) = &mut self.cold {
                cold.changed_row(place);
            }
        }
    }

    /// Hands the records of everything there is to `put`.
    pub fn write_all(&self, put: &mut PutRecord<'_>) -> Result<(), StateError> {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut names: Vec<_> = self.keys.iter().filter(|(_, entry)| !entry.sessions.is_empty()).collect();
        names.sort_unstable_by_key(|(name, _)| Arc::clone(name));
        for (name, entry) in names {
            changelog::encode_sessions(name, &entry.sessions, &mut key, &mut value);
            put(&key, Some(&value));
        }
        self.write_cold(put)?;
        for ((stamp, group), waiting) in &self.waiting {
            changelog::encode_tardy_key(*stamp, group, &mut key);
            changelog::encode_tardy_row(&waiting.row, &mut value);
            put(&key, Some(&value));
        }
        Ok(())
    }

    /// Forgets what was changed: everything is in the changelog.
    pub fn mark_clean(&mut self) {
        // Nobody sees these records; what they count and forget is the same.
        self.write_changes(&mut |_, _| {});
    }

    /// Takes in one record of the changelog; records must come in the order of the log.
    pub fn restore(&mut self, record: Record<'_>) -> Result<(), RestoreError> {
        match record {
            Record::Sessions { key, sessions } => {
                let sessions = self.restored_sessions(sessions)?;
                self.restore_key(key, sessions);
                if let Some(cold) = &mut self.cold {
                    cold.changed(key.into());
                }
            }
            Record::Tardy { stamp, key, row } => {
                self.next_number = self.next_number.max(stamp.number.saturating_add(1));
                let place = (stamp, key.to_vec());
                if let Some(cold) = &mut self.cold {
                    cold.changed_row(place.clone());
                }
                match row {
                    Some(row) => {
                        let row = WaitingRow { states: self.restored(row.states)?, ..row };
                        self.waiting_bytes += weigh(key, &row);
                        let known = self.waiting.insert(place, Waiting { row, in_changelog: true });
                        self.waiting_bytes -= known.map_or(0, |known| weigh(key, &known.row));
                    }
                    None => {
                        let gone = self.waiting.remove(&place);
                        self.waiting_bytes -= gone.map_or(0, |gone| weigh(key, &gone.row));
                    }
                }
            }
            _ => return Err(ChangelogError::WRONG_WINDOWS.into()),
        }
        Ok(())
    }

    fn restored_sessions(&self, sessions: Vec<Session>) -> Result<Vec<Session>, ChangelogError> {
        let restored = |session: Session| Ok(Session { states: self.restored(session.states)?, ..session });
        sessions.into_iter().map(restored).collect()
    }

    fn restored(&self, read: Vec<Accumulator>) -> Result<Vec<Accumulator>, ChangelogError> {
        let mut states = self.initial.clone();
        let fits = read.len() == states.len() && states.iter_mut().zip(read).all(|(state, read)| state.restore(read));
        if fits { Ok(states) } else { Err(ChangelogError::WRONG_ACCUMULATORS) }
    }

    fn restore_key(&mut self, key: &[u8], sessions: Vec<Session>) {
        let name: Arc<[u8]> = key.into();
        if let Some(before) = self.keys.remove(key) {
            self.open -= before.sessions.len();
            self.weight -= u64::from(before.weight);
            before.timer.map(|timer| self.timers.remove(&(timer, Arc::clone(&name))));
        }
        let Some(timer) = sessions.first().map(|session| session.end) else { return };
        self.open += sessions.len();
        self.timers.insert((timer, Arc::clone(&name)));
        let (mut record_key, mut value) = (Vec::new(), Vec::new());
        changelog::encode_sessions(key, &sessions, &mut record_key, &mut value);
        let weight = (record_key.len() + value.len()) as u32;
        self.weight += u64::from(weight);
        let entry = Entry { sessions, timer: Some(timer), dirty: false, in_changelog: true, weight };
        self.keys.insert(name, entry);
    }

    /// Forgets everything: a snapshot follows.
    pub fn clear(&mut self) {
        *self = SessionState::new(std::mem::take(&mut self.initial));
    }
}

/// About how much memory a row that waits takes, in bytes.
fn weigh(key: &[u8], row: &WaitingRow) -> u64 {
    let states: usize = row.states.iter().map(|state| size_of::<Accumulator>() + state.heap_bytes()).sum();
    (size_of::<Tardy>() + key.len() + states + row.origin.as_ref().map_or(0, Vec::len)) as u64
}
