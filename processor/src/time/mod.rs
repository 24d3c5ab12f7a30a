//! Event time: the watermark of each input partition, idleness, and what they add up to.

mod idle;
mod valve;
mod windows;

pub use idle::{IdleClock, IdlePolicy};
pub use valve::{InputTime, Valve};
pub use windows::{Grid, WindowSpan};

/// "No watermark yet", in milliseconds: Flink's `Watermark.UNINITIALIZED`, smaller than every event time.
pub const NO_WATERMARK: i64 = i64::MIN;

/// How far all partitions have come: rows before which there is nothing to come, in the order of their own partition's watermark before
/// them and then of the partitions' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frontier {
    /// The watermark that all have reached.
    pub watermark: i64,
    /// The first partition that stands at it, and may have more rows there.
    pub partition: i32,
}

/// Whether `watermark` has closed a window that ends at `window_end` (exclusive), both in milliseconds.
///
/// Flink: `TimeWindowUtil.isWindowFired`: a window fires when the watermark reaches its last millisecond.
#[must_use]
pub fn is_window_fired(window_end: i64, watermark: i64) -> bool {
    watermark >= window_end.saturating_sub(1)
}

/// Start of the tumbling window of `size` milliseconds, shifted by `offset`, that `timestamp` falls into.
///
/// Flink: `TimeWindow.getWindowStartWithOffset`, right before 1970 too. `size` must be positive.
#[must_use]
pub fn window_start(timestamp: i64, offset: i64, size: i64) -> i64 {
    timestamp.saturating_sub(timestamp.wrapping_sub(offset).rem_euclid(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values measured on Flink 2.2.1: watermark delay 2 s, window of 10 s.
    #[test]
    fn window_closes_at_its_last_millisecond() {
        assert!(!is_window_fired(10_000, 11_998 - 2_000));
        assert!(is_window_fired(10_000, 11_999 - 2_000));
        assert!(!is_window_fired(10_000, NO_WATERMARK));
    }

    /// Values measured on Flink 2.2.1.
    #[test]
    fn window_start_before_1970() {
        assert_eq!(window_start(-1, 0, 5_000), -5_000);
        assert_eq!(window_start(-5_000, 0, 5_000), -5_000);
        assert_eq!(window_start(-5_001, 0, 10_000), -10_000);
        assert_eq!(window_start(7_000, 1_000, 5_000), 6_000);
        assert_eq!(window_start(i64::MIN, 0, 5_000), i64::MIN);
    }
}
