//! The markers that end a transaction in each of its partitions, and those that could not be written yet.
//!
//! Once a transaction is decided its markers must come everywhere: until then readers of committed records wait, and so does the next
//! transaction of its id. A partition that does not take its marker (its disk is full, its folder is away) is asked again until it does;
//! the others have theirs. Kafka: `TransactionMarkerChannelManager`, which sends again what fails.

mod unwritten;

use std::sync::Arc;

use forebay_control::transaction::{Effect, WriteMarkers};
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId, TopicPartition};
use forebay_storage::log::{AppendError, AppendOutcome};
use tokio::task::JoinSet;

use super::OFFSETS_TOPIC;
use super::groups::Groups;
use super::shard::{Ran, is_spoken_of};
use super::transactions::Transactions;
use crate::clock;
use crate::partition::{Partition, Partitions};
pub(super) use unwritten::Unwritten;

/// What ends a producer's transaction.
#[derive(Clone, Copy, Debug)]
pub struct Marker {
    /// The producer's id and epoch.
    pub producer: (ProducerId, ProducerEpoch),
    /// COMMIT, or else ABORT.
    pub commit: bool,
    /// The coordinator's epoch.
    pub coordinator_epoch: i32,
}

impl Marker {
    pub(super) fn append_to(self, partition: &Arc<Partition>) -> Result<AppendOutcome, AppendError> {
        partition.append_marker(self.producer, self.commit, self.coordinator_epoch)
    }

    /// Writes it to a partition, and tells the coordinator of the groups in the same step if that is one of `__consumer_offsets`. The
    /// partition and where the marker ends in it; `None` if the partition is gone.
    ///
    /// # Errors
    /// Also where the partition is there and offline.
    pub fn write(
        self,
        partitions: &Partitions,
        groups: &Groups,
        name: &TopicPartition,
    ) -> Result<Option<(Arc<Partition>, Offset)>, AppendError> {
        let Some(partition) = partitions.find_existing(name)? else { return Ok(None) };
        let end = if &*name.topic == OFFSETS_TOPIC {
            groups.end_transaction(&partition, self)?
        } else {
            Offset(self.append_to(&partition)?.last_offset.0 + 1)
        };
        Ok(Some((partition, end)))
    }
}

impl Transactions {
    /// Writes them all, and waits until they are committed; then gives them back. Those that cannot be written are written later.
    pub(super) async fn write_markers(&self, mut markers: WriteMarkers) -> Option<WriteMarkers> {
        let marker = Marker {
            producer: (markers.producer_id, markers.producer_epoch),
            commit: markers.commit,
            coordinator_epoch: markers.coordinator_epoch,
        };
        let mut written = Vec::with_capacity(markers.partitions.len());
        let mut failed = Vec::new();
        for name in std::mem::take(&mut markers.partitions) {
            match marker.write(&self.partitions, &self.groups, &name) {
                Ok(Some((partition, end))) => written.push((name, partition, end)),
                Ok(None) => {}
                Err(error) if is_for_good(&error) => {
                    let id = &markers.transactional_id;
                    tracing::warn!(id, partition = %name, "a transaction marker is refused for good: {error}");
                }
                Err(error) => failed.push((name, error)),
            }
        }
        for (name, partition, end) in written {
            if partition.committed(end).await.is_err() && !partition.is_deleted() {
                let offline = self.partitions.offline(&name);
                failed.push((name, offline.into()));
            }
        }
        let (names, mut errors): (Vec<_>, Vec<_>) = failed.into_iter().unzip();
        if errors.is_empty() {
            return Some(markers);
        }
        markers.partitions = names;
        self.write_later(markers, &errors.swap_remove(0));
        None
    }

    /// Whether the last transaction of an id is decided and not ended: its markers, or that they are written, are to be written again.
    pub fn has_unwritten(&self, transactional_id: &str) -> bool {
        self.unwritten.has(transactional_id)
    }

    /// Has markers written again after a while.
    pub(super) fn write_later(&self, markers: WriteMarkers, why: &AppendError) {
        let id = markers.transactional_id.clone();
        let is_first_time = self.unwritten.put(markers, clock::instant());
        if is_first_time && !is_spoken_of(why) {
            tracing::error!(id, "the markers of a transaction cannot be written yet: {why}");
        }
    }

    /// Writes again what could not be written, until the task is dropped.
    pub async fn drive_markers(self: Arc<Self>) {
        let mut writing = JoinSet::new();
        loop {
            while writing.try_join_next().is_some() {}
            for markers in self.unwritten.due().await {
                let all = Arc::clone(&self);
                // None of them waits for the disk of another.
                writing.spawn(async move {
                    // Where the coordinator's own log is offline, another start of the broker ends the transaction.
                    let Ok(shard) = all.shard(&markers.transactional_id) else { return };
                    let again = Ran { effects: vec![Effect::WriteMarkers(markers)], end: Offset::ZERO };
                    all.perform(shard, again).await;
                });
            }
        }
    }
}

/// Whether a partition will not take that marker later either, as it has heard of a newer producer or coordinator: the transaction has
/// ended there in another way. Kafka: TransactionMarkerRequestCompletionHandler, which then leaves the rest of the transaction to a
/// coordinator of a later epoch; here there is no other.
fn is_for_good(error: &AppendError) -> bool {
    matches!(error, AppendError::InvalidProducerEpoch(_) | AppendError::TransactionCoordinatorFenced(_))
}
