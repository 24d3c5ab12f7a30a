//! Reading the log for a share group, and what of it goes to the member (Kafka: ShareFetchUtils).

use bytes::Bytes;
use forebay_control::share::partition::{AbortedTransaction, AcquiredRecords, FetchedBatch};
use forebay_storage::batch::{ControlKind, ControlRecord, batches};
use forebay_storage::ids::ProducerId;

use crate::partition::PartitionRead;

/// What was read, as the share-partition wants to know it.
pub struct Batches {
    /// The batches.
    pub fetched: Vec<FetchedBatch>,
    /// Where each ends in the bytes.
    ends: Vec<usize>,
}

/// Looks into the headers of what was read; a batch that cannot be read ends it.
pub fn look_into(records: &Bytes) -> Batches {
    let mut found = Batches { fetched: Vec::new(), ends: Vec::new() };
    let mut end = 0;
    for batch in batches(records.clone()) {
        let Ok(batch) = batch else { break };
        let header = batch.header;
        end += header.size_in_bytes();
        let is_abort_marker = header.is_control()
            && batch
                .records()
                .ok()
                .and_then(|records| {
                    let first = records.iter().next()?.ok()?;
                    ControlRecord::decode(first).ok()
                })
                .is_some_and(|control| control.kind == ControlKind::Abort);
        found.fetched.push(FetchedBatch {
            base_offset: header.base_offset.0,
            last_offset: header.next_offset().0 - 1,
            producer_id: Some(header.producer_id).filter(|id| *id != ProducerId::NONE),
            is_transactional: header.is_transactional(),
            is_abort_marker,
        });
        found.ends.push(end);
    }
    found
}

/// The aborted transactions of what was read.
pub fn aborted(read: &PartitionRead) -> Vec<AbortedTransaction> {
    let of = |aborted: &forebay_storage::log::AbortedTransaction| AbortedTransaction {
        producer_id: aborted.producer_id,
        first_offset: aborted.first_offset.0,
    };
    read.aborted.iter().flatten().map(of).collect()
}

/// The batches that have records which were acquired (Kafka: maybeSliceFetchRecords).
pub fn slice(records: &Bytes, batches: &Batches, acquired: &[AcquiredRecords]) -> Bytes {
    let (Some(first), Some(last)) = (acquired.first(), acquired.last()) else { return Bytes::new() };
    let has = |batch: &FetchedBatch| batch.last_offset >= first.first_offset && batch.base_offset <= last.last_offset;
    let Some(from) = batches.fetched.iter().position(has) else { return Bytes::new() };
    let to = batches.fetched.iter().rposition(has).unwrap_or(from);
    let start = if from == 0 { 0 } else { batches.ends[from - 1] };
    records.slice(start..batches.ends[to])
}
