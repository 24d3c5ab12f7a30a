//! Holds all cleaner threads together to so many bytes a second (Kafka: Throttler, `log.cleaner.io.max.bytes.per.second`).

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Longest sleep before the reason to sleep is looked at again.
const SLICE: Duration = Duration::from_millis(20);
/// What is not used is not saved up for longer than this.
const BURST: Duration = Duration::from_millis(300);

/// A rate that several threads share.
pub struct Throttle {
    /// The time up to which the bytes so far are paid for.
    paid_until: Mutex<Option<Instant>>,
}

impl Throttle {
    /// Nothing was read or written yet.
    #[must_use]
    pub fn new() -> Throttle {
        Throttle { paid_until: Mutex::new(None) }
    }

    /// When the next bytes may be read or written, after these `bytes` at `now` at so many bytes a second.
    fn pay(&self, bytes: usize, per_second: f64, now: Instant) -> Instant {
        let cost = Duration::try_from_secs_f64(bytes as f64 / per_second.max(f64::MIN_POSITIVE));
        let mut paid_until = self.paid_until.lock();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let from = paid_until.unwrap_or(earliest).max(earliest);
        // A rate of next to nothing is a day at most.
        let until = from + cost.unwrap_or(Duration::MAX).min(Duration::from_secs(86_400));
        *paid_until = Some(until);
        until
    }

    /// Counts bytes, and sleeps as long as the rate is exceeded and `go_on` holds.
    pub fn throttle(&self, bytes: usize, per_second: f64, go_on: &dyn Fn() -> bool) {
        let until = self.pay(bytes, per_second, crate::clock::instant());
        loop {
            let left = until.saturating_duration_since(crate::clock::instant());
            if left.is_zero() || !go_on() {
                return;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_cost_time_and_idle_time_is_not_saved_up() {
        let throttle = Throttle::new();
        let start = crate::clock::instant() + Duration::from_secs(10);
        let pay = |bytes, at: Instant| throttle.pay(bytes, 1000.0, at).saturating_duration_since(at);
        assert_eq!(pay(1000, start), Duration::from_millis(700), "a burst is free");
        assert_eq!(pay(1000, start), Duration::from_millis(1700));
        let later = start + Duration::from_secs(100);
        assert_eq!(pay(2000, later), Duration::from_millis(1700));
        assert_eq!(Throttle::new().pay(usize::MAX, f64::MAX, later), later - BURST);
        assert!(Throttle::new().pay(1, 0.0, later) <= later + Duration::from_secs(86_400));
    }
}
