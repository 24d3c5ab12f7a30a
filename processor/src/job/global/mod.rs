//! A task that merges what other tasks have gathered: it owns one partition of the repartition topic, and so the keys in it.
//!
//! It reads committed records only, in offset order. What a reading task gathered stands before the times that its partitions had come
//! to then (see [`commit`](crate::commit)), so the minimum of those times closes windows exactly as it does where one task
//! reads all partitions. Times are part of the commit too: they are in the changelog, with the state.

mod anew;
mod commit;
mod describe;
mod open;
mod savepoint;
mod times;

use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId, TopicPartition};

use self::times::Times;
use super::catch_up::{CatchUp, StepEnd};
use super::clock::{Closing, EventClock};
use super::counters::Counters;
use super::error::TaskError;
use super::guard::Guard;
use super::options::TaskOptions;
use super::pending::Pending;
use super::reader::{PartitionReader, ReadFailure};
use super::resources::PipelineResources;
use super::side::SideOutputs;
use super::subtask::SubtaskId;
use super::task::Progress;
use crate::commit::{RecordBuffer, decode_topic, is_times, is_topic};
use crate::expr::step_begins;
use crate::host::{Host, Session};
use crate::operator::{LateTardy, Look, Looked, Pipeline, RowError};
use crate::plan::JobPlan;
use crate::state::TaskState;
use crate::state::changelog::{self, ChangelogError};

/// The merging task.
#[derive(Debug)]
pub struct GlobalTask {
    plan: Arc<JobPlan>,
    id: SubtaskId,
    names: PipelineResources,
    options: TaskOptions,
    session: Session,
    input: Vec<TopicPartition>,
    reader: PartitionReader,
    /// The topic whose rows are merged, once that is known.
    topic: Option<TopicId>,
    /// What was dropped with the last one, for as long as the task runs.
    dropped: Option<String>,
    times: Times,
    late: u64,
    /// Where late rows go whose records came with them.
    side: SideOutputs,
    pipeline: Pipeline,
    changelog: TopicPartition,
    clock: EventClock,
    output: RecordBuffer,
    pending: Pending,
    guard: Guard,
    purge_at: Timestamp,
    /// [`Host::micros`] when the present step began.
    step_began: u64,
    catch_up: CatchUp,
    counters: Counters,
}

/// Why a record of the repartition topic cannot be taken in.
#[derive(Debug, thiserror::Error)]
enum MergeError {
    #[error("its times cannot be read")]
    Times,
    #[error("its topic cannot be read")]
    Topic,
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Record(#[from] ChangelogError),
    #[error(transparent)]
    Row(#[from] RowError),
}

impl GlobalTask {
    /// What it keeps, as of its last commit: what is not committed yet is, before.
    ///
    /// # Errors
    /// As [`GlobalTask::step`]; the inner error is for who asked, the task goes on.
    pub fn look(&mut self, host: &dyn Host, look: &Look) -> Result<Result<Looked, RowError>, TaskError> {
        self.finish(host)?;
        let closed = self.clock.closed();
        Ok(self.pipeline.look(closed, host.now(), look))
    }

    /// The partition it reads, to be watched.
    #[must_use]
    pub fn inputs(&self) -> &[TopicPartition] {
        &self.input
    }

    /// Does a bounded amount of work.
    pub fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        let progress = self.guarded(host, |task| task.work(host));
        self.catch_up.step_ended(host.micros());
        progress
    }

    /// Commits what is computed but not committed.
    pub fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        self.guarded(host, |task| task.finish_now(host, host.now()))
    }

    fn finish_now(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        if self.pending.is_empty() { Ok(()) } else { self.commit(host, now) }
    }

    fn guarded<T>(
        &mut self,
        host: &dyn Host,
        work: impl FnOnce(&mut GlobalTask) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        self.guard.check()?;
        step_begins(host.now().0);
        let result = work(self);
        let GlobalTask { guard, changelog, pipeline, .. } = self;
        guard.see(result, host, pipeline.state_mut().map(|state| (&*changelog, state)))
    }

    fn work(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        let now = host.now();
        self.step_began = host.micros();
        let rows = self.output.len();
        self.reader.poll(host).map_err(|error| TaskError::from_host("looking for partial results", error))?;
        // What waits to be closed comes first: nothing grows beyond one step.
        if !self.clock.is_behind() {
            self.read(host, now)?;
        }
        self.advance_time(host, now)?;
        let is_due = self.commit_due().is_some_and(|due| due <= now);
        if is_due && !self.catch_up.may_go_on(self.step_end(now, rows), &self.options) {
            self.commit(host, now)?;
        }
        if self.clock.is_behind() || self.has_more() {
            return Ok(Progress::Busy);
        }
        if self.has_ended() {
            self.finish_now(host, now)?;
            return Ok(Progress::Finished);
        }
        let until = [self.commit_due(), self.clock.due_by_clock(&self.pipeline)].into_iter().flatten().min();
        Ok(Progress::Waiting { until })
    }

