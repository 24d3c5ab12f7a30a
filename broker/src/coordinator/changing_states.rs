//! What is held while states of a group's share-partitions begin or end: one at a time for each group, and nobody waits for another's.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Groups = Mutex<BTreeMap<Arc<str>, Arc<AsyncMutex<()>>>>;

/// The groups of a shard whose states are changing. Nothing is kept of the others.
#[derive(Clone, Default)]
pub(super) struct ChangingStates(Arc<Groups>);

/// Held from what the group says of its states to what it is told of them: so that none that nobody awaits any more begins after its
/// deletion.
#[must_use]
pub(super) struct Alone {
    group_id: Arc<str>,
    groups: Arc<Groups>,
    /// `None` only while this is dropped.
    held: Option<OwnedMutexGuard<()>>,
}

impl ChangingStates {
    /// Waits until nobody else changes states of that group.
    pub(super) async fn lock(&self, group_id: &str) -> Alone {
        let group_id: Arc<str> = group_id.into();
        let mutex = self.0.lock().entry(group_id.clone()).or_default().clone();
        // From here on, so that who gives up waiting leaves nothing.
        let mut alone = Alone { group_id, groups: self.0.clone(), held: None };
        alone.held = Some(mutex.lock_owned().await);
        alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let mut groups = self.groups.lock();
        drop(self.held.take());
        // Who waits for it holds it, too; nobody comes while the groups are locked.
        if groups.get(&self.group_id).is_some_and(|mutex| Arc::strong_count(mutex) == 1) {
            groups.remove(&self.group_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_in_a_group_and_nothing_is_kept() {
        let changing = ChangingStates::default();
        let first = changing.lock("a").await;
        let mut second = Box::pin(changing.lock("a"));
        assert!(futures_now(&mut second).is_none());
        drop(changing.lock("b").await);
        drop(first);
        drop(futures_now(&mut second).expect("it is free"));
        drop(second);
        assert!(changing.0.lock().is_empty());
        let first = changing.lock("a").await;
        let mut given_up = Box::pin(changing.lock("a"));
        assert!(futures_now(&mut given_up).is_none());
        drop(first);
        drop(given_up);
        assert!(changing.0.lock().is_empty(), "also of who gave up waiting");
    }

    /// What a future has become by now.
    fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
