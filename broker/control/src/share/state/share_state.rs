//! What is kept of one share-partition (Kafka: ShareGroupOffset).

use forebay_storage::ids::Timestamp;

use super::combine::combine;
use crate::share::partition::StateBatch;

/// The state of a share-partition at a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareState {
    /// Number of the snapshot.
    pub snapshot_epoch: i32,
    /// Epoch of the state: grows when the group's offsets are altered.
    pub state_epoch: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// SPSO, or -1.
    pub start_offset: i64,
    /// How many records from SPSO on are done with, or -1.
    pub delivery_complete_count: i32,
    /// When the state came about.
    pub created: Timestamp,
    /// When it was last written.
    pub written: Timestamp,
    /// States of records.
    pub batches: Vec<StateBatch>,
}

/// What has changed since the last snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareUpdate {
    /// Number of the snapshot that it comes on top of.
    pub snapshot_epoch: i32,
    /// The leader's epoch, or -1.
    pub leader_epoch: i32,
    /// SPSO, or -1.
    pub start_offset: i64,
    /// How many records from SPSO on are done with, or -1.
    pub delivery_complete_count: i32,
    /// What has changed.
    pub batches: Vec<StateBatch>,
}

impl ShareState {
    /// The state after a change. Kafka: ShareCoordinatorShard.merge.
    pub(super) fn updated(&self, update: &ShareUpdate) -> ShareState {
        let start_offset = if update.start_offset == -1 { self.start_offset } else { update.start_offset };
        ShareState {
            leader_epoch: if update.leader_epoch == -1 { self.leader_epoch } else { update.leader_epoch },
            start_offset,
            delivery_complete_count: update.delivery_complete_count,
            batches: combine(self.batches.iter().chain(&update.batches), start_offset),
            ..self.clone()
        }
    }

    /// What an update without a snapshot amounts to; it is found where the log's beginning was deleted.
    pub(super) fn of(update: &ShareUpdate) -> ShareState {
        ShareState {
            snapshot_epoch: update.snapshot_epoch,
            state_epoch: 0,
            leader_epoch: update.leader_epoch,
            start_offset: update.start_offset,
            delivery_complete_count: update.delivery_complete_count,
            created: Timestamp(0),
            written: Timestamp(0),
            batches: update.batches.clone(),
        }
    }
}
