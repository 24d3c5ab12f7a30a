//! Writes a savepoint between two steps.

use forebay_storage::ids::TopicPartition;

use super::Task;
use crate::host::Host;
use crate::job::error::TaskError;
use crate::job::input::Input;
use crate::job::savepoint::{Pieces, Saved, SavedOffset, SavepointAbout};
use crate::state::TaskState;

impl Task {
    /// Commits everything so far, and writes a savepoint of just that to the partition `to`, which must be empty. Nothing else is done
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn savepoint(&mut self, host: &dyn Host, to: &TopicPartition, about: &SavepointAbout) -> Result<(), TaskError> {
        self.guarded(host, |task| {
            task.step_began = host.micros();
            // Where each partition stands is in the savepoint, read or not.
            task.inputs.iter_mut().for_each(Input::mark_dirty);
            task.commit(host, host.now())?;
            let owner = task.owner.clone();
            let saved = Saved {
                pipeline: task.id.pipeline,
                offsets: task.saved_offsets(&owner).collect(),
                owner,
                topic: task.plan.pipelines[task.id.pipeline].source.topic.clone(),
                closed: task.closed(),
                late: 0,
            };
            task.write_pieces(host, to, |pieces, state| {
                pieces.head(saved, about)?;
                state.map_or(Ok(()), |state| pieces.state(state))?;
                pieces.end();
                Ok(())
            })
        })
    }

    /// Watermark up to which windows are closed.
    pub(in crate::job) fn closed(&self) -> i64 {
        self.clock.closed()
    }

    /// Where its inputs stand, for `owner`.
    pub(in crate::job) fn saved_offsets(&self, owner: &str) -> impl Iterator<Item = SavedOffset> {
        let has_state = self.pipeline.state().is_some();
        self.inputs.iter().map(move |input| {
            let offset = input.offset(owner, self.clock.closed(), has_state);
            let topic = (input.topic_number() > 0).then(|| input.topic_partition().topic.to_string());
            SavedOffset {
                topic,
                partition: input.partition(),
                offset: offset.offset.0,
                leader_epoch: offset.leader_epoch.0,
                metadata: offset.metadata,
            }
        })
    }

    /// Writes a part of a savepoint; everything must be committed.
    pub(in crate::job) fn write_pieces(
        &mut self,
        host: &dyn Host,
        to: &TopicPartition,
        write: impl FnOnce(&mut Pieces<'_>, Option<&TaskState>) -> Result<(), TaskError>,
    ) -> Result<(), TaskError> {
        let Task { session, names, pipeline, options, .. } = self;
        let mut pieces = Pieces::new(host, (session, &names.group), to, options.output_bytes);
        write(&mut pieces, pipeline.state())?;
        pieces.finish()
    }
}
