//! Acquiring records that were in flight and are available again (Kafka: SharePartition.acquire, acquireSubsetBatchRecords).
//!
//! A record that cannot be processed takes those down that it is delivered with. So records that were delivered often go in ever
//! smaller company, and on their last delivery alone.

use super::SharePartition;
use super::acquire::{AcquireMode, AcquiredRecords, Acquiring};
use super::batch::InFlightBatch;
use super::config::SharePartitionConfig;

impl SharePartition {
    /// Acquires what is available of the batch with this key.
    pub(super) fn acquire_again(&mut self, acquiring: &mut Acquiring<'_>, key: i64) {
        let config = self.config;
        let Some(batch) = self.cache.get_mut(&key) else { return };
        let throttled = most_deliveries(batch, acquiring) >= config.throttle_limit();
        if throttled && !acquiring.acquired.records.is_empty() {
            acquiring.room = 0;
            return;
        }
        if batch.whole().is_some_and(|state| !state.is_available()) {
            return;
        }
        let over = acquiring.fetch.mode == AcquireMode::RecordLimit && batch.len() > acquiring.room;
        if over || throttled || !batch.is_within(acquiring.first, acquiring.last) {
            batch.split();
        }
        if let Some(state) = batch.whole_mut() {
            state.acquire(acquiring.fetch.member, acquiring.lock);
            let delivery_count = state.delivery_count;
            let (first_offset, last_offset) = (batch.first, batch.last);
            acquiring.add(AcquiredRecords { first_offset, last_offset, delivery_count });
            acquiring.watch(first_offset, last_offset);
        } else if acquire_some(&config, acquiring, batch) && throttled {
            acquiring.room = 0;
        }
    }
}

/// The highest delivery count among what can be acquired of a batch.
fn most_deliveries(batch: &InFlightBatch, acquiring: &Acquiring<'_>) -> i16 {
    let whole = batch.whole().is_some();
    let asked = batch.runs().filter(|(first, last, _)| whole || (*first >= acquiring.first && *last <= acquiring.last));
    let available = asked.filter(|(_, _, record)| record.is_available());
    available.map(|(_, _, record)| record.delivery_count).max().unwrap_or(0)
}

/// Acquires single records of a batch; whether any.
fn acquire_some(config: &SharePartitionConfig, acquiring: &mut Acquiring<'_>, batch: &mut InFlightBatch) -> bool {
    let limit = config.delivery_count_limit;
    let size = batch.len();
    let most = if acquiring.fetch.mode == AcquireMode::RecordLimit { acquiring.room } else { i64::MAX };
    let mut most_together = None;
    let mut runs: Vec<AcquiredRecords> = Vec::new();
    let mut count = 0;
    for (offset, _, record) in batch.runs_mut() {
        if offset < acquiring.first || offset > acquiring.last || !record.is_available() {
            continue;
        }
        let is_last_delivery = config.isolates_last_delivery() && record.delivery_count >= limit.saturating_sub(1);
        if is_last_delivery && count > 0 {
            break;
        }
        if record.delivery_count >= config.throttle_limit() {
            // The first one decides: deliveries only grow towards the front of a batch that fails again and again.
            most_together.get_or_insert(company(size, record.delivery_count - config.throttle_limit()));
        }
        record.acquire(acquiring.fetch.member, acquiring.lock);
        count += 1;
        add_record(&mut runs, offset, record.delivery_count);
        if is_last_delivery || count == most || most_together == Some(count) {
            break;
        }
    }
    for run in runs {
        acquiring.add(run);
        acquiring.watch(run.first_offset, run.last_offset);
    }
    count > 0
}

/// How many records of a batch of `size` go together after `beyond` deliveries more than the limit to throttle from.
fn company(size: i64, beyond: i16) -> i64 {
    size.checked_shr(u32::from(beyond.unsigned_abs()) + 1).unwrap_or(0).max(1)
}

fn add_record(runs: &mut Vec<AcquiredRecords>, offset: i64, delivery_count: i16) {
    match runs.last_mut() {
        Some(run) if run.last_offset + 1 == offset && run.delivery_count == delivery_count => run.last_offset = offset,
        _ => runs.push(AcquiredRecords { first_offset: offset, last_offset: offset, delivery_count }),
    }
}
