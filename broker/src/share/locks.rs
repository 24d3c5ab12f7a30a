//! Ends of locks: a record that its member keeps for too long is for others (Kafka: AcquisitionLockTimerTask).

use std::sync::Arc;

use forebay_control::share::partition::LockTimer;
use forebay_storage::ids::Timestamp;

use super::{Held, ShareGroups};
use crate::clock;

impl ShareGroups {
    /// Has locks end when their time comes.
    pub(super) fn watch_locks(&self, held: &Arc<Held>, timers: &[(Timestamp, LockTimer)]) {
        let Some(earliest) = timers.iter().map(|(at, _)| *at).min() else { return };
        if held.lock_ends(earliest) {
            self.arm(held, earliest);
        }
    }

    fn arm(&self, held: &Arc<Held>, at: Timestamp) {
        self.timers.arm(0, vec![(at, (Arc::downgrade(held), at))]);
    }

    /// Ends locks until the task is dropped.
    pub async fn drive_timers(self: Arc<Self>) {
        loop {
            for (_, (held, at)) in self.timers.due().await {
                let Some(held) = held.upgrade() else { continue };
                // All that have ended, whichever they are. Nobody waits for it to be durable: the records are available at once.
                let ended = LockTimer { first: i64::MIN, last: i64::MAX, at: clock::now() };
                drop(self.change(&held, |partition| Ok::<_, ()>(partition.lock_timed_out(ended))));
                if let Some(next) = held.locks_ended(at) {
                    self.arm(&held, next);
                }
            }
        }
    }
}
