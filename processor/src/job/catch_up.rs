//! How a task that is far behind commits less often.
//!
//! What is the latest result is of no interest then, so a commit may wait for the results of some more steps: each costs a transaction, and
//! each writes all keys to the changelog that have changed since the last, also those of windows that are about to close.
//! The transaction itself is not open meanwhile: what is held back is in memory, and no reader waits for it.

use super::options::TaskOptions;

/// A task whose turn comes again so soon, in microseconds, has a processor to itself. Others do not keep results from one step to the
/// next: many of them would take much memory together.
const AT_ONCE_US: u64 = 5_000;

/// What a task has to know of its last steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchUp {
    step_ended: u64,
    committed_bytes: u64,
}

/// What a task has done in the step that ends, and what is left to do.
#[derive(Clone, Copy, Debug)]
pub struct StepEnd {
    /// [`Host::micros`](crate::host::Host::micros) when it began.
    pub began: u64,
    /// Whether it has put out rows, by closing windows: little is in those that are open, so that a commit writes little of them.
    pub with_rows: bool,
    /// Records that are not read yet.
    pub unread: u64,
    /// Whether some of these can be read now.
    pub can_read: bool,
    /// Bytes of input that were ever read.
    pub bytes_in: u64,
    /// Bytes of what is to be written.
    pub output_bytes: u64,
    /// Bytes of state that has changed, about.
    pub changed_bytes: u64,
    /// How old the oldest of what is not committed is, in ms.
    pub age_ms: i64,
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

    /// Whether what is to be committed may wait for the next step, which follows at once.
    #[must_use]
    pub fn may_go_on(&self, step: StepEnd, options: &TaskOptions) -> bool {
        let least = if step.with_rows { options.behind_commit_ms } else { 2 * options.behind_commit_ms };
        step.began.saturating_sub(self.step_ended) < AT_ONCE_US
            && step.unread > options.behind_records
            && step.can_read
            && step.bytes_in.saturating_sub(self.committed_bytes) < options.behind_bytes
            && step.output_bytes < options.output_bytes / 2
            && step.changed_bytes <= options.commit_state_bytes
            && step.age_ms < least
    }
}
