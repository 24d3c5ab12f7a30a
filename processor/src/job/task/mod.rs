//! One pipeline of a job as a synchronous state machine: read, compute, commit, again.
//!
//! A step reads about [`TaskOptions::step_bytes`] from the partitions that have data, in turns, closes the windows that time has passed, and
//! commits. So an idle task commits each record at once, and a loaded one commits large steps: the load itself sets the batch
//! size, no timer is on the way of a result.
//!
//! The only task of a pipeline owns all partitions of all topics that it reads, so the result is right whatever the group key is, and one transaction holds
//! everything. One of several owns some of them; if rows are kept, it only gathers what another task merges, see [`super::subtask`].

mod close;
mod commit;
mod describe;
mod open;
mod savepoint;

use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::catch_up::{CatchUp, StepEnd};
use super::clock::EventClock;
use super::counters::Counters;
use super::error::TaskError;
use super::exchange::{self, Exchange, Pressure};
use super::guard::Guard;
use super::input::{Input, ReadContext};
use super::options::TaskOptions;
use super::pending::Pending;
use super::resources::PipelineResources;
use super::subtask::SubtaskId;
use super::topic::ReadTopic;
use crate::commit::{InputProgress, RecordBuffer};
use crate::expr::step_begins;
use crate::host::{Host, Session};
use crate::operator::{Look, Looked, Pipeline, RowError};
use crate::plan::JobPlan;
use crate::state::TaskState;
use crate::time::NO_WATERMARK;

/// What the one who drives a task is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do: step again.
    Busy,
    /// The input has ended and everything is committed: the task may be dropped.
    Finished,
    /// Nothing to do until `Host::watch` wakes, or until that time if there is one.
    Waiting {
        /// When to step even without being woken.
        until: Option<Timestamp>,
    },
}

/// A running pipeline.
#[derive(Debug)]
pub struct Task {
    plan: Arc<JobPlan>,
    id: SubtaskId,
    /// Whose the committed positions are.
    owner: String,
    names: PipelineResources,
    options: TaskOptions,
    session: Session,
    topics: Vec<ReadTopic>,
    /// Those of all topics, one for each of the inputs.
    partitions: Vec<TopicPartition>,
    inputs: Vec<Input>,
    /// Whose turn it is to be read first.
    turn: usize,
    pipeline: Pipeline,
    changelog: Option<TopicPartition>,
    /// Where rows go that another task merges.
    exchange: Option<Exchange>,
    /// The watermark beyond which a partition has to wait because too many rows do in those who merge.
    held_to: Option<i64>,
    /// The watermark of the slowest partition that other tasks read, where partitions wait for each other and it counts.
    others_at: Option<i64>,
    clock: EventClock,
    output: RecordBuffer,
    pending: Pending,
    catch_up: CatchUp,
    guard: Guard,
    /// [`Host::micros`] when the present step began.
    step_began: u64,
    counters: Counters,
}

impl Task {
    /// What it keeps, as of its last commit: what is not committed yet is, before.
    ///
    /// # Errors
    /// As [`Task::step`]; the inner error is for who asked, the task goes on.
    pub fn look(&mut self, host: &dyn Host, look: &Look) -> Result<Result<Looked, RowError>, TaskError> {
        self.finish(host)?;
        let closed = self.clock.closed();
        Ok(self.pipeline.look(closed, host.now(), look))
    }

    /// The partitions it reads, to be watched.
    #[must_use]
    pub fn inputs(&self) -> &[TopicPartition] {
        &self.partitions
    }

