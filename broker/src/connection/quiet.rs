//! How long a client has been silent, with one timer that is set anew only when it fires.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Sleep;

use crate::clock;

/// After this long a silent client's memory is given back.
const AWHILE: Duration = Duration::from_secs(10);

/// How long it has been quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Long enough to give memory back.
    Awhile,
    /// Longer than `connections.max.idle.ms` allows.
    TooLong,
}

/// Watches for silence.
#[derive(Debug)]
pub struct Quiet {
    timer: Pin<Box<Sleep>>,
    awhile: Duration,
    allowed: Duration,
    /// Something was heard since the timer was set.
    heard: bool,
    /// For how long nothing was heard before the timer was set.
    already: Duration,
    /// What the timer adds to it.
    step: Duration,
}

impl Quiet {
    /// A client may be silent for `allowed`; it may be some seconds more.
    pub fn new(allowed: Duration) -> Quiet {
        Quiet::with(AWHILE, allowed)
    }

    fn with(awhile: Duration, allowed: Duration) -> Quiet {
        let step = awhile.min(allowed);
        let timer = Box::pin(tokio::time::sleep(step));
        Quiet { timer, awhile, allowed, heard: false, already: Duration::ZERO, step }
    }

    /// The client said something.
    pub fn heard(&mut self) {
        self.heard = true;
    }

    /// Waits until it has been quiet for a while, or for too long. May be dropped and called again.
    pub async fn passed(&mut self) -> Since {
        loop {
            self.timer.as_mut().await;
            self.already = if self.heard { Duration::ZERO } else { self.already + self.step };
            self.heard = false;
            let left = self.allowed.saturating_sub(self.already);
            if left.is_zero() {
                return Since::TooLong;
            }
            self.step = if self.already.is_zero() { self.awhile.min(left) } else { left };
            // A timer runs for a day at most, and no more than it has run counts.
            let ms = i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX).min(clock::LONGEST_MS);
            self.step = Duration::from_millis(ms.unsigned_abs());
            self.timer.as_mut().reset(clock::deadline(ms));
            if !self.already.is_zero() {
                return Since::Awhile;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[tokio::test]
    async fn silence_counts_from_what_was_heard_last() {
        let mut quiet = Quiet::with(MS(20), MS(60));
        let begun = clock::instant();
        quiet.heard();
        assert_eq!(quiet.passed().await, Since::Awhile);
        assert!(begun.elapsed() >= MS(40), "20 ms in which something was heard, and 20 without");
        assert_eq!(quiet.passed().await, Since::TooLong);
        assert!(begun.elapsed() >= MS(80));
    }

    #[tokio::test]
    async fn what_is_heard_in_time_keeps_the_connection() {
        let mut quiet = Quiet::with(MS(10), MS(30));
        assert_eq!(quiet.passed().await, Since::Awhile);
        quiet.heard();
        assert_eq!(quiet.passed().await, Since::Awhile, "counted anew");
    }

    #[tokio::test]
    async fn where_silence_is_allowed_for_ever_a_day_of_it_is_not_too_long() {
        let mut quiet = Quiet::with(MS(5), MS(u64::MAX));
        assert_eq!(quiet.passed().await, Since::Awhile);
        assert_eq!(quiet.step, Duration::from_secs(24 * 60 * 60), "what the timer that was set now adds");
        assert_eq!(quiet.already, MS(5));
    }

    #[tokio::test]
    async fn a_short_allowance_is_kept() {
        let mut quiet = Quiet::new(MS(30));
        let begun = clock::instant();
        assert_eq!(quiet.passed().await, Since::TooLong);
        assert!(begun.elapsed() >= MS(30));
    }
}
