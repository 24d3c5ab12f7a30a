//! When a partition counts as idle.
//!
//! Flink guesses idleness from the wall clock alone, so a source that is merely slow can be taken for idle. Here the log is
//! local and its end is known: a partition is idle when the task has read it to the end and nothing came for a while. One that
//! is behind is never idle.
//!
//! # The default
//! Flink's default is "never": one empty partition then holds every window open for ever, the most asked question about event
//! time there is. But a short timeout makes results wrong: while a large load is under way one partition may rest for as long as
//! its producer waits for a retry or a reconnect, and the others, days of event time ahead by then, would make its rows late.
//! So when the job says nothing, a partition rests for longer than any stock client's wait before it counts as idle:
//! - one that had data: [`IdlePolicy::DEFAULT_TIMEOUT_MS`], above the largest waits of stock clients (Java:
//!   `request.timeout.ms` 30 s; librdkafka: `reconnect.backoff.max.ms` 10 s with 25% jitter);
//! - one that never had data: [`IdlePolicy::DEFAULT_EMPTY_TIMEOUT_MS`], above a reconnect. Most of these are simply unused.
//!
//! `table.exec.source.idle-timeout` or `scan.watermark.idle-timeout` set one time for all; 0 means never, as in Flink.

use forebay_storage::ids::Timestamp;

/// How long a partition must rest at its end before it is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlePolicy {
    had_data: Option<i64>,
    empty: Option<i64>,
}

impl IdlePolicy {
    /// Rest in milliseconds before a partition that had data is idle, when the job does not say.
    pub const DEFAULT_TIMEOUT_MS: i64 = 60_000;
    /// Rest in milliseconds before a partition that never had data is idle, when the job does not say.
    pub const DEFAULT_EMPTY_TIMEOUT_MS: i64 = 15_000;

    /// The policy for a configured timeout in milliseconds: `None` for the default, 0 or less for never.
    #[must_use]
    pub fn new(configured_ms: Option<i64>) -> IdlePolicy {
        match configured_ms {
            None => {
                IdlePolicy { had_data: Some(Self::DEFAULT_TIMEOUT_MS), empty: Some(Self::DEFAULT_EMPTY_TIMEOUT_MS) }
            }
            Some(ms) if ms <= 0 => IdlePolicy { had_data: None, empty: None },
            Some(ms) => IdlePolicy { had_data: Some(ms), empty: Some(ms) },
        }
    }

    /// When a partition that rests since then is idle; `None` for never.
    #[must_use]
    pub fn idle_at(self, since: Timestamp, had_data: bool) -> Option<Timestamp> {
        self.timeout(had_data).map(|timeout| since.plus_ms(timeout))
    }

    fn timeout(self, had_data: bool) -> Option<i64> {
        if had_data { self.had_data } else { self.empty }
    }
}

/// Since when one partition rests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdleClock {
    resting_since: Option<Timestamp>,
}

impl IdleClock {
    /// Data was read, or there is more to read: the partition does not rest.
    pub fn busy(&mut self) {
        self.resting_since = None;
    }

    /// Since when the partition rests.
    #[must_use]
    pub fn resting_since(&self) -> Option<Timestamp> {
        self.resting_since
    }

    /// The task stands at the partition's end. Returns the time at which the partition becomes idle, `None` for never; it is
    /// idle when that time is not after `now`.
    pub fn at_end(&mut self, now: Timestamp, policy: IdlePolicy, had_data: bool) -> Option<Timestamp> {
        let since = *self.resting_since.get_or_insert(now);
        policy.idle_at(since, had_data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_is_counted_from_the_first_look_at_the_end() {
        let policy = IdlePolicy::new(Some(100));
        let mut clock = IdleClock::default();
        assert_eq!(clock.at_end(Timestamp(1_000), policy, true), Some(Timestamp(1_100)));
        assert_eq!(clock.at_end(Timestamp(1_050), policy, true), Some(Timestamp(1_100)));
        clock.busy();
        assert_eq!(clock.at_end(Timestamp(1_060), policy, true), Some(Timestamp(1_160)));
    }

    #[test]
    fn zero_means_never_and_the_default_outlasts_client_retries() {
        let mut clock = IdleClock::default();
        assert_eq!(clock.at_end(Timestamp(0), IdlePolicy::new(Some(0)), true), None);
        assert_eq!(clock.at_end(Timestamp(0), IdlePolicy::new(Some(0)), false), None);
        let with_data = clock.at_end(Timestamp(0), IdlePolicy::new(None), true).unwrap();
        let empty = clock.at_end(Timestamp(0), IdlePolicy::new(None), false).unwrap();
        assert!(with_data.0 > 30_000, "Java's request.timeout.ms");
        assert!(empty.0 > 12_500, "librdkafka's reconnect.backoff.max.ms with jitter");
    }
}
