//! Records that come back without an acknowledgement: a session closes, or a lock ends (Kafka:
//! SharePartition.releaseAcquiredRecords, releaseAcquisitionLockOnTimeout).

use forebay_storage::ids::Timestamp;

use super::SharePartition;
use super::in_flight::{InFlight, RecordState};
use super::write::{Change, StateBatch};

/// The end of the locks of records `first` to `last` that were to end at `at`. Never cancelled: those renewed or acknowledged
/// meanwhile are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockTimer {
    /// First offset.
    pub first: i64,
    /// Last offset, included.
    pub last: i64,
    /// When the locks end.
    pub at: Timestamp,
}

/// A lock that has ended while its record's acknowledgement is being persisted.
const ENDED: Timestamp = Timestamp(i64::MIN);

impl SharePartition {
    /// A member's session is closed: what it has is available again, or archived when it was delivered often enough.
    /// Once fenced nothing is anybody's here any more: what is loaded in its place has the records available.
    pub fn release(&mut self, member: &str) -> Change {
        if self.is_fenced {
            return Change::default();
        }
        let id = self.new_write_id();
        let limit = self.config.delivery_count_limit;
        let batches = self.give_back(
            i64::MIN,
            i64::MAX,
            |record| record.is_with(member),
            |record, to| record.begin_leave(to, limit, id),
        );
        Change { write: self.write(id, batches, true), ..Change::default() }
    }

    /// Locks have ended. The records are available again, or archived, at once; that is persisted without waiting.
    /// Nothing when fenced, as with [`release`](Self::release).
    pub fn lock_timed_out(&mut self, timer: LockTimer) -> Change {
        if self.is_fenced {
            return Change::default();
        }
        let limit = self.config.delivery_count_limit;
        self.end_locks_of_changing(timer);
        let batches = self.give_back(
            timer.first,
            timer.last,
            |record| record.lock.is_some_and(|lock| lock <= timer.at),
            |record, to| record.leave(to, limit),
        );
        let available = RecordState::Available.id();
        self.look_for_available |= batches.iter().any(|batch| batch.delivery_state == available);
        let id = self.new_write_id();
        let write = self.write(id, batches, false);
        Change { wake: write.is_some(), write, timers: Vec::new() }
    }

    /// When the next lock ends, of those that have not; [`lock_timed_out`](Self::lock_timed_out) is to be called then. Once fenced none
    /// does.
    #[must_use]
    pub fn next_lock_end(&self) -> Option<Timestamp> {
        if self.is_fenced {
            return None;
        }
        let locks = self.cache.values().flat_map(|batch| batch.runs()).filter_map(|(_, _, record)| record.lock);
        locks.filter(|lock| *lock != ENDED).min()
    }

    /// Acknowledged records whose write is still under way: should it fail, they are nobody's, whatever the clock says then.
    fn end_locks_of_changing(&mut self, timer: LockTimer) {
        for key in self.keys(timer.first, timer.last) {
            let Some(batch) = self.cache.get_mut(&key) else { continue };
            for (_, _, record) in batch.runs_mut().filter(|(_, _, record)| record.is_changing()) {
                if record.lock.is_some_and(|lock| lock <= timer.at) {
                    record.lock = Some(ENDED);
                }
            }
        }
    }

    /// Takes acquired records that `counts` holds for back by `leave`. Records before the start offset are gone for good.
    fn give_back(
        &mut self,
        first: i64,
        last: i64,
        counts: impl Fn(&InFlight) -> bool,
        leave: impl Fn(&mut InFlight, RecordState),
    ) -> Vec<StateBatch> {
        let mut batches = Vec::new();
        for key in self.keys(first, last) {
            let Some(batch) = self.cache.get_mut(&key) else { continue };
            let is_taken =
                |record: &InFlight| record.state == RecordState::Acquired && !record.is_changing() && counts(record);
            let straddles = batch.first < self.start && batch.last >= self.start;
            if straddles && batch.whole().is_some_and(is_taken) {
                batch.split();
            }
            let whole = batch.whole().is_some();
            let taken = batch.runs_mut().filter(|(from, to, _)| whole || (*from >= first && *to <= last));
            for (from, to, record) in taken.filter(|(_, _, record)| is_taken(record)) {
                let state = if to < self.start { RecordState::Archived } else { RecordState::Available };
                leave(record, state);
                batches.push(state_batch(from, to, record));
            }
        }
        batches
    }
}

pub(super) fn state_batch(first_offset: i64, last_offset: i64, record: &InFlight) -> StateBatch {
    let InFlight { state, delivery_count, .. } = record;
    StateBatch { first_offset, last_offset, delivery_state: state.id(), delivery_count: *delivery_count }
}
