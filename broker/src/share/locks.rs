//! Ends of locks: a record that its member keeps for too long is for others (Kafka: AcquisitionLockTimerTask).

use std::sync::Arc;

use forebay_control::share::partition::LockTimer;
use forebay_storage::ids::Timestamp;

use super::{Held, ShareGroups};

impl ShareGroups {
    /// Has locks end when their time comes.
    pub(super) fn watch_locks(&self, held: &Arc<Held>, timers: Vec<(Timestamp, LockTimer)>) {
        let weak = Arc::downgrade(held);
        self.timers.arm(0, timers.into_iter().map(|(at, timer)| (at, (weak.clone(), timer))).collect());
    }

    /// Ends locks until the task is dropped.
    pub async fn drive_timers(self: Arc<Self>) {
        loop {
            for (_, (held, timer)) in self.timers.due().await {
                let Some(held) = held.upgrade() else { continue };
                // Nobody waits for it to be durable: the records are available at once.
                drop(self.change(&held, |partition| Ok::<_, ()>(partition.lock_timed_out(timer))));
            }
        }
    }
}
