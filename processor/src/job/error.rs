//! Why a task stops, and what is to be done then.

use crate::host::HostError;

/// A task has stopped. It must be dropped; nothing that it had not committed has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// Another session took over the task's transactional id: somebody else runs it, this one must not come back.
    #[error("{0}")]
    Fenced(String),
    /// Opening the task again, after a pause, may help.
    #[error("{0}")]
    Retry(String),
    /// Its surroundings have changed; it is to be opened again at once.
    #[error("{0}")]
    Reopen(String),
    /// It would fail at the same place again: a person has to do something. The job is to be shown as failed.
    #[error("{0}")]
    Failed(String),
}

impl TaskError {
    /// Sorts a host's error; `what` says what was being done.
    #[must_use]
    pub fn from_host(what: &str, error: HostError) -> TaskError {
        let text = format!("{what}: {error}");
        match error {
            HostError::Fenced(_) => TaskError::Fenced(text),
            // A partition may be moving, or its topic about to be created.
            HostError::Storage(_) | HostError::UnknownPartition(_) => TaskError::Retry(text),
            HostError::OffsetOutOfRange { .. } | HostError::Refused(_) => TaskError::Failed(text),
        }
    }
}
