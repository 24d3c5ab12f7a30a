//! How a share-partition begins here: with what the share coordinator keeps of it (Kafka: SharePartition.maybeInitialize).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::partition::{PersistedState, SharePartition};
use forebay_control::share::state::{ReadState, SharePartitionKey};
use forebay_storage::error::StorageError;
use parking_lot::Mutex;

use super::limits::{GroupLimits, Reset};
use super::{Held, ShareGroups};
use crate::clock;
use crate::partition::Partition;

/// Kafka: PartitionFactory.UNINITIALIZED_START_OFFSET.
const UNINITIALIZED: i64 = -1;

impl ShareGroups {
    /// The share-partition, loaded. One that cannot be loaded is forgotten, and tried again by who asks next.
    pub(super) async fn load(&self, key: SharePartitionKey, limits: &GroupLimits) -> Result<Arc<Held>, ErrorCode> {
        let partition = self.partition(key.topic_id, key.partition)?;
        let held = {
            let mut all = self.held.lock();
            if all.closed.contains_key(&key.group_id) {
                // It has no members, and its states are about to be others.
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
            if !self.are_on() {
                // What was here has been forgotten, or is about to be.
                return Err(ErrorCode::NotLeaderOrFollower);
            }
            let new = |key: &SharePartitionKey| Arc::new(Held::new(key.clone(), partition));
            all.partitions.entry(key).or_insert_with_key(new).clone()
        };
        if held.partition().is_deleted() {
            self.forget(&held);
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        match held.loaded.get_or_try_init(|| self.read_state(&held, limits)).await {
            Ok(_) => Ok(held),
            Err(error) => {
                self.forget(&held);
                Err(error)
            }
        }
    }

    async fn read_state(&self, held: &Held, limits: &GroupLimits) -> Result<Mutex<SharePartition>, ErrorCode> {
        let leader_epoch = held.partition().leader_epoch().0;
        let read = self.states.read(held.key().clone(), leader_epoch).await.map_err(|e| of_persister(e.error))?;
        let ReadState { state_epoch, mut start_offset, batches } = read;
        if start_offset == UNINITIALIZED {
            start_offset = first_offset(held.partition(), limits.reset).map_err(|error| {
                held.partition().report(&error);
                ErrorCode::KafkaStorageError
            })?;
        }
        let state = PersistedState { state_epoch, start_offset, batches };
        let loaded = SharePartition::load(limits.partition, leader_epoch, &state).map_err(|error| {
            tracing::error!(group = &*held.key().group_id, partition = %held.partition().name(), "{error}");
            ErrorCode::UnknownServerError
        })?;
        Ok(Mutex::new(loaded))
    }
}

/// Kafka: SharePartition.startOffsetDuringInitialization. Where no record is new enough, Kafka has no offset either until one comes,
/// and begins with that; so this is the end.
fn first_offset(partition: &Partition, reset: Reset) -> Result<i64, StorageError> {
    partition.try_with_log(|log| {
        let end = log.high_watermark();
        Ok(match reset {
            Reset::Latest => end,
            Reset::Earliest => log.log_start_offset(),
            Reset::ByDuration(ms) => {
                let found = log.offset_for_timestamp(clock::now().plus_ms(-ms))?;
                found.map(|(offset, _, _)| offset).filter(|offset| *offset < end).unwrap_or(end)
            }
        }
        .0)
    })
}

/// Kafka: SharePartition.fetchPersisterError.
pub(super) fn of_persister(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable | ErrorCode::CoordinatorLoadInProgress => {
            ErrorCode::CoordinatorNotAvailable
        }
        ErrorCode::GroupIdNotFound | ErrorCode::UnknownTopicOrPartition => error,
        ErrorCode::FencedLeaderEpoch | ErrorCode::FencedStateEpoch => ErrorCode::NotLeaderOrFollower,
        _ => ErrorCode::UnknownServerError,
    }
}
