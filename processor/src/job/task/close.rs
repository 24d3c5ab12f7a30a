//! Moves the task's watermark and closes the windows that it has passed.

use forebay_storage::ids::Timestamp;

use super::Task;
use crate::commit::RecordBuffer;
use crate::job::clock::Closing;
use crate::job::error::TaskError;
use crate::job::input::Input;
use crate::operator::LateTardy;
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
        self.clock.follow(&self.pipeline, now);
        let before = self.clock.closed();
        let quiet = self.quiet_at().is_some_and(|at| at <= now);
        let Task { clock, pipeline, output: out, options, inputs, topics, .. } = self;
        let mut late = |tardy: LateTardy, out: &mut RecordBuffer| {
            let Some(input) = inputs.iter_mut().find(|input| input.number() == tardy.partition) else { return };
            input.add_late(1);
            topics[input.topic_number()].side.late_tardy(input.partition(), &tardy, out);
        };
        let closing = Closing { pipeline, out, most: options.output_bytes, now, late: &mut late };
        let overdue = clock.advance(quiet, closing)?;
        if let Some(input) = inputs.first_mut() {
            input.add_late(pipeline.take_late());
        }
        // The task's watermark is committed with some input's offset, whatever it was that moved it. What was done of the work that is not
        // done yet is in memory until then.
        let is_behind = clock.is_behind() || overdue;
        self.pending.records |= is_behind;
        if (clock.closed() > before || is_behind)
            && !inputs.iter().any(Input::is_dirty)
            && let Some(input) = inputs.first_mut()
        {
            input.mark_dirty();
        }
        Ok([self.quiet_at(), self.clock.due_by_clock(&self.pipeline)].into_iter().flatten().min())
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
