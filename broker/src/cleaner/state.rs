//! What the cleaner's threads share: checkpoints, logs that cannot be compacted, the throttle, and the wish to stop.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use forebay_storage::ids::{TopicId, TopicPartition};
use parking_lot::{Condvar, Mutex};

use super::checkpoints::Checkpoints;
use super::throttle::Throttle;
use crate::clock;
use crate::config::settings::CleanerSettings;
use crate::metrics::CleanerMetrics;
use crate::partition::{Partition, Partitions};

/// Shared by all threads of the cleaner.
pub struct Shared {
    pub(super) partitions: Arc<Partitions>,
    pub(super) metrics: CleanerMetrics,
    pub(super) settings: Box<dyn Fn() -> CleanerSettings + Send + Sync>,
    pub(super) throttle: Throttle,
    pub(super) book: Mutex<Book>,
    stopped: AtomicBool,
    /// How many threads there are to be.
    threads: AtomicUsize,
    pausing: Mutex<()>,
    woken: Condvar,
}

/// What is known of the logs.
pub struct Book {
    pub(super) checkpoints: Checkpoints,
    /// Logs that a pass failed on; they are left alone until the broker starts anew, or the topic is made anew.
    pub(super) uncleanable: BTreeMap<TopicPartition, TopicId>,
}

impl Shared {
    pub(super) fn new(
        partitions: Arc<Partitions>,
        metrics: CleanerMetrics,
        settings: Box<dyn Fn() -> CleanerSettings + Send + Sync>,
    ) -> Shared {
        let paths: Vec<PathBuf> = partitions.dirs().map(|dir| dir.path().to_owned()).collect();
        let checkpoints = Checkpoints::read(partitions.disk().clone(), &paths);
        Shared {
            partitions,
            metrics,
            settings,
            throttle: Throttle::new(),
            book: Mutex::new(Book { checkpoints, uncleanable: BTreeMap::new() }),
            stopped: AtomicBool::new(false),
            threads: AtomicUsize::new(0),
            pausing: Mutex::new(()),
            woken: Condvar::new(),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let _guard = self.pausing.lock();
        self.woken.notify_all();
    }

    /// There are to be so many threads: the others end.
    pub(super) fn set_threads(&self, count: usize) {
        self.threads.store(count, Ordering::Release);
        let _guard = self.pausing.lock();
        self.woken.notify_all();
    }

    /// Whether the thread of that number is to end.
    pub(super) fn is_over(&self, number: usize) -> bool {
        self.is_stopped() || number >= self.threads.load(Ordering::Acquire)
    }

    /// The thread of that number waits, unless it is to end.
    pub(super) fn pause(&self, number: usize, time: Duration) {
        let mut guard = self.pausing.lock();
        if !self.is_over(number) {
            self.woken.wait_for(&mut guard, time);
        }
    }

    /// The logs that are there, with their folders.
    pub(super) fn logs(&self) -> Vec<(Arc<Partition>, PathBuf)> {
        let all = self.partitions.all().into_iter();
        let served = all.filter(|partition| !partition.is_offline() && !partition.is_deleted());
        served.map(|partition| (partition.clone(), partition.dir().path().to_owned())).collect()
    }

    /// Brings the checkpoints to disk.
    pub(super) fn write_checkpoints(&self) {
        let logs = self.logs();
        let mut book = self.book.lock();
        for (partition, _) in &logs {
            if let Some(offset) = partition.with_log(|log| log.cleaned_up_to()) {
                book.checkpoints.note(partition.name(), partition.topic_id(), offset);
            }
        }
        self.write_book(&mut book, &logs);
    }

    /// Brings the checkpoints of these logs to disk, as far as they are known.
    pub(super) fn write_book(&self, book: &mut Book, logs: &[(Arc<Partition>, PathBuf)]) {
        // Those that were not opened yet as well: what is known of them stays.
        let named = self.partitions.places();
        let working = self.partitions.dirs().filter(|dir| !dir.is_offline());
        let working: Vec<PathBuf> = working.map(|dir| dir.path().to_owned()).collect();
        for (dir, error) in book.checkpoints.write(&working, &named) {
            tracing::error!("the checkpoint of the log cleaner cannot be written: {error}");
            if let Some((partition, _)) = logs.iter().find(|(_, found)| *found == dir) {
                partition.report(&error);
            }
        }
    }

    /// Deletes what retention no longer keeps of compacted logs, as Kafka's cleaner does more often than others do of the rest.
    pub(super) fn apply_retention(&self) {
        let now = clock::now();
        for (partition, _) in self.logs() {
            if partition.with_log(|log| log.config().compact) {
                self.partitions.apply_retention_to(&partition, now);
            }
        }
    }
}
