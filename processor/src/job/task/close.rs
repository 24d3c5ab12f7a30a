//! Moves the task's watermark and closes the windows that it has passed.

use forebay_storage::ids::Timestamp;

use super::Task;
use crate::commit::RecordBuffer;
use crate::job::clock::Closing;
use crate::job::error::TaskError;
use crate::job::input::Input;
use crate::operator::{CLOCK_BEHIND_MS, LateTardy};
use crate::time::InputTime;

impl Task {
    /// What the watermark is to know of `inputs`.
    pub(super) fn times(inputs: &[Input]) -> impl Iterator<Item = (i32, InputTime)> {
        inputs.iter().map(|input| (input.number(), input.counted_time()))
    }

    /// Closes the windows that time has passed. Returns when those that nothing will ever pass are to be closed.
    pub(super) fn advance_time(&mut self, now: Timestamp) -> Result<Option<Timestamp>, TaskError> {
        self.clock.update(Task::times(&self.inputs));
        if self.has_ended() {
            self.clock.raise(i64::MAX);
        }
        if self.due_by_clock().is_some_and(|at| at <= now) {
            self.clock.raise(now.0.saturating_sub(CLOCK_BEHIND_MS));
        }
        let before = self.clock.closed();
        let quiet = self.quiet_at().is_some_and(|at| at <= now);
        let Task { clock, pipeline, output: out, options, inputs, topics, .. } = self;
        let mut late = |tardy: LateTardy, out: &mut RecordBuffer| {
            let Some(input) = inputs.iter_mut().find(|input| input.number() == tardy.partition) else { return };
            input.add_late(1);
            topics[input.topic_number()].side.late_tardy(input.partition(), &tardy, out);
        };
        clock.advance(quiet, Closing { pipeline, out, most: options.output_bytes, now, late: &mut late })?;
        // The task's watermark is committed with some input's offset, whatever it was that moved it.
        if clock.closed() > before
            && !inputs.iter().any(Input::is_dirty)
            && let Some(input) = inputs.first_mut()
        {
            input.mark_dirty();
        }
        Ok([self.quiet_at(), self.due_by_clock()].into_iter().flatten().min())
    }

    /// When the next window is to be closed, where time is the host's clock.
    fn due_by_clock(&self) -> Option<Timestamp> {
        let end = self.pipeline.next_close(self.clock.closed()).filter(|_| self.is_processing_time())?;
        Some(Timestamp(end.saturating_add(CLOCK_BEHIND_MS - 1)))
    }

    /// When open windows are to be closed because nothing comes any more (`forebay.close-after-idle`).
    fn quiet_at(&self) -> Option<Timestamp> {
        let after = self.close_after_idle_ms()?;
        // Nothing is read of an input that has ended, so it does not rest either: the others decide.
        let open = self.inputs.iter().filter(|input| !input.has_ended());
        let since = open.map(Input::resting_since).collect::<Option<Vec<_>>>()?;
        self.pipeline.next_close(self.clock.watermark())?;
        since.into_iter().max().map(|since| since.plus_ms(after))
    }
}