    /// Does a bounded amount of work.
    ///
    /// # Errors
    /// The task has stopped: drop it, and see [`TaskError`] for what is next.
    pub fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        let progress = self.guarded(host, |task| task.work(host));
        self.catch_up.step_ended(host.micros());
        progress
    }

    /// Commits what is computed but not committed, before a pause or a shutdown. Without it nothing is lost, only computed again.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        self.guarded(host, |task| task.finish_now(host, host.now()))
    }

    fn finish_now(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        if self.pending.is_empty() { Ok(()) } else { self.commit(host, now) }
    }

    fn guarded<T>(
        &mut self,
        host: &dyn Host,
        work: impl FnOnce(&mut Task) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        self.guard.check()?;
        step_begins(host.now().0);
        let result = work(self);
        let Task { guard, changelog, pipeline, .. } = self;
        guard.see(result, host, changelog.as_ref().zip(pipeline.state_mut()))
    }

    fn work(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        let now = host.now();
        self.step_began = host.micros();
        let rows = self.output.len();
        self.check_topics(host)?;
        self.discover(host)?;
        for input in &mut self.inputs {
            input.poll(host)?;
        }
        let Pressure { full, crowded } = match &mut self.exchange {
            Some(exchange) => exchange.look(host, &self.names.group, &self.options)?,
            None => Pressure::default(),
        };
        self.held_to = if crowded { self.slowest_of_all(host)? } else { None };
        let is_aligned =
            self.id.parallelism > 1 && self.topics.iter().any(|topic| topic.source.policies.max_drift_ms.is_some());
        if is_aligned && self.inputs.iter().any(Input::has_more) {
            self.others_at = self.slowest_of_others(host, true)?;
        }
        // What waits to be closed comes first: nothing grows beyond one step.
        if !self.clock.is_behind() && !full {
            self.read_inputs(host, now)?;
        }
        let topics = &self.topics;
        let rest = |input: &mut Input| input.rest(now, topics[input.topic_number()].idle_policy);
        let idle_at = self.inputs.iter_mut().filter_map(rest).min();
        let close_at = self.advance_time(now)?;
        let tell_at = self.look_at_times(now);
        if self.inputs.iter().any(Input::is_dirty) {
            self.pending.note(now);
        }
        let due = self.commit_due();
        if due.is_some_and(|due| due <= now) && !self.catch_up.may_go_on(self.step_end(now, rows), &self.options) {
            self.commit(host, now)?;
        }
        let limit = self.drift_limit();
        // Nobody tells how far the other tasks are.
        let waits = is_aligned && self.inputs.iter().any(|input| input.has_more() && !can_read(input, limit));
        let again = (full || crowded || waits).then(|| now.plus_ms(self.options.repartition_pause_ms));
        if full {
            return Ok(Progress::Waiting { until: again });
        }
        if self.clock.is_behind() || self.inputs.iter().any(|input| can_read(input, limit)) {
            return Ok(Progress::Busy);
        }
        if self.has_ended() {
            self.finish_now(host, now)?;
            return Ok(Progress::Finished);
        }
        let until =
            [self.commit_due(), idle_at, close_at, tell_at, again, Some(now.plus_ms(self.options.discovery_ms))]
                .into_iter()
                .flatten()
                .min();
        // Windows that are to be closed now and did not fit the last commit.
        Ok(if close_at.is_some_and(|at| at <= now) { Progress::Busy } else { Progress::Waiting { until } })
    }

    /// What the present step has done, which began with so many records to be written.
    fn step_end(&self, now: Timestamp, records: u64) -> StepEnd {
        let limit = self.drift_limit();
        StepEnd {
            began: self.step_began,
            with_rows: self.output.len() > records,
            unread: self.inputs.iter().map(Input::unread).sum(),
            can_read: self.inputs.iter().any(|input| can_read(input, limit)),
            bytes_in: self.counters.bytes_in,
            output_bytes: self.output.size_in_bytes(),
            changed_bytes: self.pipeline.state().map_or(0, TaskState::changed_bytes),
            age_ms: self.pending.age_ms(now),
        }
    }

    /// After how long without records windows are closed, if all topics say it (`forebay.close-after-idle`).
    fn close_after_idle_ms(&self) -> Option<i64> {
        let of = |topic: &ReadTopic| topic.source.policies.close_after_idle_ms;
        self.topics.iter().map(of).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Sees whether those who merge are to hear of a partition that has become quiet. Returns when the next one will have.
    fn look_at_times(&mut self, now: Timestamp) -> Option<Timestamp> {
        let after = self.close_after_idle_ms()?;
        let exchange = self.exchange.as_ref()?;
        let mut next: Option<Timestamp> = None;
        for input in &mut self.inputs {
            let Some(quiet_at) = input.resting_since().map(|since| since.plus_ms(after)) else { continue };
            if quiet_at > now {
                next = Some(next.map_or(quiet_at, |next| next.min(quiet_at)));
            } else if !exchange.knows(input.partition(), exchange::time_of(input, Some(after), now)) {
                input.mark_dirty();
            }
        }
        next
    }

    /// Whether the input is bounded and all of it is read.
    fn has_ended(&self) -> bool {
        let bounded = self.topics.iter().all(|topic| topic.source.policies.bounded.is_some());
        bounded && self.inputs.iter().all(Input::has_ended)
    }

    /// The watermark beyond which a partition has to wait for the slowest one.
    fn drift_limit(&self) -> Option<i64> {
        if self.held_to.is_some() {
            return self.held_to;
        }
        let much_waits = self.waiting_bytes() > self.options.waiting_bytes;
        let drifts = self.topics.iter().filter_map(|topic| topic.source.policies.max_drift_ms);
        let drift = if much_waits { 0 } else { drifts.min()? };
        // Where nothing has ever come, nothing is behind: it may stay so for ever.
        let counts = |input: &&Input| !input.counted_time().idle && (much_waits || input.has_come());
        let own = self.inputs.iter().filter(counts).map(|input| input.time().watermark);
        own.chain(self.others_at).min().map(|slowest| slowest.saturating_add(drift))
    }

    /// The watermark of the slowest partition of all, also of those that other tasks read.
    fn slowest_of_all(&self, host: &dyn Host) -> Result<Option<i64>, TaskError> {
        let own = self.inputs.iter().map(Input::counted_time).filter(|time| !time.idle).map(|time| time.watermark);
        Ok(own.chain(self.slowest_of_others(host, false)?).min())
    }

    /// The watermark of the slowest partition that other tasks read, as these have committed it; `if_come` leaves out those in which nothing
    /// has come.
    fn slowest_of_others(&self, host: &dyn Host, if_come: bool) -> Result<Option<i64>, TaskError> {
        // Only pipelines of one topic have several tasks.
        let [topic, ..] = &self.topics[..] else { return Ok(None) };
        let (topic, all) = (topic.source.topic.as_str(), topic.all);
        let others = (0..all as i32).filter(|partition| !self.id.reads(*partition));
        let others: Vec<_> = others.map(|partition| TopicPartition::new(topic, partition)).collect();
        let error = |error| TaskError::from_host("looking for the slowest partition", error);
        let committed = host.committed(&self.names.group, &others, false).map_err(error)?;
        let mut slowest: Option<i64> = None;
        for (partition, committed) in others.iter().zip(committed) {
            let known = committed.and_then(|at| Some((InputProgress::from_text(&at.metadata, &self.owner).ok()?, at)));
            let watermark = match &known {
                Some((told, at)) if told.time.idle || told.end.is_some_and(|end| at.offset >= end) => continue,
                Some((told, _)) => told.time.watermark,
                None => NO_WATERMARK,
            };
            if if_come && watermark == NO_WATERMARK {
                let range = host.offset_range(partition).map_err(error)?;
                if known.map_or(range.start, |(_, at)| at.offset) >= range.stable_end {
                    continue;
                }
            }
            slowest = Some(slowest.map_or(watermark, |slowest| slowest.min(watermark)));
        }
        Ok(slowest)
    }

    fn waiting_bytes(&self) -> u64 {
        self.pipeline.state().map_or(0, TaskState::waiting_bytes)
    }

    /// See [`ReadTopic::check`].
    fn check_topics(&self, host: &dyn Host) -> Result<(), TaskError> {
        self.topics.iter().try_for_each(|topic| topic.check(host))
    }

    /// See [`ReadTopic::discover`]. At each step, so that time does not move on without new partitions.
    fn discover(&self, host: &dyn Host) -> Result<(), TaskError> {
        self.topics.iter().try_for_each(|topic| topic.discover(host))
    }

    fn read_inputs(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        let count = self.inputs.len();
        // Where rows are gathered for others, it is these who know what is closed.
        let closed = if self.exchange.is_some() { NO_WATERMARK } else { self.clock.closed() };
        let mut budget = self.options.step_bytes;
        let mut at_end = 0;
        let most = self.options.output_bytes;
        let ends_at = self.step_began.saturating_add(self.options.step_us);
        while at_end < count && budget > 0 && self.output.size_in_bytes() <= most {
            let limit = self.drift_limit();
            let aligned = if limit.is_some() { self.options.aligned_read_bytes } else { usize::MAX };
            let input = &mut self.inputs[self.turn % count];
            self.turn = (self.turn + 1) % count;
            if !can_read(input, limit) {
                at_end += 1;
                continue;
            }
            at_end = 0;
            let bytes = self.options.read_bytes.min(budget).min(aligned);
            let Task { pipeline, topics, output: out, .. } = self;
            let read = input.read(host, bytes, ReadContext { pipeline, topics, closed, now, out, most, ends_at })?;
            budget = budget.saturating_sub(read.bytes);
            self.counters.bytes_in += read.bytes as u64;
            self.counters.records_in += read.records;
            self.pending.records |= read.records > 0;
            self.options.check_waiting(self.waiting_bytes())?;
            if read.bytes == 0 || host.micros() >= ends_at {
                break;
            }
        }
        Ok(())
    }
}

/// Whether there is something to read, and the partition need not wait for slower ones.
fn can_read(input: &Input, limit: Option<i64>) -> bool {
    input.has_more() && limit.is_none_or(|limit| input.time().watermark <= limit)
}
