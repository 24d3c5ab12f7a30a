//! What is left of one batch (Kafka: MemoryRecords.filterTo with the filter of Cleaner.cleanInto).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::offset_map::OffsetMap;
use super::transactions::{CleanedTransactions, Marker};
use crate::batch::{Batch, BatchError, Record, empty_batch, rebuild_batch};
use crate::ids::{Offset, ProducerEpoch, ProducerId, Timestamp};
use crate::segment::AbortedTransaction;

/// The last batch of data of each producer that the log remembers; without one, its epoch, which a marker holds.
pub(crate) type LastOfProducers = BTreeMap<ProducerId, (Option<Offset>, ProducerEpoch)>;

/// Decides about each batch of a pass, in their order.
pub(super) struct BatchFilter<'a> {
    pub(super) map: &'a OffsetMap,
    pub(super) transactions: CleanedTransactions,
    pub(super) producers: &'a LastOfProducers,
    pub(super) now: Timestamp,
    pub(super) delete_retention_ms: i64,
}

/// What is left of a batch.
#[derive(Debug, Default)]
pub(super) struct Filtered {
    /// The bytes to write.
    pub(super) bytes: Option<Bytes>,
    /// How many records they have.
    pub(super) records: usize,
    /// Records that have no key, which a compacted log should not have.
    pub(super) keyless: usize,
    /// The batch is the marker of this transaction, and stays.
    pub(super) aborted: Option<AbortedTransaction>,
}

impl BatchFilter<'_> {
    /// Filters the next batch. With `keep_empty` its header is kept at least.
    pub(super) fn filter(&mut self, batch: &Batch, keep_empty: bool) -> Result<Filtered, BatchError> {
        let header = &batch.header;
        let horizon_passed = header.delete_horizon().is_some_and(|horizon| horizon <= self.now);
        let mut out = Filtered::default();
        let (discard, unneeded_marker) = if header.is_control() {
            match self.transactions.on_control(batch) {
                Marker::Unneeded => (horizon_passed, true),
                Marker::Needed(aborted) => {
                    out.aborted = aborted;
                    (false, false)
                }
            }
        } else {
            (self.transactions.on_data(batch), false)
        };
        if discard {
            out.bytes = (keep_empty || self.is_last_of_producer(batch)).then(|| empty_batch(header));
            return Ok(out);
        }
        let records = batch.records()?;
        let mut kept = Vec::new();
        let (mut all, mut tombstones) = (true, false);
        for record in &records {
            let record = record?;
            if header.is_control() || self.keeps(&record, horizon_passed, &mut out.keyless) {
                tombstones |= record.value.is_none();
                kept.push(record);
            } else {
                all = false;
            }
        }
        out.records = kept.len();
        let starts_horizon = (tombstones || unneeded_marker) && header.delete_horizon().is_none();
        out.bytes = if kept.is_empty() {
            (keep_empty || self.is_last_of_producer(batch)).then(|| empty_batch(header))
        } else if all && !starts_horizon {
            Some(batch.bytes.clone())
        } else {
            let new_horizon = starts_horizon.then(|| self.now.plus_ms(self.delete_retention_ms));
            Some(rebuild_batch(header, &kept, new_horizon.or(header.delete_horizon())))
        };
        Ok(out)
    }

    fn keeps(&self, record: &Record<'_>, horizon_passed: bool, keyless: &mut usize) -> bool {
        if record.offset > self.map.latest {
            return true;
        }
        let Some(key) = record.key else {
            *keyless += 1;
            return false;
        };
        let is_last = self.map.get(key).is_none_or(|last| record.offset >= last);
        is_last && (record.value.is_some() || !horizon_passed)
    }

    /// Whether the batch tells, to a log that is recovered, the last sequence of a producer, or its epoch.
    fn is_last_of_producer(&self, batch: &Batch) -> bool {
        let header = &batch.header;
        if !header.has_producer() {
            return false;
        }
        match self.producers.get(&header.producer_id) {
            Some((Some(last), _)) => header.last_offset() == *last,
            Some((None, epoch)) => header.is_control() && header.producer_epoch == *epoch,
            None => false,
        }
    }
}
