//! Jobs at work. The broker owns threads and time; a job only says what to do next.
//!
//! For each INSERT INTO of a job there is one [`Task`]: a synchronous state machine that the broker opens and steps, from any one
//! thread at a time. A task that has returned an error is dropped and opened again (or not, see [`TaskError`]); what it
//! had not committed is as if it had never been.
//!
//! ```text
//! let task = Task::open(&plan, name, pipeline, host, options)?;
//! let guard = host.watch(task.inputs(), wake);      // before the first step, so that no wake-up is lost
//! loop { match task.step(host)? { Progress::Busy => {}, Progress::Waiting { until } => /* sleep until woken, or until then */ } }
//! ```

mod aborted;
mod catch_up;
mod clock;
mod counters;
mod error;
mod exchange;
mod global;
mod guard;
mod input;
mod open;
mod options;
mod origin;
mod pending;
mod reader;
mod resources;
mod savepoint;
mod side;
mod spill;
mod status;
mod subtask;
mod task;
mod topic;
mod why;

pub use error::TaskError;
pub use global::GlobalTask;
pub use options::TaskOptions;
pub use reader::{PartitionReader, ReadFailure};
pub use resources::{
    INTERNAL_MESSAGE_BYTES, PipelineResources, is_read_later, resources, savepoint_spec, topics_of_job,
};
pub use savepoint::{
    SavedOffset, SavepointAbout, SavepointHead, check_start, read_head, savepoint_at_rest, start_from,
};
pub use side::{MAX_MESSAGE, header};
pub use status::{BadRecord, Hold, InputStatus, JobStatus, State, TaskStatus};
pub use subtask::{Stage, Subtask, SubtaskId, subtasks};
pub use task::{Progress, Task};
pub use why::{time_text, why};
