//! Writes savepoints: of one task between two steps, or of all tasks of a pipeline that stands still.

use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::{END_KEY, HEAD_KEY, SavedOffset, SavepointAbout, SavepointHead, VERSION};
use crate::commit::RecordBuffer;
use crate::host::{CommitSet, Host, Session};
use crate::job::error::TaskError;
use crate::job::global::GlobalTask;
use crate::job::options::TaskOptions;
use crate::job::resources::resources;
use crate::job::spill;
use crate::job::subtask::{Stage, of_pipeline};
use crate::job::task::Task;
use crate::plan::JobPlan;
use crate::state::TaskState;
use crate::time::NO_WATERMARK;

/// Where a pipeline stood.
pub struct Saved {
    /// Number of the pipeline.
    pub pipeline: usize,
    /// Whose the offsets' metadata say that they are.
    pub owner: String,
    /// Topic that it reads.
    pub topic: String,
    /// Its positions.
    pub offsets: Vec<SavedOffset>,
    /// Watermark up to which windows were closed.
    pub closed: i64,
    /// Late rows that no offset's metadata counts.
    pub late: u64,
}

/// A part of a savepoint, written by one task in transactions of a bounded size.
pub struct Pieces<'a> {
    host: &'a dyn Host,
    session: &'a mut Session,
    group: String,
    to: &'a TopicPartition,
    now: Timestamp,
    most: u64,
    buffer: RecordBuffer,
    failure: Option<TaskError>,
}

impl<'a> Pieces<'a> {
    /// To the partition `to`; a piece has about `most` bytes. `group` is the task's.
    pub fn new(
        host: &'a dyn Host,
        (session, group): (&'a mut Session, &str),
        to: &'a TopicPartition,
        most: u64,
    ) -> Pieces<'a> {
        let (now, group) = (host.now(), group.to_owned());
        Pieces { host, session, group, to, now, most, buffer: RecordBuffer::default(), failure: None }
    }

    /// Adds the head.
    pub fn head(&mut self, saved: Saved, about: &SavepointAbout) -> Result<(), TaskError> {
        let Saved { pipeline, owner, topic, offsets, closed, late } = saved;
        let head = SavepointHead {
            version: VERSION,
            savepoint: about.savepoint.clone(),
            job: about.job.clone(),
            sql: about.sql.clone(),
            created_ms: self.now.0,
            pipeline,
            owner,
            topic,
            offsets,
            closed: (closed != NO_WATERMARK).then_some(closed),
            late,
        };
        let head = serde_json::to_vec(&head);
        let head = head.map_err(|error| TaskError::Failed(format!("writing a savepoint: {error}")))?;
        self.put(HEAD_KEY, Some(&head));
        Ok(())
    }

    /// Adds all of a state.
    pub fn state(&mut self, state: &TaskState) -> Result<(), TaskError> {
        let written = state.write_all(&mut |key, value| self.put(key, value));
        written.map_err(|error| spill::state_error(&error))
    }

    /// Adds what says that this is all.
    pub fn end(&mut self) {
        self.put(END_KEY, Some(&[]));
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        if self.failure.is_none() {
            self.buffer.push(self.to, self.now, Some(key), value);
        }
        if self.buffer.size_in_bytes() > self.most {
            self.failure = self.commit().err();
        }
    }

    fn commit(&mut self) -> Result<(), TaskError> {
        let records = std::mem::take(&mut self.buffer).into_batches();
        let set = CommitSet { group: self.group.clone(), records, offsets: Vec::new() };
        let done = self.host.commit(self.session, set);
        done.map_err(|error| TaskError::from_host("writing a savepoint", error))
    }

    /// Commits what is not yet.
    pub fn finish(mut self) -> Result<(), TaskError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None if self.buffer.is_empty() => Ok(()),
            None => self.commit(),
        }
    }
}

/// Writes a savepoint of a pipeline that nobody runs to the partition `to`, which must be empty. Opens all of its tasks; what those that
/// read have gathered is merged first, so that positions and state are of one moment.
///
/// # Errors
/// As [`Task::open`] and [`Task::step`].
pub fn savepoint_at_rest(
    host: &dyn Host,
    (plan, pipeline): (&Arc<JobPlan>, usize),
    to: &TopicPartition,
    about: &SavepointAbout,
    options: TaskOptions,
) -> Result<(), TaskError> {
    let missing = || TaskError::Failed(format!("job '{}' has no pipeline {pipeline}", about.job));
    let planned = plan.pipelines.get(pipeline).ok_or_else(missing)?;
    let (mut readers, mut merging) = (Vec::new(), Vec::new());
    for id in of_pipeline((pipeline, planned)) {
        match id.stage {
            Stage::Global => merging.push(GlobalTask::open(plan, &about.job, id, host, options)?),
            _ => readers.push(Task::open_subtask(plan, &about.job, id, host, options)?),
        }
    }
    merging.iter_mut().try_for_each(|task| task.drain(host))?;
    let owner = resources(&about.job, plan).swap_remove(pipeline).transactional_id;
    let mut offsets: Vec<_> = readers.iter().flat_map(|task| task.saved_offsets(&owner)).collect();
    offsets.sort_by_key(|offset: &SavedOffset| (offset.topic.clone(), offset.partition));
    let closed = match merging.is_empty() {
        true => readers.iter().map(Task::closed).min(),
        false => merging.iter().map(GlobalTask::closed).min(),
    };
    let saved = Saved {
        pipeline,
        owner,
        topic: planned.source.topic.clone(),
        offsets,
        closed: closed.unwrap_or(NO_WATERMARK),
        late: merging.iter().map(GlobalTask::late).sum(),
    };
    let first = readers.first_mut().ok_or_else(missing)?;
    first.write_pieces(host, to, |pieces, state| {
        pieces.head(saved, about)?;
        state.map_or(Ok(()), |state| pieces.state(state))
    })?;
    for task in &mut merging {
        task.write_pieces(host, to, |pieces, state| state.map_or(Ok(()), |state| pieces.state(state)))?;
    }
    first.write_pieces(host, to, |pieces, _| {
        pieces.end();
        Ok(())
    })
}
