//! Moves the task's watermark and closes the windows that it has passed.

use forebay_storage::ids::Timestamp;

use super::Task;
use crate::job::error::TaskError;
use crate::job::input::Input;
use crate::time::{Frontier, is_window_fired};

impl Task {
    /// Closes the windows that time has passed. Returns when those that nothing will ever pass are to be closed.
    pub(super) fn advance_time(&mut self, now: Timestamp) -> Result<Option<Timestamp>, TaskError> {
        self.valve.update(self.inputs.iter().map(Input::counted_time));
        if self.has_ended() {
            self.valve.raise(i64::MAX);
        }
        let before = self.closed;
        self.place_waiting(now)?;
        let quiet = self.quiet_at().is_some_and(|at| at <= now);
        while self.output.size_in_bytes() <= self.options.output_bytes {
            if quiet && self.closed == self.valve.watermark() {
                let next = self.pipeline.next_close(self.closed);
                next.into_iter().for_each(|end| self.valve.raise(end.saturating_sub(1)));
            }
            if self.closed == self.valve.watermark() {
                break;
            }
            self.close_next(now)?;
        }
        // The task's watermark is committed with some input's offset, whatever it was that moved it.
        if self.closed > before
            && !self.inputs.iter().any(Input::is_dirty)
            && let Some(input) = self.inputs.first_mut()
        {
            input.mark_dirty();
        }
        Ok(self.quiet_at())
    }

    /// When open windows are to be closed because nothing comes any more (`forebay.close-after-idle`).
    fn quiet_at(&self) -> Option<Timestamp> {
        let after = self.policies().close_after_idle_ms?;
        // Nothing is read of an input that has ended, so it does not rest either: the others decide.
        let open = self.inputs.iter().filter(|input| !input.has_ended());
        let since = open.map(Input::resting_since).collect::<Option<Vec<_>>>()?;
        self.pipeline.next_close(self.valve.watermark())?;
        since.into_iter().max().map(|since| since.plus_ms(after))
    }

    /// Closes windows up to the end of the first one, or up to the watermark if none ends before.
    fn close_next(&mut self, now: Timestamp) -> Result<(), TaskError> {
        let watermark = self.valve.watermark();
        let up_to = match self.pipeline.next_close(self.closed) {
            // The last moment there is closes with it, or the loop would not end.
            Some(end) if end < i64::MAX && is_window_fired(end, watermark) => end.saturating_sub(1),
            _ => watermark,
        };
        self.close_up_to(up_to, now)
    }

    /// Places the rows that waited for others to come to where time stands.
    fn place_waiting(&mut self, now: Timestamp) -> Result<(), TaskError> {
        let frontier = Frontier { watermark: self.closed, partition: self.first_at(self.closed) };
        match self.pipeline.state().is_some_and(|state| state.has_tardy(frontier)) {
            true => self.close_up_to(self.closed, now),
            false => Ok(()),
        }
    }

    /// The first partition that has not come beyond `watermark`; those that are idle or have ended do not count.
    fn first_at(&self, watermark: i64) -> i32 {
        let counts = |input: &&Input| !input.counted_time().idle && input.time().watermark <= watermark;
        self.inputs.iter().find(counts).map_or(i32::MAX, Input::partition)
    }

    fn close_up_to(&mut self, up_to: i64, now: Timestamp) -> Result<(), TaskError> {
        let frontier = Frontier { watermark: up_to, partition: self.first_at(up_to) };
        let done = self.pipeline.close_windows(self.closed, frontier, now, &mut self.output);
        let late = done.map_err(|error| {
            let why = format!("closing windows: {error}");
            if error.is_of_disk() { TaskError::Retry(why) } else { TaskError::Failed(why) }
        })?;
        for input in &mut self.inputs {
            input.add_late(late.get(&input.partition()).copied().unwrap_or(0));
        }
        self.closed = up_to;
        Ok(())
    }
}
