//! `read_committed`: records of aborted transactions are archived instead of delivered (Kafka:
//! SharePartition.filterAbortedTransactionalAcquiredRecords).

use std::collections::BTreeSet;

use forebay_storage::ids::ProducerId;

use super::SharePartition;
use super::acquire::{Acquire, AcquiredRecords, FetchedBatch};
use super::in_flight::RecordState;

/// A transaction that was aborted, as Fetch tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose.
    pub producer_id: ProducerId,
    /// Its first offset.
    pub first_offset: i64,
}

impl SharePartition {
    /// Archives what was acquired of aborted transactions, and takes it out of `records`. Whether there was any.
    pub(super) fn drop_aborted(&mut self, fetch: &Acquire<'_>, records: &mut Vec<AcquiredRecords>) -> bool {
        if fetch.aborted.is_empty() || records.is_empty() {
            return false;
        }
        let mut any = false;
        for batch in aborted_batches(fetch.batches, fetch.aborted) {
            let before = std::mem::take(records);
            for run in before {
                let kept = without(run, batch.base_offset, batch.last_offset);
                // Only what this fetch has acquired: it may overlap with what others have.
                let first = run.first_offset.max(batch.base_offset);
                let last = run.last_offset.min(batch.last_offset);
                any |= first <= last && self.archive(first, last, RecordState::Acquired);
                records.extend(kept);
            }
        }
        any
    }
}

/// The batches of aborted transactions.
fn aborted_batches<'a>(
    batches: &'a [FetchedBatch],
    aborted: &[AbortedTransaction],
) -> impl Iterator<Item = &'a FetchedBatch> {
    let mut open: Vec<AbortedTransaction> = aborted.to_vec();
    open.sort_by_key(|transaction| transaction.first_offset);
    let mut open = open.into_iter().peekable();
    let mut producers = BTreeSet::new();
    batches.iter().filter(move |batch| {
        let Some(producer_id) = batch.producer_id else { return false };
        while let Some(transaction) = open.next_if(|transaction| transaction.first_offset <= batch.last_offset) {
            producers.insert(transaction.producer_id);
        }
        if batch.is_abort_marker {
            producers.remove(&producer_id);
            return false;
        }
        batch.is_transactional && producers.contains(&producer_id)
    })
}

/// What remains of a run without offsets `first` to `last`.
fn without(run: AcquiredRecords, first: i64, last: i64) -> impl Iterator<Item = AcquiredRecords> {
    let before = AcquiredRecords { last_offset: run.last_offset.min(first - 1), ..run };
    let after = AcquiredRecords { first_offset: run.first_offset.max(last + 1), ..run };
    [before, after].into_iter().filter(|run| run.first_offset <= run.last_offset)
}
