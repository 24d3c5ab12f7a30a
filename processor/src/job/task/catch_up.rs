//! How a task that is far behind commits less often.
//!
//! What is the latest result is of no interest then, so a commit may wait for the results of some more steps: each costs a transaction, and
//! each writes all keys to the changelog that have changed since the last, also those of windows that are about to close.
//! The transaction itself is not open meanwhile: what is held back is in memory, and no reader waits for it.

use forebay_storage::ids::Timestamp;

use super::{Task, can_read};
use crate::job::input::Input;

/// A task whose turn comes again so soon, in microseconds, has a processor to itself. Others do not keep results from one step to the
/// next: many of them would take much memory together.
const AT_ONCE_US: u64 = 5_000;

/// What a task has to know of its last steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchUp {
    step_ended: u64,
    committed_bytes: u64,
}

impl CatchUp {
    /// A step has ended, at this reading of [`Host::micros`](crate::host::Host::micros).
    pub fn step_ended(&mut self, micros: u64) {
        self.step_ended = micros;
    }

    /// All of these bytes of input are committed.
    pub fn committed(&mut self, bytes_in: u64) {
        self.committed_bytes = bytes_in;
    }
}

impl Task {
    /// Whether what is to be committed may wait for the next step, which follows at once. A step `with_rows` has just closed windows:
    /// little is in those that are open, so that a commit writes little of them.
    pub(super) fn may_go_on(&self, now: Timestamp, with_rows: bool) -> bool {
        let options = &self.options;
        let bytes = self.counters.bytes_in.saturating_sub(self.catch_up.committed_bytes);
        let least = if with_rows { options.state_commit_ms } else { 2 * options.state_commit_ms };
        let limit = self.drift_limit();
        self.step_began.saturating_sub(self.catch_up.step_ended) < AT_ONCE_US
            && self.inputs.iter().map(Input::unread).sum::<u64>() > options.behind_records
            && self.inputs.iter().any(|input| can_read(input, limit))
            && bytes < options.behind_bytes
            && self.output.size_in_bytes() < options.output_bytes / 2
            && self.pending.age_ms(now) < least
    }
}