    /// What the present step has done, which began with so many records to be written.
    fn step_end(&self, now: Timestamp, records: u64) -> StepEnd {
        let unread = self.reader.stable_end().0.saturating_sub(self.reader.position().0);
        StepEnd {
            began: self.step_began,
            with_rows: self.output.len() > records,
            unread: u64::try_from(unread).unwrap_or(0),
            can_read: self.has_more(),
            bytes_in: self.counters.bytes_in,
            output_bytes: self.output.size_in_bytes(),
            changed_bytes: self.pipeline.state().map_or(0, TaskState::changed_bytes),
            age_ms: self.pending.age_ms(now),
        }
    }

    fn has_more(&self) -> bool {
        self.reader.position() < self.reader.stable_end()
    }

    /// Whether the input is bounded and everything of it has come through.
    fn has_ended(&self) -> bool {
        self.plan.pipelines[self.id.pipeline].source.policies.bounded.is_some()
            && self.times.all.values().all(|time| time.ended)
    }

    /// Whether all is read and nothing has come for so long that open windows are to close.
    fn is_quiet(&self) -> bool {
        !self.has_more() && self.times.all.values().all(|time| time.quiet || time.ended)
    }

    fn read(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        let mut budget = self.options.step_bytes;
        while self.has_more() && budget > 0 {
            let bytes = self.read_some(host, now, budget.min(self.options.read_bytes))?;
            if bytes == 0 {
                break;
            }
            budget = budget.saturating_sub(bytes);
            self.counters.bytes_in += bytes as u64;
            self.pending.note(now);
            self.options.check_waiting(self.pipeline.state().map_or(0, TaskState::waiting_bytes))?;
        }
        Ok(())
    }

    fn read_some(&mut self, host: &dyn Host, now: Timestamp, most: usize) -> Result<usize, TaskError> {
        let GlobalTask {
            reader, topic, dropped, pipeline, times, late, output, clock, counters, pending, side, ..
        } = self;
        let partition = reader.partition().clone();
        let partitions = host.partitions(&self.plan.pipelines[self.id.pipeline].source.topic).unwrap_or(0);
        let read = reader.read(host, most, |record| {
            if is_topic(record.key) {
                let id = record.value.and_then(decode_topic).ok_or(MergeError::Topic)?;
                if topic.replace(id).is_some_and(|before| before != id) {
                    *dropped = anew::forget(pipeline, clock, times, partitions, now)?;
                }
                return Ok(());
            }
            if is_times(record.key) {
                return if times.learn(record.value, true) { Ok(()) } else { Err(MergeError::Times) };
            }
            counters.records_in += 1;
            pending.records = true;
            let merged = pipeline.merge(changelog::decode(record.key, record.value)?, clock.closed(), now, output)?;
            *late += merged.rows;
            merged.tardy.iter().for_each(|tardy| side.late_tardy(tardy.partition, tardy, output));
            Ok(())
        });
        let settled = pipeline.settle(clock.closed(), now, output);
        let read = read.and_then(|bytes| match settled {
            Ok(()) => Ok(bytes),
            Err(error) => Err(ReadFailure::Sink(reader.position(), error.into())),
        });
        read.map_err(|failure| match failure {
            ReadFailure::Host(error) => TaskError::from_host("reading partial results", error),
            ReadFailure::Batch { offset, error } => {
                TaskError::Failed(format!("{partition}@{offset}: the batch is damaged: {error}"))
            }
            ReadFailure::Sink(_, MergeError::Task(error)) => error,
            ReadFailure::Sink(_, MergeError::Row(error)) if error.is_of_disk() => TaskError::Retry(error.to_string()),
            ReadFailure::Sink(offset, error) => TaskError::Failed(format!("{partition}@{offset}: {error}")),
        })
    }

    /// Closes the windows that time has passed.
    fn advance_time(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        // A partition that is there and that nobody has told of yet may have rows that are as early as any.
        if self.times.are_of_all(host, &self.plan.pipelines[self.id.pipeline].source.topic) {
            self.clock.update(self.times.counted());
        }
        if self.has_ended() {
            self.clock.raise(i64::MAX);
        }
        self.clock.follow(&self.pipeline, now);
        let (before, quiet) = (self.clock.closed(), self.is_quiet());
        let GlobalTask { clock, pipeline, output: out, options, late, side, .. } = self;
        let mut late = |tardy: LateTardy, out: &mut RecordBuffer| {
            *late += 1;
            side.late_tardy(tardy.partition, &tardy, out);
        };
        clock.advance(quiet, Closing { pipeline, out, most: options.output_bytes, now, late: &mut late })?;
        self.late += self.pipeline.take_late();
        if self.clock.closed() > before {
            self.pending.note(now);
        }
        Ok(())
    }

    fn commit_due(&self) -> Option<Timestamp> {
        let changed = self.pipeline.state().map_or(0, TaskState::changed_bytes);
        self.pending.due(!self.output.is_empty() || changed > self.options.commit_state_bytes, &self.options)
    }
}
