//! Keeps `__share_group_state` short: snapshots of what is not written any more, and the end of records that nobody needs (Kafka:
//! ShareCoordinatorService.setupRecordPruning, setupSnapshotColdPartitions, ShareCoordinatorOffsetsManager).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use forebay_control::share::state::{ShareRecord, ShareStateCommand, ShareStateEvent};
use forebay_storage::ids::Offset;

use super::replay::{Replayed, replay_at};
use super::share_states::{Place, ShareStates};
use crate::partition::Partition;

/// Kafka: `share.coordinator.state.topic.prune.interval.ms` and `share.coordinator.cold.partition.snapshot.interval.ms`, internal keys
/// whose defaults are the same.
const INTERVAL: Duration = Duration::from_secs(300);

impl ShareStates {
    /// Keeps the logs short until the task is dropped.
    pub async fn run_upkeep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let states = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || states.keep_short()).await {
                tracing::error!("the upkeep of share state failed: {error}");
            }
        }
    }

    /// One round; reads the logs, so not for a thread that others wait for.
    pub fn keep_short(&self) {
        for place in self.places() {
            let shard = place.up_to_date(self.metadata());
            let partition = shard.partition();
            let forgotten = place.forget_topics();
            let kept = forgotten.and_then(|()| shard.run(ShareStateCommand::SnapshotCold));
            if let Err(error) = kept.map_err(|error| error.to_string()).and_then(|_| prune(place))
                && !partition.is_offline()
            {
                tracing::error!(partition = %partition.name(), "share state cannot be kept short: {error}");
            }
        }
    }
}

/// Deletes the records before the oldest snapshot that is the last of its share-partition. What takes their place is on disk by then.
fn prune(place: &Place) -> Result<(), String> {
    let partition = place.shard.partition();
    let Some(needed) = oldest_needed(partition)? else { return Ok(()) };
    if needed > partition.offsets().0 {
        partition.flush().map_err(|error| error.to_string())?;
        partition.delete_records(needed).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The first offset that a replay cannot do without; `None` where nothing was written yet.
fn oldest_needed(partition: &Partition) -> Result<Option<Offset>, String> {
    let mut snapshots = BTreeMap::new();
    let mut end = None;
    replay_at(partition, |offset, item| {
        end = Some(Offset(offset.0 + 1));
        let Replayed::Record { key, value, .. } = item else { return Ok(()) };
        match ShareStateEvent::parse(&key.unwrap_or_default(), value.as_deref()) {
            Ok(Some(ShareStateEvent::Recorded { key, record })) => match record {
                ShareRecord::Snapshot(_) => drop(snapshots.insert(key, offset)),
                ShareRecord::Deleted => drop(snapshots.remove(&key)),
                // Without a snapshot in front of it this is all that there is.
                ShareRecord::Update(_) => drop(snapshots.entry(key).or_insert(offset)),
            },
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    })
    .map_err(|error| error.to_string())?;
    Ok(snapshots.into_values().min().or(end))
}
