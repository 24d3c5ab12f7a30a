//! The partitions that one request makes or deletes (Kafka: StrictControllerMutationQuota, PermissiveControllerMutationQuota; KIP-599).

use parking_lot::Mutex;

use super::limits::Group;
use super::rate::Windows;
use super::sensors::Sensors;
use super::token_bucket::TokenBucket;

/// A request exceeds the quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded;

/// What one request may still make and delete.
pub struct Mutations<'a> {
    sensors: &'a Mutex<Sensors<Group, TokenBucket>>,
    limit: Option<(f64, Group)>,
    windows: Windows,
    strict: bool,
    now_ms: i64,
    throttle_ms: i64,
}

impl<'a> Mutations<'a> {
    pub(super) fn new(
        sensors: &'a Mutex<Sensors<Group, TokenBucket>>,
        limit: Option<(f64, Group)>,
        windows: Windows,
        strict: bool,
        now_ms: i64,
    ) -> Mutations<'a> {
        Mutations { sensors, limit, windows, strict, now_ms, throttle_ms: 0 }
    }

    /// Whether there is a quota at all.
    #[must_use]
    pub fn are_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Counts partitions.
    ///
    /// # Errors
    /// The quota was exceeded before; what is not strict is never refused.
    pub fn charge(&mut self, partitions: usize) -> Result<(), Exceeded> {
        let Some((limit, group)) = &self.limit else { return Ok(()) };
        let mut sensors = self.sensors.lock();
        let bucket = sensors.of(group.clone(), self.now_ms, || TokenBucket::new(*limit, self.now_ms, self.windows));
        let before = bucket.throttle_ms(*limit, self.now_ms, self.windows);
        if self.strict && before > 0 {
            self.throttle_ms = self.throttle_ms.max(before);
            return Err(Exceeded);
        }
        bucket.take(partitions as f64, *limit, self.now_ms, self.windows);
        if !self.strict {
            self.throttle_ms = self.throttle_ms.max(bucket.throttle_ms(*limit, self.now_ms, self.windows));
        }
        Ok(())
    }

    /// For how many milliseconds the client is held up.
    #[must_use]
    pub fn throttle_ms(&self) -> i64 {
        self.throttle_ms
    }
}
