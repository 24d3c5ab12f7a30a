//! The slots for sessions, and who must make room for whom.

use std::collections::{BTreeMap, BTreeSet};

use forebay_storage::ids::Timestamp;

use super::NO_SESSION;
use super::session::Session;

/// What a session is worth, least first: followers' sessions more than others, large ones more than small ones.
type Worth = (bool, usize, i32);

/// At most so many sessions (Kafka: one `FetchSessionCacheShard`).
#[derive(Debug)]
pub struct Cache {
    slots: usize,
    eviction_ms: i64,
    sessions: BTreeMap<i32, Slot>,
    /// Sessions by the time of their last request.
    last_used: BTreeSet<(Timestamp, i32)>,
    /// Those that a session of any kind may push out: they are old enough.
    evictable_by_all: BTreeSet<Worth>,
    /// Those that a follower's session may push out: they are old enough or a consumer's.
    evictable_by_privileged: BTreeSet<Worth>,
    partitions: usize,
    evictions: u64,
}

#[derive(Debug)]
struct Slot {
    session: Session,
    last_used: Timestamp,
    /// Partitions of the session when it was last touched.
    size: usize,
}

impl Slot {
    fn worth(&self, id: i32) -> Worth {
        (self.session.privileged, self.size, id)
    }
}

impl Cache {
    pub fn new(slots: usize, eviction_ms: i64) -> Cache {
        Cache {
            slots,
            eviction_ms,
            sessions: BTreeMap::new(),
            last_used: BTreeSet::new(),
            evictable_by_all: BTreeSet::new(),
            evictable_by_privileged: BTreeSet::new(),
            partitions: 0,
            evictions: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    pub fn partitions(&self) -> usize {
        self.partitions
    }

    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    pub fn get(&mut self, id: i32) -> Option<&mut Session> {
        Some(&mut self.sessions.get_mut(&id)?.session)
    }

    pub fn remove(&mut self, id: i32) {
        if let Some(slot) = self.sessions.remove(&id) {
            self.unlist(id, &slot);
        }
    }

    /// Whether there is a slot for a session of `size` partitions, now that another one may have been pushed out for it: one
    /// that was not used for long, or else the least worthy of those that it may push out and that it outweighs.
    pub fn make_room(&mut self, privileged: bool, size: usize, now: Timestamp) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let Some((used, stale)) = self.last_used.first().copied() else { return false };
        let victim = if now.0.saturating_sub(used.0) > self.eviction_ms {
            stale
        } else {
            let evictable = if privileged { &self.evictable_by_privileged } else { &self.evictable_by_all };
            match evictable.first() {
                Some(worth) if (privileged, size, NO_SESSION) >= *worth => worth.2,
                _ => return false,
            }
        };
        self.remove(victim);
        self.evictions += 1;
        true
    }

    /// Gives `session` an id near `random` that is positive and not taken.
    pub fn insert(&mut self, session: Session, now: Timestamp, random: u32) -> i32 {
        let mut id = (random & i32::MAX as u32).cast_signed();
        while id == NO_SESSION || self.sessions.contains_key(&id) {
            id = id.checked_add(1).unwrap_or(1);
        }
        let size = session.partitions.len();
        self.sessions.insert(id, Slot { session, last_used: now, size });
        self.list(id, now);
        id
    }

    /// Notes that a session was used and how large it is now.
    pub fn touch(&mut self, id: i32, now: Timestamp) {
        let Some(mut slot) = self.sessions.remove(&id) else { return };
        self.unlist(id, &slot);
        slot.last_used = now;
        slot.size = slot.session.partitions.len();
        self.sessions.insert(id, slot);
        self.list(id, now);
    }

    fn list(&mut self, id: i32, now: Timestamp) {
        let slot = &self.sessions[&id];
        let old = now.0.saturating_sub(slot.session.created.0) > self.eviction_ms;
        self.last_used.insert((slot.last_used, id));
        if old {
            self.evictable_by_all.insert(slot.worth(id));
        }
        if old || !slot.session.privileged {
            self.evictable_by_privileged.insert(slot.worth(id));
        }
        self.partitions += slot.size;
    }

    fn unlist(&mut self, id: i32, slot: &Slot) {
        self.last_used.remove(&(slot.last_used, id));
        self.evictable_by_all.remove(&slot.worth(id));
        self.evictable_by_privileged.remove(&slot.worth(id));
        self.partitions -= slot.size;
    }
}
