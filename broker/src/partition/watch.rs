//! Who wants to know that a partition has grown: parked fetches and the tasks of jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Called when something happened; must be quick and must not touch the partition.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The watchers of one partition.
#[derive(Default)]
pub struct Watchers {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// How many there are, so that an append without watchers takes no lock.
    count: AtomicUsize,
    list: Mutex<Vec<(u64, Wake)>>,
    next: Mutex<u64>,
}

/// Ends the watch when dropped.
pub struct WatchGuard {
    id: u64,
    inner: Arc<Inner>,
}

impl Watchers {
    /// Calls `wake` at every [`Watchers::wake`] until the guard is dropped.
    #[must_use]
    pub fn watch(&self, wake: Wake) -> WatchGuard {
        let id = {
            let mut next = self.inner.next.lock();
            *next += 1;
            *next
        };
        let mut list = self.inner.list.lock();
        list.push((id, wake));
        self.inner.count.store(list.len(), Ordering::SeqCst);
        drop(list);
        WatchGuard { id, inner: self.inner.clone() }
    }

    /// Tells every watcher. The change it tells of must be visible before this is called.
    pub fn wake(&self) {
        if self.inner.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let wakes: Vec<Wake> = self.inner.list.lock().iter().map(|(_, wake)| wake.clone()).collect();
        for wake in wakes {
            wake();
        }
    }
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        let mut list = self.inner.list.lock();
        list.retain(|(id, _)| *id != self.id);
        self.inner.count.store(list.len(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_guard_is_not_woken() {
        let watchers = Watchers::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = calls.clone();
        let guard = watchers.watch(Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        watchers.wake();
        drop(guard);
        watchers.wake();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}
