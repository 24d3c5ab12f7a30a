//! A task's event time: what the watermarks of its inputs add up to, and up to where windows are closed by it.

use forebay_storage::ids::Timestamp;

use super::error::TaskError;
use crate::commit::RecordBuffer;
use crate::operator::{CLOCK_BEHIND_MS, LateTardy, Pipeline};
use crate::time::{Frontier, InputTime, NO_WATERMARK, Valve, is_window_fired};

/// The time of a task.
#[derive(Debug)]
pub struct EventClock {
    valve: Valve,
    /// Watermark up to which windows are closed; behind the valve while there are too many for one commit.
    closed: i64,
    /// The inputs when last looked at, in the order of their partitions.
    inputs: Vec<(i32, InputTime)>,
}

/// What windows are closed with.
pub struct Closing<'a> {
    /// Whose windows.
    pub pipeline: &'a mut Pipeline,
    /// Where their rows go.
    pub out: &'a mut RecordBuffer,
    /// Bytes in `out` after which no further window is closed.
    pub most: u64,
    /// Wall clock.
    pub now: Timestamp,
    /// Takes the rows that had to wait and have turned out to be late, with where records go.
    pub late: &'a mut dyn FnMut(LateTardy, &mut RecordBuffer),
}

impl EventClock {
    /// Goes on from where windows were closed by the last commit, or from [`NO_WATERMARK`]. Windows that it had no room for are closed
    /// before anything is read.
    #[must_use]
    pub fn new(closed: i64, inputs: impl Iterator<Item = (i32, InputTime)>) -> EventClock {
        let mut clock = EventClock { valve: Valve::new(closed), closed, inputs: Vec::new() };
        clock.update(inputs);
        clock
    }

    /// Watermark up to which windows are closed.
    #[must_use]
    pub fn closed(&self) -> i64 {
        self.closed
    }

    /// The same, none before the first.
    #[must_use]
    pub fn shown(&self) -> Option<i64> {
        (self.closed != NO_WATERMARK).then_some(self.closed)
    }

    /// The watermark.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.valve.watermark()
    }

    /// Whether there are windows to close that had no room.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.closed < self.valve.watermark()
    }

    /// Takes in how far the inputs have come: their partitions in order, with what the watermark is to know of them.
    pub fn update(&mut self, inputs: impl Iterator<Item = (i32, InputTime)>) {
        self.inputs.clear();
        self.inputs.extend(inputs);
        self.valve.update(self.inputs.iter().map(|(_, time)| *time));
    }

    /// Lets time pass up to `watermark` whatever the inputs say.
    pub fn raise(&mut self, watermark: i64) {
        self.valve.raise(watermark);
    }

    /// Places the rows whose turn has come and closes the windows that the watermark has passed, as far as there is room for their rows;
    /// if the inputs are `quiet`, all windows. Returns whether something was done for what was over already.
    pub fn advance(&mut self, quiet: bool, mut closing: Closing<'_>) -> Result<bool, TaskError> {
        let frontier = self.frontier(self.closed);
        if closing.pipeline.state().is_some_and(|state| state.has_tardy(frontier)) {
            self.close_up_to(self.closed, &mut closing)?;
        }
        // What came late and waits for the next watermark: none comes by itself any more.
        let is_over = |end: i64| end <= self.closed.saturating_add(1);
        let overdue = quiet && !self.is_behind() && closing.pipeline.next_close(self.closed).is_some_and(is_over);
        if overdue && !self.close_up_to(self.closed, &mut closing)? {
            return Ok(true);
        }
        loop {
            if quiet && !self.is_behind() {
                let next = closing.pipeline.next_close(self.closed);
                next.into_iter().for_each(|end| self.raise(end.saturating_sub(1)));
            }
            if !self.is_behind() || closing.out.size_in_bytes() > closing.most {
                return Ok(overdue);
            }
            let up_to = self.next_stop(closing.pipeline);
            if !self.close_up_to(up_to, &mut closing)? {
                return Ok(overdue);
            }
        }
    }

    /// The end of the first window, or the watermark if none ends before.
    fn next_stop(&self, pipeline: &Pipeline) -> i64 {
        let watermark = self.watermark();
        match pipeline.next_stop(self.closed) {
            // The last moment there is closes with it, or there would be no end.
            Some(end) if end < i64::MAX && is_window_fired(end, watermark) => end.saturating_sub(1),
            _ => watermark,
        }
    }

    /// Lets time pass up to `up_to`. Returns whether it has: not if there is so much to do by then that a part of it is for other commits.
    fn close_up_to(&mut self, up_to: i64, closing: &mut Closing<'_>) -> Result<bool, TaskError> {
        let Closing { pipeline, out, most, now, late } = closing;
        let done = pipeline.close_windows(self.closed, self.frontier(up_to), *now, (out, *most)).map_err(|error| {
            let why = format!("closing windows: {error}");
            if error.is_of_disk() { TaskError::Retry(why) } else { TaskError::Failed(why) }
        })?;
        done.late.into_iter().for_each(|tardy| late(tardy, out));
        if done.is_all {
            self.closed = up_to;
        }
        Ok(done.is_all)
    }

    /// `watermark`, and the first partition that has not come beyond it; those that are idle or have ended do not count.
    fn frontier(&self, watermark: i64) -> Frontier {
        let counts = |(_, time): &&(i32, InputTime)| !time.idle && time.watermark <= watermark;
        let first = self.inputs.iter().find(counts);
        Frontier { watermark, partition: first.map_or(i32::MAX, |(partition, _)| *partition) }
    }

    /// When the next window is to be closed, where time is the host's clock.
    #[must_use]
    pub fn due_by_clock(&self, pipeline: &Pipeline) -> Option<Timestamp> {
        let end = pipeline.next_close(self.closed).filter(|_| pipeline.is_processing_time())?;
        Some(Timestamp(end.saturating_add(CLOCK_BEHIND_MS - 1)))
    }

    /// Lets time pass up to now, if a window is to be closed by the host's clock.
    pub fn follow(&mut self, pipeline: &Pipeline, now: Timestamp) {
        if self.due_by_clock(pipeline).is_some_and(|at| at <= now) {
            self.raise(now.0.saturating_sub(CLOCK_BEHIND_MS));
        }
    }

    /// The partition at which the watermark stands: the slowest of those that count.
    #[must_use]
    pub fn held_by(&self) -> Option<i32> {
        let counts = |(_, time): &&(i32, InputTime)| {
            !time.idle && (time.watermark >= self.closed || self.closed == NO_WATERMARK)
        };
        let slowest = self.inputs.iter().filter(counts).min_by_key(|(_, time)| time.watermark);
        slowest.map(|(partition, _)| *partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(watermark: i64, idle: bool) -> InputTime {
        InputTime { watermark, idle }
    }

    #[test]
    fn the_slowest_partition_that_counts_holds_it() {
        let mut clock = EventClock::new(NO_WATERMARK, [(0, time(7, false)), (2, InputTime::NEW)].into_iter());
        assert_eq!((clock.held_by(), clock.is_behind(), clock.shown()), (Some(2), false, None));
        clock.update([(0, time(7, false)), (2, time(5, false)), (4, time(1, true))].into_iter());
        assert_eq!((clock.held_by(), clock.watermark(), clock.is_behind()), (Some(2), 5, true));
        assert_eq!(clock.frontier(4), Frontier { watermark: 4, partition: i32::MAX });
        assert_eq!(clock.frontier(5), Frontier { watermark: 5, partition: 2 });
        assert_eq!(clock.frontier(9), Frontier { watermark: 9, partition: 0 });
    }
}
