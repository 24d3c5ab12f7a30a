//! The time that threads spend on a request: while it is polled, and not while it waits.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

use parking_lot::Mutex;

/// Time spent on one request.
#[derive(Debug, Default)]
pub struct Meter {
    spent_ns: AtomicU64,
    since: Mutex<Option<Instant>>,
}

impl Meter {
    /// Runs a request and measures it. `clock` reads the monotonic clock.
    pub async fn measure<F: Future>(&self, clock: impl Fn() -> Instant, request: F) -> F::Output {
        let mut request = pin!(request);
        std::future::poll_fn(|context| {
            let start = clock();
            *self.since.lock() = Some(start);
            let polled = request.as_mut().poll(context);
            *self.since.lock() = None;
            self.spend(clock().saturating_duration_since(start).as_nanos());
            match polled {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn spend(&self, nanos: u128) {
        self.spent_ns.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Nanoseconds spent until `now`.
    #[must_use]
    pub fn spent_ns(&self, now: Instant) -> u64 {
        let running = self.since.lock().map_or(0, |since| now.saturating_duration_since(since).as_nanos());
        self.spent_ns.load(Ordering::Relaxed).saturating_add(u64::try_from(running).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    #[tokio::test]
    async fn waiting_is_not_work() {
        let (meter, start) = (Meter::default(), crate::clock::instant());
        // Each look at the clock is a millisecond later; a request that waits is polled twice.
        let looks = Cell::new(0);
        let clock = || {
            looks.set(looks.get() + 1);
            start + Duration::from_millis(looks.get())
        };
        meter
            .measure(clock, async {
                looks.set(looks.get() + 4);
                tokio::task::yield_now().await;
                looks.set(looks.get() + 100);
                assert_eq!(meter.spent_ns(start + Duration::from_millis(looks.get())), (5 + 100) * 1_000_000);
            })
            .await;
        assert_eq!(meter.spent_ns(start), (5 + 101) * 1_000_000);
    }
}
