//! Keeps a task from going on once something has failed: memory and log may differ then.

use forebay_storage::ids::TopicPartition;

use super::error::TaskError;
use super::spill;
use crate::host::Host;
use crate::state::TaskState;

/// Whether something has failed.
#[derive(Debug, Default)]
pub struct Guard {
    broken: bool,
}

impl Guard {
    /// Fails if something has failed before.
    pub fn check(&self) -> Result<(), TaskError> {
        match self.broken {
            true => Err(TaskError::Retry("the task has failed before and must be opened again".to_owned())),
            false => Ok(()),
        }
    }

    /// Sees how something went, and gives up `state` on disk that has turned out to be damaged.
    pub fn see<T>(
        &mut self,
        result: Result<T, TaskError>,
        host: &dyn Host,
        state: Option<(&TopicPartition, &mut TaskState)>,
    ) -> Result<T, TaskError> {
        self.broken = result.is_err();
        if let (true, Some((changelog, state))) = (self.broken, state) {
            spill::give_up(host, changelog, state);
        }
        result
    }
}
