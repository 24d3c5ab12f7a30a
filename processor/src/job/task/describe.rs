//! What a task shows of itself.

use super::{Task, can_read};
use crate::job::input::Input;
use crate::job::status::TaskStatus;

impl Task {
    /// A description of where it stands.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        let inputs: Vec<_> = self.inputs.iter().map(Input::status).collect();
        let limit = self.drift_limit();
        let waiting = |input: &&Input| input.has_more() && !can_read(input, limit);
        let holds = self.clock.held_by();
        let held_by = self.inputs.iter().find(|input| Some(input.number()) == holds);
        let hold = |input: &Input| input.hold(self.topics[input.topic_number()].idle_policy);
        TaskStatus {
            finished: self.has_ended() && self.clock.closed() == i64::MAX,
            held_by: held_by.filter(|_| !self.pipeline.is_processing_time()).map(hold),
            waiting_for_others: self.inputs.iter().filter(waiting).map(Input::partition).collect(),
            last_bad: self.inputs.iter().filter_map(Input::last_bad).next_back().cloned(),
            late: inputs.iter().map(|input| input.late).sum(),
            undecodable: inputs.iter().map(|input| input.undecodable).sum(),
            inputs,
            ..self.counters.describe((&self.plan, self.id, &self.names), &self.pipeline, &self.clock)
        }
    }
}
