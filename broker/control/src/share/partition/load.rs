//! How a share-partition begins: from the share coordinator's state (Kafka: SharePartition.maybeInitialize).

use std::collections::BTreeMap;

use thiserror::Error;

use super::batch::InFlightBatch;
use super::in_flight::{InFlight, RecordState};
use super::write::StateBatch;
use super::{GapWindow, SharePartition, SharePartitionConfig};

/// Most records that the batches of a state may have, in a write and in what is loaded: each may come to need memory of its own. No leader
/// has more than `group.share.partition.max.record.locks` (at most 10000) in flight, and a batch of the log on top of them.
pub const MAX_STATE_RECORDS: i64 = 1_000_000;

/// Whether these batches are of offsets that there can be, and have no more than [`MAX_STATE_RECORDS`] records in all. That limits how many
/// batches there are as well.
pub(crate) fn is_possible(batches: &[StateBatch]) -> bool {
    let mut left = MAX_STATE_RECORDS;
    batches.iter().all(|StateBatch { first_offset, last_offset, .. }| {
        let is_range = *first_offset >= 0 && first_offset <= last_offset && *last_offset < i64::MAX;
        // No overflow: both are offsets, and less was left before each than the limit is.
        left -= if is_range { (last_offset - first_offset).saturating_add(1).min(MAX_STATE_RECORDS + 1) } else { 0 };
        is_range && left >= 0
    })
}

/// What the share coordinator keeps of a share-partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistedState {
    /// Epoch of the state.
    pub state_epoch: i32,
    /// SPSO. Where Kafka keeps -1, not initialised, the caller puts the offset that `share.auto.offset.reset` says.
    pub start_offset: i64,
    /// States of records from SPSO on, in order.
    pub batches: Vec<StateBatch>,
}

/// State that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// A batch begins before what is done with or before the batch in front of it ends.
    #[error(
        "share state has a batch from offset {first}, which must not begin before {expected}; delete the group's offsets of the partition"
    )]
    Overlap {
        /// Where it begins.
        first: i64,
        /// Where it may begin.
        expected: i64,
    },
    /// A batch ends before it begins.
    #[error(
        "share state has a batch of offsets {first} to {last}, which ends before it begins; delete the group's offsets of the partition"
    )]
    Backwards {
        /// Where it begins.
        first: i64,
        /// Where it ends.
        last: i64,
    },
    /// Offsets that no log has, or more records than any leader has in flight.
    #[error(
        "share state from offset {start_offset} on has offsets out of range, or more than {MAX_STATE_RECORDS} records in flight; delete the group's offsets of the partition"
    )]
    OutOfRange {
        /// SPSO.
        start_offset: i64,
    },
    /// A batch's state is none that is known.
    #[error("share state has the unknown record state {id} at offset {first}; it was written by a newer broker")]
    UnknownState {
        /// The number.
        id: i8,
        /// Where.
        first: i64,
    },
}

impl SharePartition {
    /// A share-partition with the state that was persisted.
    ///
    /// # Errors
    /// When the state cannot be right.
    pub fn load(
        config: SharePartitionConfig,
        leader_epoch: i32,
        state: &PersistedState,
    ) -> Result<SharePartition, LoadError> {
        let start_offset = state.start_offset;
        let in_order = |batch: &StateBatch| batch.first_offset <= batch.last_offset;
        // One that ends before it begins is told apart below.
        if start_offset < 0 || (state.batches.iter().all(in_order) && !is_possible(&state.batches)) {
            return Err(LoadError::OutOfRange { start_offset });
        }
        let mut partition = SharePartition {
            config,
            leader_epoch,
            state_epoch: state.state_epoch,
            start: state.start_offset,
            end: state.start_offset,
            cache: BTreeMap::new(),
            gap: None,
            look_for_available: false,
            next_write: 0,
            pending: BTreeMap::new(),
            is_fenced: false,
        };
        let mut gap_start = None;
        let mut expected = state.start_offset;
        for batch in &state.batches {
            let loaded = load_batch(batch, expected)?;
            if batch.first_offset > expected {
                gap_start.get_or_insert(expected);
            }
            expected = batch.last_offset.saturating_add(1);
            partition.cache.insert(batch.first_offset, loaded);
        }
        if let Some(end) = partition.last_cached() {
            partition.look_for_available = true;
            partition.end = end;
            partition.gap = gap_start.map(|start| GapWindow { start, end });
            partition.advance_start();
        }
        Ok(partition)
    }
}

fn load_batch(batch: &StateBatch, expected: i64) -> Result<InFlightBatch, LoadError> {
    let StateBatch { first_offset: first, last_offset: last, delivery_state: id, delivery_count } = *batch;
    if first < expected {
        return Err(LoadError::Overlap { first, expected });
    }
    if last < first {
        return Err(LoadError::Backwards { first, last });
    }
    let state = match RecordState::from_id(id).ok_or(LoadError::UnknownState { id, first })? {
        // Nobody has it any more.
        RecordState::Acquired => RecordState::Available,
        state => state,
    };
    Ok(InFlightBatch::new(first, last, InFlight::free(state, delivery_count)))
}
