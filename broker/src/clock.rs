//! The one place that reads the clock; everything else is handed the time as a value.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use forebay_storage::ids::Timestamp;

/// The wall clock, in milliseconds since 1970.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A reading of the monotonic clock, for measuring how long something takes.
#[must_use]
pub fn instant() -> Instant {
    Instant::now()
}

/// The longest time to [`deadline`]: a day, in milliseconds.
pub const LONGEST_MS: i64 = 24 * 60 * 60 * 1000;

/// The point of the monotonic clock that lies `ms` milliseconds ahead; negative counts as 0, and more than a day as a day.
#[must_use]
pub fn deadline(ms: i64) -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_millis(ms.clamp(0, LONGEST_MS).unsigned_abs())
}
