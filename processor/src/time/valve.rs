//! Combines the watermarks of a task's input partitions into the one that closes windows.
//!
//! Flink: `StatusWatermarkValve`. The combined watermark is the minimum over the partitions that count, and never goes back. A
//! partition counts when it is not idle and its watermark has reached the combined one: so one that comes back from idleness,
//! or is new, does not hold the others back until it has caught up. When all are idle the maximum is taken once, then nothing
//! moves until data comes.

use super::NO_WATERMARK;

/// Event-time state of one input partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputTime {
    /// Largest watermark that its records produced, in offset order; [`NO_WATERMARK`] before the first.
    pub watermark: i64,
    /// Whether it is at rest and left out of the minimum.
    pub idle: bool,
}

impl InputTime {
    /// An active partition of which nothing is known.
    pub const NEW: InputTime = InputTime { watermark: NO_WATERMARK, idle: false };
}

/// The combined watermark of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valve {
    combined: i64,
}

impl Valve {
    /// Goes on from the combined watermark of the last commit, or from [`NO_WATERMARK`].
    #[must_use]
    pub fn new(combined: i64) -> Valve {
        Valve { combined }
    }

    /// The combined watermark.
    #[must_use]
    pub fn watermark(self) -> i64 {
        self.combined
    }

    /// Lets time pass up to `watermark` whatever the partitions say; it never goes back.
    pub fn raise(&mut self, watermark: i64) {
        self.combined = self.combined.max(watermark);
    }

    /// Takes the partitions' present state in; true if the combined watermark has moved.
    pub fn update(&mut self, inputs: impl Iterator<Item = InputTime> + Clone) -> bool {
        let next = if inputs.clone().all(|input| input.idle) {
            inputs.map(|input| input.watermark).max()
        } else {
            inputs.filter(|input| !input.idle && input.watermark >= self.combined).map(|input| input.watermark).min()
        };
        let before = self.combined;
        self.combined = before.max(next.unwrap_or(NO_WATERMARK));
        self.combined > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(watermark: i64) -> InputTime {
        InputTime { watermark, idle: false }
    }

    fn idle(watermark: i64) -> InputTime {
        InputTime { watermark, idle: true }
    }

    fn after(valve: &mut Valve, inputs: &[InputTime]) -> i64 {
        valve.update(inputs.iter().copied());
        valve.watermark()
    }

    #[test]
    fn the_slowest_partition_holds_it_back() {
        let mut valve = Valve::new(NO_WATERMARK);
        assert_eq!(after(&mut valve, &[active(5), InputTime::NEW]), NO_WATERMARK);
        assert_eq!(after(&mut valve, &[active(5), active(3)]), 3);
        assert_eq!(after(&mut valve, &[active(9), active(4)]), 4);
    }

    #[test]
    fn an_idle_partition_does_not() {
        let mut valve = Valve::new(NO_WATERMARK);
        assert_eq!(after(&mut valve, &[active(5), idle(NO_WATERMARK)]), 5);
    }

    #[test]
    fn a_returning_partition_counts_again_once_it_has_caught_up() {
        let mut valve = Valve::new(NO_WATERMARK);
        assert_eq!(after(&mut valve, &[active(100), idle(10)]), 100);
        assert_eq!(after(&mut valve, &[active(120), active(50)]), 120, "behind: does not hold the others");
        assert_eq!(after(&mut valve, &[active(200), active(150)]), 150, "caught up: counts");
        assert_eq!(after(&mut valve, &[active(300), active(160)]), 160);
    }

    #[test]
    fn when_all_are_idle_the_maximum_is_taken_and_nothing_more() {
        let mut valve = Valve::new(NO_WATERMARK);
        assert_eq!(after(&mut valve, &[active(7), idle(9)]), 7);
        assert_eq!(after(&mut valve, &[idle(7), idle(9)]), 9);
        assert_eq!(after(&mut valve, &[idle(7), idle(9)]), 9);
    }

    #[test]
    fn without_inputs_nothing_moves() {
        let mut valve = Valve::new(4);
        assert!(!valve.update(std::iter::empty()));
        assert_eq!(valve.watermark(), 4);
    }
}
