//! A rate over the last windows, as Kafka's quotas measure it (Kafka: Rate, SampledStat, QuotaUtils.throttleTime).

/// How long is looked back: `quota.window.num` windows of `quota.window.size.seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Windows, the one that is filled now among them; at least 1.
    pub count: usize,
    /// Length of a window in milliseconds; at least 1.
    pub length_ms: i64,
}

impl Windows {
    /// All of them together, in milliseconds.
    #[must_use]
    pub fn span_ms(self) -> i64 {
        i64::try_from(self.count).unwrap_or(i64::MAX).saturating_mul(self.length_ms)
    }

    /// All but the one that is filled now, in seconds.
    #[must_use]
    pub fn full_seconds(self) -> f64 {
        (self.count.saturating_sub(1)) as f64 * self.length_ms as f64 / 1000.0
    }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start_ms: i64,
    last_ms: i64,
    sum: f64,
}

impl Window {
    fn new(now_ms: i64) -> Window {
        Window { start_ms: now_ms, last_ms: now_ms, sum: 0.0 }
    }
}

/// What was counted in the last windows.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    windows: Vec<Window>,
    current: usize,
}

/// A rate, and the time it is measured over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Per second.
    pub rate: f64,
    /// Milliseconds.
    pub over_ms: i64,
}

impl Rate {
    /// Counts `value`; a negative one takes back what was counted.
    pub fn record(&mut self, value: f64, now_ms: i64, windows: Windows) {
        if self.windows.is_empty() {
            self.windows.push(Window::new(now_ms));
        }
        if now_ms - self.windows[self.current].start_ms >= windows.length_ms {
            // One more than are looked at: the oldest may reach into the time that is looked at.
            self.current = (self.current + 1) % (windows.count + 1);
            match self.windows.get_mut(self.current) {
                Some(window) => *window = Window::new(now_ms),
                None => self.windows.push(Window::new(now_ms)),
            }
        }
        let window = &mut self.windows[self.current];
        window.sum += value;
        window.last_ms = now_ms;
    }

    /// The rate now.
    pub fn measure(&mut self, now_ms: i64, windows: Windows) -> Measured {
        for window in &mut self.windows {
            if now_ms - window.last_ms >= windows.span_ms() {
                *window = Window::new(now_ms);
            }
        }
        let sum: f64 = self.windows.iter().map(|window| window.sum).sum();
        let oldest = self.windows.iter().map(|window| window.start_ms).min().unwrap_or(now_ms);
        let mut over_ms = now_ms - oldest;
        // A rate of a client that has just come is not that of its first millisecond: all windows but one count as whole.
        let least = i64::try_from(windows.count).unwrap_or(i64::MAX) - 1;
        let whole = over_ms / windows.length_ms;
        if whole < least {
            over_ms += (least - whole) * windows.length_ms;
        }
        let over_ms = over_ms.max(windows.length_ms);
        Measured { rate: sum / (over_ms as f64 / 1000.0), over_ms }
    }
}

impl Measured {
    /// Milliseconds without anything more after which the rate is down to `limit`; 0 when it is not above it.
    #[must_use]
    pub fn throttle_ms(self, limit: f64) -> i64 {
        if self.rate <= limit {
            return 0;
        }
        // Saturates: a limit may be as small as one likes.
        ((self.rate - limit) / limit * self.over_ms as f64).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAFKAS: Windows = Windows { count: 11, length_ms: 1000 };

    #[test]
    fn a_burst_counts_over_ten_seconds() {
        let mut rate = Rate::default();
        rate.record(5000.0, 0, KAFKAS);
        // Ten whole windows: 500 a second, which 10 s more bring down to 250.
        assert_eq!(rate.measure(0, KAFKAS), Measured { rate: 500.0, over_ms: 10_000 });
        assert_eq!(rate.measure(0, KAFKAS).throttle_ms(250.0), 10_000);
        assert_eq!(rate.measure(0, KAFKAS).throttle_ms(500.0), 0);
        assert_eq!(rate.measure(500, KAFKAS).over_ms, 10_500, "and the part of the window that is filled now");
        assert_eq!(rate.measure(11_000, KAFKAS).rate, 0.0, "forgotten when all windows have passed");
    }

    /// Who waits as long as he is told has the rate he may have, whatever he sends at once.
    #[test]
    fn the_rate_of_a_client_that_obeys_is_the_limit() {
        for (size, limit) in [(1000.0, 10_000.0), (300_000.0, 100_000.0), (1.0, 50.0)] {
            let mut rate = Rate::default();
            let (mut now_ms, mut sent) = (0, 0.0);
            while now_ms < 100_000 {
                rate.record(size, now_ms, KAFKAS);
                sent += size;
                let wait = rate.measure(now_ms, KAFKAS).throttle_ms(limit);
                now_ms += wait.max(1);
            }
            let seen = sent / (now_ms as f64 / 1000.0);
            // The first ten seconds' worth may come at once.
            assert!(seen > 0.85 * limit && seen < 1.15 * limit + 10.0 * limit / 100.0, "{seen} of {limit}");
        }
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let mut rate = Rate::default();
        rate.record(100.0, 0, KAFKAS);
        rate.record(900.0, 1500, KAFKAS);
        rate.record(-900.0, 1500, KAFKAS);
        assert_eq!(rate.measure(1500, KAFKAS), Measured { rate: 100.0 / 10.5, over_ms: 10_500 });
    }

    #[test]
    fn memory_is_that_of_the_windows() {
        let mut rate = Rate::default();
        (0..100_000).for_each(|now_ms| rate.record(1.0, now_ms, KAFKAS));
        assert_eq!(rate.windows.len(), 12);
    }
}
