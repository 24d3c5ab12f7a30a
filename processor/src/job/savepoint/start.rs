//! Gives a new job the positions and the state of a savepoint, whatever its number of tasks is.

use std::sync::Arc;

use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicPartition};

use super::{END_KEY, READ_BYTES, SavedOffset, SavepointHead, parse_head, range, read};
use crate::commit::{InputProgress, PartitionTime, RecordBuffer, encode_times, times_key};
use crate::host::{CommitSet, CommittedOffset, Host, Session};
use crate::job::error::TaskError;
use crate::job::open::{ensure_internal, input_partitions};
use crate::job::options::TaskOptions;
use crate::job::resources::{PipelineResources, resources};
use crate::job::subtask::{Stage, SubtaskId, of_pipeline};
use crate::operator::{Pipeline, StateSpread};
use crate::plan::{self, JobPlan};
use crate::time::NO_WATERMARK;

/// Checks that the job `name` has neither state nor positions, so that it can start from a savepoint.
///
/// # Errors
/// [`TaskError::Failed`] says what is there.
pub fn check_start(host: &dyn Host, plan: &JobPlan, name: &str) -> Result<(), TaskError> {
    let mut pipelines = plan.pipelines.iter().zip(resources(name, plan));
    pipelines.try_for_each(|(pipeline, names)| check_fresh(host, pipeline, name, &names))
}

fn check_fresh(
    host: &dyn Host,
    pipeline: &crate::plan::Pipeline,
    name: &str,
    names: &PipelineResources,
) -> Result<(), TaskError> {
    for changelog in partitions_of(host, names.changelog.as_deref()) {
        let range = host.offset_range(&changelog);
        let range = range.map_err(|error| TaskError::from_host("looking for state", error))?;
        if range.start < range.stable_end {
            return Err(TaskError::Failed(format!("job '{name}' has state already in {changelog}")));
        }
    }
    let mut inputs = Vec::new();
    for source in pipeline.topics() {
        inputs.extend(input_partitions(host, source)?);
    }
    let committed = host.committed(&names.group, &inputs, true);
    let committed = committed.map_err(|error| TaskError::from_host("looking for positions", error))?;
    match inputs.iter().zip(committed).find_map(|(partition, found)| Some((partition, found?))) {
        None => Ok(()),
        Some((partition, found)) => Err(TaskError::Failed(format!(
            "group '{}' has the offset {} of {partition} already, which is not to be lost; delete the group, or name another one with \
             'properties.group.id'",
            names.group, found.offset
        ))),
    }
}

/// The partitions of a topic, if it is there.
fn partitions_of(host: &dyn Host, topic: Option<&str>) -> impl Iterator<Item = TopicPartition> {
    let count = topic.and_then(|topic| host.partitions(topic)).unwrap_or(0);
    let topic: Arc<str> = topic.unwrap_or_default().into();
    (0..count).map(move |partition| TopicPartition::new(Arc::clone(&topic), partition))
}

/// Gives pipeline number `pipeline_index` of the job `name`, which must not have run yet, the positions and the state of a savepoint. No
/// more than about [`TaskOptions::output_bytes`] of it are in memory at a time, and in a transaction; the last one has the positions.
///
/// # Errors
/// [`TaskError::Failed`] if the state does not fit the plan, or the job has positions of its own already.
pub fn start_from(
    host: &dyn Host,
    plan: &JobPlan,
    name: &str,
    pipeline_index: usize,
    savepoint: &TopicPartition,
    options: &TaskOptions,
) -> Result<(), TaskError> {
    let no_pipeline = || TaskError::Failed(format!("job '{name}' has no pipeline {pipeline_index}"));
    let pipeline = plan.pipelines.get(pipeline_index).ok_or_else(no_pipeline)?;
    let names = resources(name, plan).swap_remove(pipeline_index);
    let session = host
        .open_session(&names.transactional_id)
        .map_err(|error| TaskError::from_host("opening the transactional session", error))?;
    check_fresh(host, pipeline, name, &names)?;
    let tasks = of_pipeline((pipeline_index, pipeline));
    let states = tasks.last().map_or(1, |task| if task.stage == Stage::Global { task.parallelism } else { 1 });
    for topic in [&names.changelog, &names.repartition].into_iter().flatten() {
        ensure_internal(host, topic, states)?;
    }
    let changelog: Vec<_> = partitions_of(host, names.changelog.as_deref()).collect();
    let mut seed = Seed { host, session, names: &names, changelog, out: RecordBuffer::default(), now: host.now() };
    let head = seed.copy_state(pipeline, savepoint, options.output_bytes)?;
    let head = head.ok_or_else(|| TaskError::Failed(format!("there is no savepoint in {savepoint}")))?;
    seed.finish(pipeline, &tasks, savepoint, &head)
}

/// The new job's transactions.
struct Seed<'a> {
    host: &'a dyn Host,
    session: Session,
    names: &'a PipelineResources,
    /// One for each task with state.
    changelog: Vec<TopicPartition>,
    out: RecordBuffer,
    now: Timestamp,
}

