//! Which logs are being compacted: not twice at a time, and a folder is not given up while somebody works in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::TopicPartition;
use parking_lot::{Condvar, Mutex};

/// The logs that are being compacted. Cloning shares them.
#[derive(Clone, Default)]
pub struct Busy {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    partitions: Mutex<BTreeSet<TopicPartition>>,
    freed: Condvar,
}

/// Keeps a log for one cleaner until it is dropped.
pub struct Taken {
    name: TopicPartition,
    inner: Arc<Inner>,
}

impl Busy {
    /// Takes a log; `None` if somebody has it.
    #[must_use]
    pub fn take(&self, name: &TopicPartition) -> Option<Taken> {
        let free = self.inner.partitions.lock().insert(name.clone());
        free.then(|| Taken { name: name.clone(), inner: self.inner.clone() })
    }

    /// Whether somebody has the log.
    #[must_use]
    pub fn is_taken(&self, name: &TopicPartition) -> bool {
        self.inner.partitions.lock().contains(name)
    }

    /// The logs that are taken now.
    #[must_use]
    pub fn all(&self) -> Vec<TopicPartition> {
        self.inner.partitions.lock().iter().cloned().collect()
    }

    /// Waits until nobody has the log; its compaction must have been cancelled, or this takes as long as that.
    pub fn wait_until_free(&self, name: &TopicPartition) {
        let mut partitions = self.inner.partitions.lock();
        while partitions.contains(name) {
            self.inner.freed.wait(&mut partitions);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.inner.partitions.lock().remove(&self.name);
        self.inner.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let (busy, name) = (Busy::default(), TopicPartition::new("t", 0));
        let taken = busy.take(&name).unwrap();
        assert!(busy.take(&name).is_none() && busy.is_taken(&name));
        let waiting = {
            let (busy, name) = (busy.clone(), name.clone());
            std::thread::spawn(move || busy.wait_until_free(&name))
        };
        drop(taken);
        waiting.join().unwrap();
        assert!(busy.take(&name).is_some());
    }
}
