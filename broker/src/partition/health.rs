//! How a data folder is: working, full, or failed for as long as this process runs (Kafka: LogDirFailureChannel).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use forebay_storage::error::StorageError;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::Partition;
use crate::clock;

/// A folder that is full, has room, and is full again is spoken of at most this often.
const QUIET: Duration = Duration::from_secs(10);

/// The folders that have failed, for the node that must stop when none is left.
#[derive(Clone, Debug)]
pub struct Alarm(Arc<watch::Sender<Vec<PathBuf>>>);

impl Default for Alarm {
    fn default() -> Self {
        Alarm(Arc::new(watch::Sender::new(Vec::new())))
    }
}

impl Alarm {
    /// The folders that have failed so far, and those that will.
    pub fn failed(&self) -> watch::Receiver<Vec<PathBuf>> {
        self.0.subscribe()
    }
}

/// The state of one data folder.
pub struct DirHealth {
    path: PathBuf,
    failure: OnceLock<String>,
    full: AtomicBool,
    said_full: Mutex<Option<Instant>>,
    /// Whose logs lie in it.
    partitions: Mutex<Vec<Weak<Partition>>>,
    alarm: Alarm,
}

impl DirHealth {
    /// A folder that works as far as we know.
    pub fn new(path: &Path, alarm: &Alarm) -> Arc<DirHealth> {
        Arc::new(DirHealth {
            path: path.to_owned(),
            failure: OnceLock::new(),
            full: AtomicBool::new(false),
            said_full: Mutex::new(None),
            partitions: Mutex::default(),
            alarm: alarm.clone(),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it is offline, if it is.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Whether it is offline.
    pub fn is_offline(&self) -> bool {
        self.failure.get().is_some()
    }

    /// Tells `partition` when the folder fails, from now on.
    pub fn adopt(&self, partition: &Arc<Partition>) {
        {
            let mut partitions = self.partitions.lock();
            // Those that are gone make room before the list has to grow.
            if partitions.len() == partitions.capacity() {
                partitions.retain(|known| known.strong_count() > 0);
            }
            partitions.push(Arc::downgrade(partition));
        }
        if self.is_offline() {
            partition.take_offline();
        }
    }

    /// No longer tells `partition`, whose log has moved elsewhere.
    pub fn release(&self, partition: &Arc<Partition>) {
        self.partitions.lock().retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(partition)));
    }

    /// Takes note of what went wrong with a log in it: a disk that fails takes the folder offline, one that is full does not.
    pub fn report(&self, error: &StorageError) {
        if error.is_disk_failure() {
            self.fail(&error.to_string());
        } else if error.is_full() {
            self.note_full(error);
        }
    }

    /// Takes the folder offline with every partition in it, until the process starts anew. A folder fails once.
    pub fn fail(&self, why: &str) {
        if self.failure.set(why.to_owned()).is_err() {
            return;
        }
        let dir = self.path.display();
        tracing::error!(
            "data folder {dir} failed and is offline: {why}; its partitions answer KAFKA_STORAGE_ERROR until the broker is restarted"
        );
        let partitions: Vec<_> = self.partitions.lock().iter().filter_map(Weak::upgrade).collect();
        partitions.iter().for_each(|partition| partition.take_offline());
        self.alarm.0.send_modify(|failed| failed.push(self.path.clone()));
    }

    fn note_full(&self, error: &StorageError) {
        if self.full.swap(true, Ordering::AcqRel) {
            return;
        }
        let now = clock::instant();
        let mut said = self.said_full.lock();
        if said.is_none_or(|before| now - before >= QUIET) {
            *said = Some(now);
            let dir = self.path.display();
            tracing::error!(
                "data folder {dir} is full: {error}; producers get KAFKA_STORAGE_ERROR until there is room"
            );
        }
    }

    /// Takes note that a log could be written that could not be before.
    pub fn note_room(&self) {
        if self.full.swap(false, Ordering::AcqRel) {
            tracing::info!("data folder {} has room again", self.path.display());
        }
    }
}