impl Seed<'_> {
    /// Copies the state, each key to the task that has it from now on. Returns the head.
    fn copy_state(
        &mut self,
        pipeline: &plan::Pipeline,
        savepoint: &TopicPartition,
        most: u64,
    ) -> Result<Option<SavepointHead>, TaskError> {
        // What does not fit is refused before anything of it is committed, or at least before the positions are.
        let mut check = Pipeline::new(pipeline, 1, 0);
        let mut spread = StateSpread::new(&pipeline.stages, self.changelog.len());
        let wrong = |error: &dyn std::fmt::Display| TaskError::Failed(format!("{savepoint}: {error}"));
        let (mut head, mut begun) = (None, false);
        let from = range(self.host, savepoint)?.start;
        read(self.host, savepoint, from, READ_BYTES, &mut |key, value| {
            if head.is_none() {
                head = Some(parse_head(savepoint, key, value)?);
                return Ok(());
            }
            let Some(state) = check.state_mut().filter(|_| key != Some(END_KEY)) else { return Ok(()) };
            state.restore(key, value).map_err(|error| wrong(&error))?;
            match spread.task_of(key, value).map_err(|error| wrong(&error))? {
                Some(task) => self.out.push(&self.changelog[task], self.now, key, value),
                // A task's state begins; of all of them together there is one beginning.
                None if begun => {}
                None => {
                    begun = true;
                    self.changelog.iter().for_each(|to| self.out.push(to, self.now, key, value));
                }
            }
            if self.out.size_in_bytes() > most {
                state.forget_content();
                self.commit(Vec::new())?;
            }
            Ok(())
        })?;
        Ok(head)
    }

    fn commit(&mut self, offsets: Vec<(TopicPartition, CommittedOffset)>) -> Result<(), TaskError> {
        let records = std::mem::take(&mut self.out).into_batches();
        let set = CommitSet { group: self.names.group.clone(), records, offsets };
        let done = self.host.commit(&mut self.session, set);
        done.map_err(|error| TaskError::from_host("starting from the savepoint", error))
    }

    /// Commits the positions of all `tasks`, with what they belong to.
    fn finish(
        mut self,
        pipeline: &plan::Pipeline,
        tasks: &[SubtaskId],
        savepoint: &TopicPartition,
        head: &SavepointHead,
    ) -> Result<(), TaskError> {
        let mut saved = Vec::with_capacity(head.offsets.len());
        for offset in &head.offsets {
            let progress = InputProgress::from_text(&offset.metadata, &head.owner)
                .map_err(|error| TaskError::Failed(format!("{savepoint}: {error}")))?;
            saved.push((offset, progress));
        }
        let of_offsets = saved.iter().map(|(_, progress)| progress.combined).max();
        let combined = head.closed.or(of_offsets).unwrap_or(NO_WATERMARK);
        let has_state = !self.changelog.is_empty();
        let merging = tasks.iter().filter(|task| task.stage == Stage::Global);
        let mut offsets = Vec::new();
        for task in merging.clone() {
            // The reading tasks tell of their times only when these change: the others begin with what was known.
            let times = saved.iter().map(|(offset, progress)| (offset.partition, time_of(offset, progress)));
            let (key, value) = (times_key(), encode_times(times));
            self.out.push(&self.changelog[task.index], self.now, Some(key), Some(&value));
            let input = TopicPartition::new(self.names.repartition.as_deref().unwrap_or_default(), task.index as i32);
            let start = self.host.offset_range(&input);
            let start = start.map_err(|error| TaskError::from_host("starting from the savepoint", error))?.start;
            let late = if task.index == 0 { head.late } else { 0 };
            let progress = InputProgress { combined, has_state, late, ..InputProgress::NEW };
            offsets.push((input, committed(start, LeaderEpoch::UNKNOWN, &progress, &task.owner(self.names))));
        }
        let topic: Arc<str> = pipeline.source.topic.as_str().into();
        let merged = merging.count() > 0;
        let owner = tasks.first().map_or_else(String::new, |task| task.owner(self.names));
        for (number, (offset, progress)) in saved.into_iter().enumerate() {
            // One task counts all late rows with its partitions.
            let late = progress.late + if number == 0 && !merged { head.late } else { 0 };
            let combined = if merged { NO_WATERMARK } else { combined };
            let progress = InputProgress { combined, has_state: has_state && !merged, late, ..progress };
            let of: Arc<str> = offset.topic.as_deref().map_or_else(|| Arc::clone(&topic), Arc::from);
            let partition = TopicPartition::new(of, offset.partition);
            let (position, epoch) = (Offset(offset.offset), LeaderEpoch(offset.leader_epoch));
            offsets.push((partition, committed(position, epoch, &progress, &owner)));
        }
        self.commit(offsets)
    }
}

fn committed(offset: Offset, leader_epoch: LeaderEpoch, progress: &InputProgress, owner: &str) -> CommittedOffset {
    CommittedOffset { offset, leader_epoch, metadata: progress.to_text(owner) }
}

fn time_of(offset: &SavedOffset, progress: &InputProgress) -> PartitionTime {
    let ended = progress.end.is_some_and(|end| offset.offset >= end.0);
    PartitionTime { time: progress.time, ended, quiet: false }
}
