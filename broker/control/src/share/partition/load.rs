//! How a share-partition begins: from the share coordinator's state (Kafka: SharePartition.maybeInitialize).

use std::collections::BTreeMap;

use thiserror::Error;

use super::batch::InFlightBatch;
use super::in_flight::{InFlight, RecordState};
use super::write::StateBatch;
use super::{GapWindow, SharePartition, SharePartitionConfig};

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
            expected = batch.last_offset + 1;
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
