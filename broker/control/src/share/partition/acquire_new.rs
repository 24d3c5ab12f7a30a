//! Acquiring records that were never in flight (Kafka: SharePartition.acquireNewBatchRecords, createBatches).

use super::SharePartition;
use super::acquire::{AcquireMode, AcquiredRecords, Acquiring, FetchedBatch};
use super::batch::InFlightBatch;
use super::in_flight::{InFlight, RecordState};

impl SharePartition {
    /// Acquires records from `first` to `last` as far as there is room; with whole batches of the log perhaps some more.
    pub(super) fn acquire_new(&mut self, acquiring: &mut Acquiring<'_>, first: i64, last: i64) {
        let mut first = first.max(self.start);
        if self.cache.is_empty() {
            first = first.max(self.end);
        }
        if first > last {
            return;
        }
        let mut new_last = last;
        if acquiring.room < last - first + 1 {
            new_last = end_of_batch(acquiring.fetch.batches, first + acquiring.room - 1);
            if self.gap_start().is_some() {
                new_last = new_last.min(last);
            }
        }
        let parts = match acquiring.fetch.mode {
            AcquireMode::BatchOptimized => parts(acquiring.fetch.batches, first, new_last, acquiring.fetch.batch_size),
            AcquireMode::RecordLimit => vec![(first, new_last)],
        };
        let mut acquired_to = new_last;
        for (part_first, part_last) in parts {
            acquired_to = self.add_batch(acquiring, part_first, part_last);
        }
        if self.cache.first_key_value().is_some_and(|(key, _)| *key == first) {
            self.start = first;
        }
        self.end = self.end.max(new_last);
        self.gap_fetched_to(acquired_to + 1);
    }

    /// Adds a batch and acquires it, or, where records are counted, its beginning. Returns the last offset acquired.
    fn add_batch(&mut self, acquiring: &mut Acquiring<'_>, first: i64, last: i64) -> i64 {
        let member = acquiring.fetch.member;
        let mut batch = InFlightBatch::new(first, last, InFlight::acquired(member, acquiring.lock));
        let limited = acquiring.fetch.mode == AcquireMode::RecordLimit && last - first + 1 > acquiring.room;
        let acquired_to = if limited { first + acquiring.room - 1 } else { last };
        if limited {
            batch.split();
            for (_, _, record) in batch.runs_mut().filter(|(offset, _, _)| *offset > acquired_to) {
                *record = InFlight::free(RecordState::Available, 0);
            }
            self.look_for_available = true;
        }
        self.cache.insert(first, batch);
        acquiring.add(AcquiredRecords { first_offset: first, last_offset: acquired_to, delivery_count: 1 });
        acquiring.watch(first, acquired_to);
        acquired_to
    }
}

/// The end of the log's batch that `offset` is in.
fn end_of_batch(batches: &[FetchedBatch], offset: i64) -> i64 {
    let batch = batches.iter().take_while(|batch| batch.base_offset <= offset).last();
    batch.map_or(offset, |batch| batch.last_offset.max(offset))
}

/// Parts of at least `size` records, ending where batches of the log do.
fn parts(batches: &[FetchedBatch], first: i64, last: i64, size: i32) -> Vec<(i64, i64)> {
    let size = i64::from(size);
    let mut parts = Vec::new();
    let mut from = first;
    if last - first + 1 > size {
        for base in batches.iter().map(|batch| batch.base_offset).take_while(|base| *base <= last) {
            if base > from && base - from >= size {
                parts.push((from, base - 1));
                from = base;
            }
        }
    }
    parts.push((from, last));
    parts
}
