//! Handing fetched records out to a member (Kafka: SharePartition.acquire).

use std::sync::Arc;

use forebay_storage::ids::{ProducerId, Timestamp};

use super::SharePartition;
use super::aborted::AbortedTransaction;
use super::in_flight::RecordState;
use super::release::LockTimer;

/// How closely `max_records` is kept (`share.acquire.mode`, KIP-1206).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireMode {
    /// Whole batches of the log, so that there may be more.
    BatchOptimized,
    /// Never more.
    RecordLimit,
}

/// What is known of a batch that was fetched, by its header, and by its marker if it is a control batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchedBatch {
    /// First offset.
    pub base_offset: i64,
    /// Last offset, included.
    pub last_offset: i64,
    /// Who has written it, if it is idempotent or transactional.
    pub producer_id: Option<ProducerId>,
    /// Whether it is part of a transaction.
    pub is_transactional: bool,
    /// Whether it is the marker of an aborted transaction.
    pub is_abort_marker: bool,
}

/// A fetch of a member.
#[derive(Clone, Debug)]
pub struct Acquire<'a> {
    /// Who.
    pub member: &'a Arc<str>,
    /// How closely `max_records` is kept.
    pub mode: AcquireMode,
    /// New records are acquired in batches of about this many (ShareFetch's `BatchSize`).
    pub batch_size: i32,
    /// Most records to acquire.
    pub max_records: i32,
    /// Where the log was read from: what [`SharePartition::next_fetch_offset`] said.
    pub fetch_offset: i64,
    /// What was read, in order.
    pub batches: &'a [FetchedBatch],
    /// With `read_committed` the aborted transactions of what was read; empty with `read_uncommitted`.
    pub aborted: &'a [AbortedTransaction],
}

/// A run of records that a member has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquiredRecords {
    /// First offset.
    pub first_offset: i64,
    /// Last offset, included.
    pub last_offset: i64,
    /// How often they were delivered, this time included.
    pub delivery_count: i16,
}

impl AcquiredRecords {
    pub(super) fn count(&self) -> i64 {
        self.last_offset - self.first_offset + 1
    }
}

/// What a fetch has brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquired {
    /// The records, in order.
    pub records: Vec<AcquiredRecords>,
    /// Their locks.
    pub timers: Vec<(Timestamp, LockTimer)>,
}

/// A fetch on its way through the batches.
pub(super) struct Acquiring<'a> {
    pub(super) fetch: &'a Acquire<'a>,
    /// When locks end.
    pub(super) lock: Timestamp,
    /// First offset that was read.
    pub(super) first: i64,
    /// Last offset to acquire.
    pub(super) last: i64,
    /// How many records may still be acquired.
    pub(super) room: i64,
    pub(super) acquired: Acquired,
}

impl Acquiring<'_> {
    pub(super) fn add(&mut self, records: AcquiredRecords) {
        self.room -= records.count();
        self.acquired.records.push(records);
    }

    pub(super) fn watch(&mut self, first: i64, last: i64) {
        self.acquired.timers.push((self.lock, LockTimer { first, last, at: self.lock }));
    }
}

impl SharePartition {
    /// How many offsets a fetch of at most `max_records` may hand out something of, from the first on that the log has at or after
    /// `fetch_offset`: nothing behind the batch of the last one need be read.
    #[must_use]
    pub fn span(&self, fetch_offset: i64, max_records: i32) -> i64 {
        let room = i64::from(max_records).min(i64::from(self.config.max_record_locks) - self.in_flight());
        let in_window = if self.cache.is_empty() { 0 } else { self.end.saturating_add(1) - fetch_offset };
        in_window.max(0).saturating_add(room.max(0))
    }

    /// Gives a member those of the fetched records that nobody has, each for the time of a lock.
    pub fn acquire(&mut self, now: Timestamp, fetch: &Acquire<'_>) -> Acquired {
        let (Some(first), Some(last)) = (fetch.batches.first(), fetch.batches.last()) else {
            return Acquired::default();
        };
        if self.is_fenced || fetch.max_records <= 0 || last.last_offset < self.start {
            return Acquired::default();
        }
        let (last, room) = self.limits(fetch, last.last_offset);
        if room <= 0 {
            return Acquired::default();
        }
        let lock = now.plus_ms(i64::from(self.config.record_lock_duration_ms));
        let first = first.base_offset;
        let stale = self.archive_stale(fetch.fetch_offset, first);
        let mut acquiring = Acquiring { fetch, lock, first, last, room, acquired: Acquired::default() };
        self.acquire_all(&mut acquiring);
        let aborted = self.drop_aborted(fetch, &mut acquiring.acquired.records);
        if stale || aborted {
            // Kafka waits for the next acknowledgement here, which never comes when nothing is left to acknowledge.
            self.advance_start();
        }
        acquiring.acquired
    }

    /// The last offset to acquire, and how many records at most. Where the room for records in flight is used up, what lies between
    /// records in flight can still be handed out again.
    fn limits(&self, fetch: &Acquire<'_>, last: i64) -> (i64, i64) {
        let wanted = i64::from(fetch.max_records);
        let room = wanted.min(i64::from(self.config.max_record_locks) - self.in_flight());
        if room > 0 || fetch.fetch_offset > self.end {
            return (last, room);
        }
        (last.min(self.end), wanted.min(self.end - fetch.fetch_offset + 1))
    }

    /// The log has nothing between where the fetch began and what it found: records in flight there were compacted away.
    fn archive_stale(&mut self, fetch_offset: i64, found: i64) -> bool {
        if fetch_offset >= found {
            return false;
        }
        let any = self.archive(fetch_offset, found - 1, RecordState::Available);
        self.look_for_available |= any;
        any
    }

    fn acquire_all(&mut self, acquiring: &mut Acquiring<'_>) {
        let mut next = self.key_at(acquiring.first);
        if next == acquiring.first {
            next = next.max(self.start);
        }
        for key in self.keys(acquiring.first, acquiring.last) {
            if acquiring.room <= 0 {
                break;
            }
            let Some(batch_last) = self.cache.get(&key).map(|batch| batch.last) else { continue };
            // Behind gaps of the persisted state there may be records; other gaps are those of the log.
            if self.gap_start().is_some() {
                if next < key {
                    self.acquire_new(acquiring, next, key - 1);
                }
                if acquiring.room <= 0 {
                    break;
                }
            }
            next = batch_last + 1;
            self.acquire_again(acquiring, key);
        }
        if acquiring.room > 0 && next <= acquiring.last {
            self.acquire_new(acquiring, next, acquiring.last);
        }
        let last_acquired = acquiring.acquired.records.last().map(|records| records.last_offset);
        // With room left all that was read has been gone through. Kafka moves on only behind what was acquired, and reads the
        // same again for ever where that is nothing.
        let done = if acquiring.room > 0 { last_acquired.max(Some(acquiring.last)) } else { last_acquired };
        if let Some(done) = done {
            self.gap_fetched_to(done + 1);
        }
    }

    /// What is before `offset` in a gap of the persisted state was fetched.
    pub(super) fn gap_fetched_to(&mut self, offset: i64) {
        self.gap = self.gap.filter(|gap| gap.end == self.end && offset <= gap.end);
        if let Some(gap) = &mut self.gap {
            gap.start = offset;
        }
    }
}
