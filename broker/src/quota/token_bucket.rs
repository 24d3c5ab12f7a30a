//! A bucket of tokens: a burst may empty it, and more than empty it once (Kafka: TokenBucket; KIP-599).

use super::rate::Windows;

/// Tokens that are left, below 0 where more were taken than there were.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: f64,
    filled_ms: i64,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(limit: f64, now_ms: i64, windows: Windows) -> TokenBucket {
        TokenBucket { tokens: burst(limit, windows), filled_ms: now_ms }
    }

    /// Takes tokens, however many there are.
    pub fn take(&mut self, tokens: f64, limit: f64, now_ms: i64, windows: Windows) {
        self.fill(limit, now_ms, windows);
        self.tokens = (self.tokens - tokens).min(burst(limit, windows));
    }

    /// Milliseconds until there is no debt; 0 when there is none.
    pub fn throttle_ms(&mut self, limit: f64, now_ms: i64, windows: Windows) -> i64 {
        self.fill(limit, now_ms, windows);
        if self.tokens >= 0.0 { 0 } else { (-self.tokens / limit * 1000.0).round() as i64 }
    }

    fn fill(&mut self, limit: f64, now_ms: i64, windows: Windows) {
        let passed = (now_ms - self.filled_ms).max(0) as f64 / 1000.0;
        self.tokens = (self.tokens + limit * passed).min(burst(limit, windows));
        self.filled_ms = self.filled_ms.max(now_ms);
    }
}

fn burst(limit: f64, windows: Windows) -> f64 {
    limit * windows.span_ms() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAFKAS: Windows = Windows { count: 11, length_ms: 1000 };

    #[test]
    fn a_burst_is_let_through_and_paid_for() {
        let mut bucket = TokenBucket::new(2.0, 0, KAFKAS);
        bucket.take(22.0, 2.0, 0, KAFKAS);
        assert_eq!(bucket.throttle_ms(2.0, 0, KAFKAS), 0, "eleven seconds' worth");
        bucket.take(10.0, 2.0, 0, KAFKAS);
        assert_eq!(bucket.throttle_ms(2.0, 0, KAFKAS), 5000);
        assert_eq!(bucket.throttle_ms(2.0, 4000, KAFKAS), 1000);
        assert_eq!(bucket.throttle_ms(2.0, 5000, KAFKAS), 0);
        bucket.take(22.0, 2.0, 100_000, KAFKAS);
        assert_eq!(bucket.throttle_ms(2.0, 100_000, KAFKAS), 0, "full again, and no fuller");
        bucket.take(1.0, 2.0, 100_000, KAFKAS);
        assert_eq!(bucket.throttle_ms(2.0, 100_000, KAFKAS), 500);
    }
}
