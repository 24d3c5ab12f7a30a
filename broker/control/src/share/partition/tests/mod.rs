//! What Kafka's SharePartition does, as its sources have it, and a random model of one.

mod acknowledging;
mod acquiring;
mod loading;
mod random;
mod releasing;

use std::sync::Arc;

use forebay_storage::ids::{ProducerId, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp(1_000);
/// When a lock taken at [`NOW`] ends, with the default of 30 s.
const LOCK_END: Timestamp = Timestamp(31_000);

fn new() -> SharePartition {
    with(SharePartitionConfig::default())
}

fn with(config: SharePartitionConfig) -> SharePartition {
    loaded(config, 0, &[])
}

fn loaded(config: SharePartitionConfig, start_offset: i64, batches: &[StateBatch]) -> SharePartition {
    let state = PersistedState { state_epoch: 3, start_offset, batches: batches.to_vec() };
    SharePartition::load(config, 7, &state).unwrap()
}

fn batch(base_offset: i64, last_offset: i64) -> FetchedBatch {
    FetchedBatch { base_offset, last_offset, producer_id: None, is_transactional: false, is_abort_marker: false }
}

fn transactional(base_offset: i64, last_offset: i64, producer: i64) -> FetchedBatch {
    let producer_id = Some(ProducerId(producer));
    FetchedBatch { producer_id, is_transactional: true, ..batch(base_offset, last_offset) }
}

fn state(first_offset: i64, last_offset: i64, state: RecordState, delivery_count: i16) -> StateBatch {
    StateBatch { first_offset, last_offset, delivery_state: state.id(), delivery_count }
}

fn records(first_offset: i64, last_offset: i64, delivery_count: i16) -> AcquiredRecords {
    AcquiredRecords { first_offset, last_offset, delivery_count }
}

fn ack(first_offset: i64, last_offset: i64, types: &[i8]) -> AcknowledgementBatch {
    AcknowledgementBatch { first_offset, last_offset, types: types.to_vec() }
}

fn member(id: &str) -> Arc<str> {
    id.into()
}

/// Acquires from where the partition says, with batches of the log as they are.
fn acquire(partition: &mut SharePartition, id: &str, batches: &[FetchedBatch]) -> Vec<AcquiredRecords> {
    acquire_most(partition, id, batches, 500, AcquireMode::BatchOptimized).records
}

fn acquire_most(
    partition: &mut SharePartition,
    id: &str,
    batches: &[FetchedBatch],
    max_records: i32,
    mode: AcquireMode,
) -> Acquired {
    let fetch_offset = partition.next_fetch_offset();
    let member = member(id);
    let fetch = Acquire { member: &member, mode, batch_size: 500, max_records, fetch_offset, batches, aborted: &[] };
    partition.acquire(NOW, &fetch)
}

/// Acknowledges, and lets the write succeed; what was written.
fn acknowledge(partition: &mut SharePartition, id: &str, batches: &[AcknowledgementBatch]) -> Vec<StateBatch> {
    let change = partition.acknowledge(NOW, id, batches).unwrap();
    durable(partition, change)
}

fn durable(partition: &mut SharePartition, change: Change) -> Vec<StateBatch> {
    let Some(write) = change.write else { return Vec::new() };
    partition.write_done(NOW, write.id, true);
    write.batches
}
