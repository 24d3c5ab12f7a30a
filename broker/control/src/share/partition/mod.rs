//! A share-partition: which records of a partition are with which member of a share group (Kafka: SharePartition).
//!
//! It is a pure value: time and fetched batches come in, and what is to be persisted and which locks are to be watched come out.
//! Nothing here is replayed from a log of its own; after a restart it is loaded from the share coordinator's state.
//!
//! Reading order: `in_flight` says what is known of a record, `batch` how records are kept, `load` how it begins; then the verbs
//! `acquire` (with `acquire_new`, `acquire_again` and `aborted`), `acknowledge` and `release`, which end in `write`; `offsets` moves the window.

mod aborted;
mod acknowledge;
mod acquire;
mod acquire_again;
mod acquire_new;
mod archive;
mod batch;
mod config;
mod in_flight;
mod load;
mod offsets;
mod release;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use aborted::AbortedTransaction;
pub use acknowledge::{AckRefusal, AckType, AcknowledgementBatch};
pub use acquire::{Acquire, AcquireMode, Acquired, AcquiredRecords, FetchedBatch};
pub use config::SharePartitionConfig;
pub use in_flight::RecordState;
pub(crate) use load::is_possible;
pub use load::{LoadError, MAX_STATE_RECORDS, PersistedState};
pub use release::LockTimer;
pub use write::{Change, StateBatch, StateWrite, WriteId};

use batch::InFlightBatch;

/// What a partition's leader keeps for one share group.
#[derive(Clone, Debug)]
pub struct SharePartition {
    config: SharePartitionConfig,
    leader_epoch: i32,
    state_epoch: i32,
    /// SPSO: records before it are done with.
    start: i64,
    /// SPEO: the last offset that was acquired once; the next to fetch while nothing is cached.
    end: i64,
    /// Batches by first offset; they do not overlap.
    cache: BTreeMap<i64, InFlightBatch>,
    /// Offsets that the persisted state has nothing of, and which must be fetched once more.
    gap: Option<GapWindow>,
    /// Whether an available record may be in the cache, so that the next fetch may not begin behind it.
    look_for_available: bool,
    next_write: u64,
    pending: BTreeMap<WriteId, Vec<(i64, i64)>>,
    is_fenced: bool,
}

/// Where the persisted state has gaps: from `start` on, as long as the end offset is still `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GapWindow {
    start: i64,
    end: i64,
}

impl SharePartition {
    /// SPSO: every record before it is acknowledged, archived or gone.
    #[must_use]
    pub fn start_offset(&self) -> i64 {
        self.start
    }

    /// SPEO: the last offset that was ever acquired, or the next one to acquire while nothing is in flight.
    #[must_use]
    pub fn end_offset(&self) -> i64 {
        self.end
    }

    /// The epoch of the state that was loaded.
    #[must_use]
    pub fn state_epoch(&self) -> i32 {
        self.state_epoch
    }

    /// The partition's leader epoch that it was loaded for.
    #[must_use]
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// Takes other limits from now on; locks that are held keep their time.
    pub fn set_config(&mut self, config: SharePartitionConfig) {
        self.config = config;
    }

    /// Hands out and changes nothing any more: the leader or the state's epoch has changed.
    pub fn fence(&mut self) {
        self.is_fenced = true;
    }

    /// Whether it was fenced and has to be loaded anew.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.is_fenced
    }

    /// The state and the delivery count of a record that is in flight.
    #[must_use]
    pub fn record(&self, offset: i64) -> Option<(RecordState, i16)> {
        let (_, batch) = self.cache.range(..=offset).next_back()?;
        batch.state_of(offset).map(|record| (record.state, record.delivery_count))
    }

    /// How many records are in flight, acknowledged ones behind the first open one included.
    #[must_use]
    pub fn in_flight(&self) -> i64 {
        if self.cache.is_empty() { 0 } else { self.end.saturating_sub(self.start).saturating_add(1) }
    }

    fn last_cached(&self) -> Option<i64> {
        self.cache.values().next_back().map(|batch| batch.last)
    }

    fn gap_start(&self) -> Option<i64> {
        self.gap.filter(|gap| gap.end == self.end).map(|gap| gap.start.max(self.start))
    }

    /// Key of the batch that holds `offset`, or `offset` where none does.
    fn key_at(&self, offset: i64) -> i64 {
        match self.cache.range(..=offset).next_back() {
            Some((key, batch)) if batch.last >= offset => *key,
            _ => offset,
        }
    }

    /// Keys of the batches that overlap with these offsets.
    fn keys(&self, first: i64, last: i64) -> Vec<i64> {
        let from = self.key_at(first);
        if from > last { Vec::new() } else { self.cache.range(from..=last).map(|(key, _)| *key).collect() }
    }
}
