//! One share-partition on its leader: the value of `forebay_control`, the log behind it, and who waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forebay_control::share::partition::SharePartition;
use forebay_control::share::state::SharePartitionKey;
use forebay_storage::ids::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::OnceCell;

use crate::partition::{Partition, Wake, WatchGuard, Watchers};

/// A share-partition that a group reads here.
pub struct Held {
    key: SharePartitionKey,
    partition: Arc<Partition>,
    /// Empty until the share coordinator has said what it keeps.
    pub(super) loaded: OnceCell<Mutex<SharePartition>>,
    /// Held while the log is read and records are acquired: one fetch at a time (Kafka: the fetch lock).
    fetching: Mutex<()>,
    watchers: Watchers,
    is_fenced: AtomicBool,
    /// When the next lock ends, as far as a timer is armed for it.
    next_lock_end: Mutex<Option<Timestamp>>,
}

impl Held {
    /// A share-partition that is to be loaded.
    pub(super) fn new(key: SharePartitionKey, partition: Arc<Partition>) -> Held {
        Held {
            key,
            partition,
            loaded: OnceCell::new(),
            fetching: Mutex::new(()),
            watchers: Watchers::default(),
            is_fenced: AtomicBool::new(false),
            next_lock_end: Mutex::new(None),
        }
    }

    /// Which.
    pub(super) fn key(&self) -> &SharePartitionKey {
        &self.key
    }

    /// The log.
    pub(super) fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Looks at or changes the value; `None` until it is loaded. Nothing in `work` may wait.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut SharePartition) -> R) -> Option<R> {
        Some(work(&mut self.loaded.get()?.lock()))
    }

    /// Keeps other fetches away. Not to be held across an await.
    pub(super) fn fetch_alone(&self) -> MutexGuard<'_, ()> {
        self.fetching.lock()
    }

    /// Hands out nothing any more.
    pub(super) fn fence(&self) {
        self.is_fenced.store(true, Ordering::Release);
        self.with(SharePartition::fence);
        self.watchers.wake();
    }

    /// Whether it was forgotten while somebody still had it.
    pub(super) fn is_fenced(&self) -> bool {
        self.is_fenced.load(Ordering::Acquire)
    }

    /// Calls `wake` whenever records may have become available, until the guards are dropped.
    pub(super) fn watch(&self, wake: &Wake) -> [WatchGuard; 2] {
        [self.watchers.watch(wake.clone()), self.partition.watch(wake.clone())]
    }

    /// Takes note of locks that end at `at`; whether a timer is to be armed for them. There is one at a time, for the earliest: timers are
    /// never cancelled, and locks come and go much faster than they end.
    pub(super) fn lock_ends(&self, at: Timestamp) -> bool {
        let mut next = self.next_lock_end.lock();
        let is_first = next.is_none_or(|next| at < next);
        if is_first {
            *next = Some(at);
        }
        is_first
    }

    /// The timer for `at` has fired and its locks have ended: when the next one ends, for which a timer is to be armed. `None` as well if
    /// another timer has taken its place.
    pub(super) fn locks_ended(&self, at: Timestamp) -> Option<Timestamp> {
        let mut next = self.next_lock_end.lock();
        if *next != Some(at) {
            return None;
        }
        // Who takes a lock after this look finds what is noted here.
        *next = self.with(|partition| partition.next_lock_end()).flatten();
        *next
    }

    /// Tells those who wait.
    pub(super) fn wake(&self) {
        self.watchers.wake();
    }
}
