//! Writes a savepoint with a commit.

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::Task;
use crate::commit::RecordBuffer;
use crate::host::Host;
use crate::job::error::TaskError;
use crate::job::input::Input;
use crate::job::savepoint::{self, SavedOffset, SavepointAbout, SavepointHead};

impl Task {
    /// Commits everything so far, and in the same transaction writes a savepoint to the partition `to`, which must be empty.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn savepoint(&mut self, host: &dyn Host, to: &TopicPartition, about: &SavepointAbout) -> Result<(), TaskError> {
        self.guarded(host, |task| {
            let now = host.now();
            task.step_began = host.micros();
            // The savepoint's offsets are those of the commit, so all of them are in it.
            task.inputs.iter_mut().for_each(Input::mark_dirty);
            let head = task.savepoint_head(now, about)?;
            let mut copy = RecordBuffer::default();
            copy.push(to, now, Some(savepoint::HEAD_KEY), Some(&head));
            task.commit_with(host, now, Some((to, copy)))
        })
    }

    fn savepoint_head(&self, now: Timestamp, about: &SavepointAbout) -> Result<Vec<u8>, TaskError> {
        let has_state = self.pipeline.state().is_some();
        let saved = |input: &Input| {
            let offset = input.offset(&self.owner, self.clock.closed(), has_state);
            SavedOffset {
                partition: input.status().partition,
                offset: offset.offset.0,
                leader_epoch: offset.leader_epoch.0,
                metadata: offset.metadata,
            }
        };
        let head = SavepointHead {
            version: savepoint::VERSION,
            savepoint: about.savepoint.clone(),
            job: about.job.clone(),
            sql: about.sql.clone(),
            created_ms: now.0,
            pipeline: self.id.pipeline,
            owner: self.owner.clone(),
            topic: self.plan.pipelines[self.id.pipeline].source.topic.clone(),
            offsets: self.inputs.iter().map(saved).collect(),
        };
        serde_json::to_vec(&head).map_err(|error| TaskError::Failed(format!("writing a savepoint: {error}")))
    }
}
