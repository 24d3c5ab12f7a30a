//! Memory for requests, of all connections together: `queued.max.request.bytes` (Kafka: SimpleMemoryPool of SocketServer).
//!
//! A request takes its size when its length is known, or when it is here if it is small, and gives it back when its handler is done: its
//! answer may wait for a client that reads slowly. One whose handler lets go of it before it waits (`request::is_let_go_of`) gives it back
//! before it is read. Where nothing is left, nothing more is read; the last one that is let in may take more than is left, as in Kafka, so
//! that the limit holds but for one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;

/// What is left.
#[derive(Debug)]
pub struct RequestMemory {
    /// None if there is no limit.
    left: Option<AtomicI64>,
    freed: Notify,
}

/// What a request has taken; given back when this is dropped.
#[derive(Debug)]
pub struct Taken {
    memory: Arc<RequestMemory>,
    bytes: i64,
}

impl RequestMemory {
    /// `bytes` for all; 0 or less is no limit.
    #[must_use]
    pub fn new(bytes: i64) -> RequestMemory {
        RequestMemory { left: (bytes > 0).then(|| AtomicI64::new(bytes)), freed: Notify::new() }
    }

    /// Waits until something is left, and takes `bytes`. May be dropped and called again.
    pub async fn take(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let left = self.left.as_ref()?;
        // A frame's length has 31 bits.
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let enough = |left: i64| (left > 0).then_some(left - bytes);
        loop {
            let freed = self.freed.notified();
            if left.fetch_update(Ordering::AcqRel, Ordering::Acquire, enough).is_ok() {
                return Some(Taken { memory: self.clone(), bytes });
            }
            freed.await;
        }
    }

    /// Bytes that are left, below zero if the last request took more; `None` without a limit.
    #[must_use]
    pub fn left(&self) -> Option<i64> {
        self.left.as_ref().map(|left| left.load(Ordering::Acquire))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(left) = &self.memory.left {
            left.fetch_add(self.bytes, Ordering::AcqRel);
        }
        self.memory.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_request_may_take_more_than_is_left_and_the_next_one_waits() {
        let memory = Arc::new(RequestMemory::new(100));
        let first = memory.take(60).await;
        let second = memory.take(60).await;
        assert_eq!(memory.left(), Some(-20));
        assert!(tokio::time::timeout(Duration::ZERO, memory.take(1)).await.is_err());
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.take(1).await }
        });
        drop(first);
        let third = waiting.await.unwrap();
        assert_eq!(memory.left(), Some(39));
        drop((second, third));
        assert_eq!(memory.left(), Some(100));
    }

    #[tokio::test]
    async fn without_a_limit_nothing_is_counted() {
        let memory = Arc::new(RequestMemory::new(-1));
        assert!(memory.take(usize::MAX).await.is_none());
        assert_eq!(memory.left(), None);
    }
}
