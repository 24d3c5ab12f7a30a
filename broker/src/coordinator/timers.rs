//! Timers of state machines: a heap, and one task that sleeps until the earliest.

use std::cmp::{Ordering as CmpOrdering, Reverse};
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};

use forebay_storage::ids::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock;

/// Timers, each for one shard of a coordinator. Timers are never cancelled.
pub struct Timers<T> {
    heap: Mutex<BinaryHeap<Reverse<Entry<T>>>>,
    armed: AtomicU64,
    sooner: Notify,
}

struct Entry<T> {
    at: Timestamp,
    /// Order of arming, so that timers of one instant fire in that order.
    number: u64,
    shard: usize,
    timer: T,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Timers { heap: Mutex::new(BinaryHeap::new()), armed: AtomicU64::new(0), sooner: Notify::new() }
    }
}

impl<T> Timers<T> {
    /// Arms timers of `shard`.
    pub fn arm(&self, shard: usize, timers: Vec<(Timestamp, T)>) {
        if timers.is_empty() {
            return;
        }
        let mut heap = self.heap.lock();
        let before = heap.peek().map(|e| e.0.at);
        for (at, timer) in timers {
            let number = self.armed.fetch_add(1, Ordering::Relaxed);
            heap.push(Reverse(Entry { at, number, shard, timer }));
        }
        let after = heap.peek().map(|e| e.0.at);
        drop(heap);
        if before != after {
            self.sooner.notify_one();
        }
    }

    /// Waits until timers are due and takes them.
    pub async fn due(&self) -> Vec<(usize, T)> {
        loop {
            let next = {
                let mut heap = self.heap.lock();
                let now = clock::now();
                let mut due = Vec::new();
                while heap.peek().is_some_and(|e| e.0.at <= now) {
                    let Reverse(entry) = heap.pop().expect("it was just looked at");
                    due.push((entry.shard, entry.timer));
                }
                if !due.is_empty() {
                    return due;
                }
                heap.peek().map(|e| e.0.at.0 - now.0)
            };
            match next {
                Some(ms) => tokio::select! {
                    () = tokio::time::sleep_until(clock::deadline(ms)) => {}
                    () = self.sooner.notified() => {}
                },
                None => self.sooner.notified().await,
            }
        }
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<CmpOrdering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> CmpOrdering {
        (self.at, self.number, self.shard).cmp(&(other.at, other.number, other.shard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn due_timers_come_in_the_order_of_their_time() {
        let timers = Timers::default();
        let now = clock::now();
        timers.arm(1, vec![(now.plus_ms(-1), "late"), (now.plus_ms(-5), "later"), (now.plus_ms(60_000), "far")]);
        assert_eq!(timers.due().await, vec![(1, "later"), (1, "late")]);
    }
}
