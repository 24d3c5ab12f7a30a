//! Regular work on the logs: retention, recovery points, forgotten producers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::config::BrokerConfig;
use crate::coordinator::metadata::Metadata;
use crate::node::Rooms;
use crate::partition::Partitions;

/// No interval is shorter than this, whatever the configuration says.
const SHORTEST_MS: i64 = 100;
/// How often logs are looked for that `flush.ms` asks to sync, and logs that found no room. (Kafka: `log.flush.scheduler.interval.ms`,
/// which is never by default, so that `flush.ms` alone does nothing there.)
const FLUSH_CHECK_MS: i64 = 1000;
/// How often partitions of coordinators are looked for that found no room, or could not be opened.
const LOAD_CHECK_MS: i64 = 2000;
/// How often deleted files are looked for whose time has come.
const REMOVAL: Duration = Duration::from_secs(1);
/// How often producers that have not written for long are looked for, at least (Kafka: `producer.id.expiration.check.interval.ms`, a key
/// of its own tests); more often where they are forgotten sooner.
const PRODUCER_CHECK_MS: i64 = 600_000;

/// Runs until the task is dropped. Disk work is done on threads that may block.
pub async fn run(config: Arc<BrokerConfig>, partitions: Arc<Partitions>, metadata: Arc<Metadata>) {
    let metadata_log = metadata.log().clone();
    let log = &config.log;
    let retention = every(log.retention_check_interval_ms, partitions.clone(), |p| p.apply_retention(clock::now()));
    let overdue = every(FLUSH_CHECK_MS, partitions.clone(), |p| {
        p.flush_overdue(clock::now());
        p.open_waiting();
    });
    let checkpoints = every(i64::from(log.flush_offset_checkpoint_interval_ms), partitions.clone(), move |p| {
        p.flush();
        // The metadata log is no topic's, so it is not among the partitions.
        if let Err(error) = metadata_log.flush()
            && !metadata_log.is_offline()
        {
            tracing::error!("the metadata log cannot be flushed: {error}");
        }
        p.checkpoint();
    });
    let removals = remove_deleted_files(partitions.clone());
    let producers = forget_producers(partitions, metadata.producer_id_expiration_ms());
    tokio::join!(retention, overdue, checkpoints, producers, removals);
}

/// Removes the files of deleted segments and topics after `file.delete.delay.ms`.
async fn remove_deleted_files(partitions: Arc<Partitions>) {
    loop {
        tokio::time::sleep(REMOVAL).await;
        if partitions.removals().is_due(clock::now()) {
            let partitions = partitions.clone();
            let removed = tokio::task::spawn_blocking(move || partitions.removals().run(clock::now())).await;
            if let Err(error) = removed {
                tracing::error!("the removal of deleted files failed: {error}");
            }
        }
    }
}

/// Forgets producers that have not written for as long as is set now.
async fn forget_producers(partitions: Arc<Partitions>, mut expiration_ms: watch::Receiver<i64>) {
    loop {
        let now_ms = *expiration_ms.borrow_and_update();
        let ms = now_ms.clamp(SHORTEST_MS, PRODUCER_CHECK_MS);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(ms.unsigned_abs())) => {}
            // The time that is set now may be over already for some.
            changed = expiration_ms.changed() => if changed.is_err() { return },
        }
        let (partitions, now_ms) = (partitions.clone(), *expiration_ms.borrow());
        let forgotten = tokio::task::spawn_blocking(move || partitions.expire_producers(clock::now(), now_ms)).await;
        if let Err(error) = forgotten {
            tracing::error!("producers cannot be forgotten: {error}");
        }
    }
}

/// Loads what coordinators could not load when they were started or their topics made, until the task is dropped.
pub async fn load_coordinators(rooms: Arc<Rooms>) {
    every(LOAD_CHECK_MS, rooms, |rooms| {
        let loaded =
            [rooms.groups.load_existing(), rooms.transactions.load_existing(), rooms.share_states.load_existing()];
        if let Some(error) = loaded.into_iter().find_map(Result::err) {
            tracing::error!("a coordinator cannot be loaded: {error}");
        }
    })
    .await;
}

async fn every<T: Send + Sync + 'static>(ms: i64, on: Arc<T>, work: impl Fn(&T) + Clone + Send + 'static) {
    let mut interval = tokio::time::interval(Duration::from_millis(ms.max(SHORTEST_MS).unsigned_abs()));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval.tick().await;
    loop {
        interval.tick().await;
        let (on, work) = (on.clone(), work.clone());
        if let Err(error) = tokio::task::spawn_blocking(move || work(&on)).await {
            tracing::error!("upkeep of the logs failed: {error}");
        }
    }
}
