//! The markers that end a transaction in each of its partitions, and those that could not be written yet.
//!
//! Once a transaction is decided its markers must come everywhere: until then readers of committed records wait, and so does the next
//! transaction of its id. A partition that does not take its marker (its disk is full) is asked again until it does; the others have
//! theirs. Kafka: `TransactionMarkerChannelManager`, which sends again what fails.

use std::sync::Arc;
use std::time::Duration;

use forebay_control::transaction::{Effect, WriteMarkers};
use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, TopicPartition};
use forebay_storage::log::AppendError;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::OFFSETS_TOPIC;
use super::shard::Ran;
use super::transactions::Transactions;
use crate::partition::Partition;

/// How long after a failure markers are written again.
const PAUSE: Duration = Duration::from_millis(500);

/// Markers that are to be written again.
#[derive(Default)]
pub(super) struct Unwritten {
    /// At most one entry for each transactional id, whose transaction stays prepared until they are written.
    markers: Mutex<Vec<WriteMarkers>>,
    more: Notify,
}

impl Transactions {
    /// Writes them all, and waits until they are committed; then gives them back. Those that cannot be written are written later.
    pub(super) async fn write_markers(&self, mut markers: WriteMarkers) -> Result<WriteMarkers, ()> {
        let mut written = Vec::with_capacity(markers.partitions.len());
        let mut failed = Vec::new();
        for name in std::mem::take(&mut markers.partitions) {
            match self.append_marker(&name, &markers) {
                Ok(Some((partition, end))) => written.push((name, partition, end)),
                Ok(None) => {}
                Err(error) => failed.push((name, error)),
            }
        }
        for (name, partition, end) in written {
            if partition.committed(end).await.is_err() && !partition.is_deleted() {
                let broken = StorageError::Broken { path: partition.dir().path().to_owned() };
                failed.push((name, broken.into()));
            }
        }
        let Some((_, first)) = failed.first() else { return Ok(markers) };
        // A disk that is full has been spoken of, once.
        if !matches!(first, AppendError::Storage(error) if error.is_full()) {
            tracing::error!(id = markers.transactional_id, "cannot write transaction markers yet: {first}");
        }
        markers.partitions = failed.into_iter().map(|(name, _)| name).collect();
        self.write_later(markers);
        Err(())
    }

    /// Where the marker of a partition ends; `None` if the partition is gone.
    fn append_marker(
        &self,
        name: &TopicPartition,
        markers: &WriteMarkers,
    ) -> Result<Option<(Arc<Partition>, Offset)>, AppendError> {
        let producer = (markers.producer_id, markers.producer_epoch);
        if &*name.topic == OFFSETS_TOPIC {
            return self.groups.end_transaction(name.partition, producer, markers.commit, markers.coordinator_epoch);
        }
        let Some(partition) = self.partitions.get(&name.topic, name.partition) else { return Ok(None) };
        let outcome = partition.append_marker(producer, markers.commit, markers.coordinator_epoch)?;
        Ok(Some((partition, Offset(outcome.last_offset.0 + 1))))
    }

    /// Whether markers of the last transaction of an id are to be written again.
    pub fn has_unwritten(&self, transactional_id: &str) -> bool {
        self.unwritten.markers.lock().iter().any(|markers| markers.transactional_id == transactional_id)
    }

    /// Has markers written again after a while.
    pub(super) fn write_later(&self, markers: WriteMarkers) {
        self.unwritten.markers.lock().push(markers);
        self.unwritten.more.notify_one();
    }

    /// Writes again what could not be written, until the task is dropped.
    pub async fn drive_markers(self: Arc<Self>) {
        loop {
            self.unwritten.more.notified().await;
            tokio::time::sleep(PAUSE).await;
            let markers = std::mem::take(&mut *self.unwritten.markers.lock());
            for markers in markers {
                let all = Arc::clone(&self);
                // None of them waits for the disk of another.
                tokio::spawn(async move {
                    // Where the coordinator's own log is offline, another start of the broker ends the transaction.
                    let Ok(shard) = all.shard(&markers.transactional_id) else { return };
                    let again = Ran { effects: vec![Effect::WriteMarkers(markers)], end: Offset::ZERO };
                    all.perform(shard, again).await;
                });
            }
        }
    }
}
