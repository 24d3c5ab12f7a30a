//! One pipeline of a job as a synchronous state machine: read, compute, commit, again.
//!
//! A step reads about [`TaskOptions::step_bytes`] from the partitions that have data, in turns, closes the windows that time has passed, and
//! commits. So an idle task commits each record at once, and a loaded one commits large steps: the load itself sets the batch
//! size, no timer is on the way of a result.
//!
//! A task owns all input partitions of its pipeline, so the result is right whatever the group key is, and one transaction holds
//! everything. Nothing but [`Task::open`] knows that these are all partitions there are.

use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::error::TaskError;
use super::input::Input;
use super::input::ReadContext;
use super::open;
use super::options::TaskOptions;
use super::resources::{PipelineResources, resources};
use super::savepoint::{self, SavedOffset, SavepointAbout, SavepointHead};
use super::side::SideOutputs;
use super::status::{Hold, TaskStatus};
use crate::commit::RecordBuffer;
use crate::host::{CommitSet, Host, Session};
use crate::operator::Pipeline;
use crate::plan::{JobPlan, Policies};
use crate::state::TaskState;
use crate::time::{IdlePolicy, NO_WATERMARK, Valve, is_window_fired};

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
    pipeline_index: usize,
    names: PipelineResources,
    options: TaskOptions,
    idle_policy: IdlePolicy,
    session: Session,
    partitions: Vec<TopicPartition>,
    inputs: Vec<Input>,
    /// Whose turn it is to be read first.
    turn: usize,
    pipeline: Pipeline,
    changelog: Option<TopicPartition>,
    side: SideOutputs,
    valve: Valve,
    /// Watermark up to which windows are closed; behind the valve while there are too many for one commit.
    closed: i64,
    output: RecordBuffer,
    pending: Pending,
    broken: bool,
    next_discovery: Timestamp,
    /// [`Host::micros`] when the present step began.
    step_began: u64,
    counters: Counters,
}

/// What is computed but not committed.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    /// When the oldest of it came about.
    since: Option<Timestamp>,
    /// Whether records were processed, and not only time moved.
    records: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    records_in: u64,
    records_out: u64,
    records_aside: u64,
    bytes_in: u64,
    bytes_out: u64,
    commits: u64,
    last_commit: Option<Timestamp>,
    last_commit_latency_ms: i64,
    last_commit_latency_us: u64,
}

impl Task {
    /// Takes over pipeline number `pipeline_index` of the job `name`, and restores it to its last commit. Creates the sink's topic
    /// and the changelog if they are missing.
    ///
    /// # Errors
    /// [`TaskError::Retry`] if the source's topic does not exist (yet), or a disk failed; [`TaskError::Failed`] if what is
    /// committed does not fit the plan.
    pub fn open(
        plan: &Arc<JobPlan>,
        name: &str,
        pipeline_index: usize,
        host: &dyn Host,
        options: TaskOptions,
    ) -> Result<Task, TaskError> {
        let no_pipeline = || TaskError::Failed(format!("job '{name}' has no pipeline {pipeline_index}"));
        let pipeline_plan = plan.pipelines.get(pipeline_index).ok_or_else(no_pipeline)?;
        let names = resources(name, plan).swap_remove(pipeline_index);
        let source = &pipeline_plan.source;
        let partitions = open::input_partitions(host, source)?;
        // Fencing comes before anything is read: what is committed stands still from here on.
        let session = host
            .open_session(&names.transactional_id)
            .map_err(|error| TaskError::from_host("opening the transactional session", error))?;
        let sink_partitions = open::ensure_sink(host, &pipeline_plan.sink)?;
        let side = SideOutputs::open(host, name, &source.policies)?;
        let mut pipeline = Pipeline::new(pipeline_plan, sink_partitions, options.snapshot_floor);
        let changelog = names.changelog.as_ref().map(|topic| TopicPartition::new(topic.as_str(), 0));
        let mut has_state = false;
        if let (Some(changelog), Some(state)) = (&changelog, pipeline.state_mut()) {
            open::ensure_changelog(host, changelog)?;
            has_state = open::restore(host, changelog, state)?;
        }
        let (inputs, combined) = open::open_inputs(host, source, &names, &partitions, has_state)?;
        let mut valve = Valve::new(combined);
        // Windows that the last commit had no room for are closed before anything is read.
        valve.update(inputs.iter().map(Input::counted_time));
        Ok(Task {
            idle_policy: IdlePolicy::new(source.idle_timeout_ms),
            plan: Arc::clone(plan),
            pipeline_index,
            names,
            options,
            session,
            partitions,
            inputs,
            turn: 0,
            pipeline,
            changelog,
            side,
            valve,
            closed: combined,
            output: RecordBuffer::default(),
            pending: Pending::default(),
            broken: false,
            next_discovery: host.now().plus_ms(options.discovery_ms),
            step_began: 0,
            counters: Counters::default(),
        })
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
        self.guarded(|task| task.work(host))
    }

    /// Commits what is computed but not committed, before a pause or a shutdown. Without it nothing is lost, only computed again.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        self.guarded(|task| {
            let now = host.now();
            task.finish_now(host, now)
        })
    }

    fn finish_now(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        if self.pending.since.is_some() { self.commit(host, now) } else { Ok(()) }
    }

    /// Commits everything so far, and in the same transaction writes a savepoint to the partition `to`, which must be empty.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn savepoint(&mut self, host: &dyn Host, to: &TopicPartition, about: &SavepointAbout) -> Result<(), TaskError> {
        self.guarded(|task| {
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
            let offset = input.offset(&self.names.transactional_id, self.closed, has_state);
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
            pipeline: self.pipeline_index,
            owner: self.names.transactional_id.clone(),
            topic: self.plan.pipelines[self.pipeline_index].source.topic.clone(),
            offsets: self.inputs.iter().map(saved).collect(),
        };
        serde_json::to_vec(&head).map_err(|error| TaskError::Failed(format!("writing a savepoint: {error}")))
    }

    /// Once something has failed, memory and log may differ: nothing more is done with this task.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Task) -> Result<T, TaskError>) -> Result<T, TaskError> {
        if self.broken {
            return Err(TaskError::Retry("the task has failed before and must be opened again".to_owned()));
        }
        let result = work(self);
        self.broken = result.is_err();
        result
    }

    fn work(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        let now = host.now();
        self.step_began = host.micros();
        self.discover(host, now)?;
        for input in &mut self.inputs {
            input.poll(host)?;
        }
        // What waits to be closed comes first: nothing grows beyond one step.
        if self.closed == self.valve.watermark() {
            self.read_inputs(host, now)?;
        }
        let idle_at = self.inputs.iter_mut().filter_map(|input| input.rest(now, self.idle_policy)).min();
        let close_at = self.advance_time(now)?;
        if self.pending.since.is_none() && self.inputs.iter().any(Input::is_dirty) {
            self.pending.since = Some(now);
        }
        let due = self.commit_due();
        if due.is_some_and(|due| due <= now) {
            self.commit(host, now)?;
        }
        let limit = self.drift_limit();
        if self.closed < self.valve.watermark() || self.inputs.iter().any(|input| can_read(input, limit)) {
            return Ok(Progress::Busy);
        }
        if self.has_ended() {
            self.finish_now(host, now)?;
            return Ok(Progress::Finished);
        }
        let until = [self.commit_due(), idle_at, close_at, Some(self.next_discovery)].into_iter().flatten().min();
        // Windows that are to be closed now and did not fit the last commit.
        Ok(if close_at.is_some_and(|at| at <= now) { Progress::Busy } else { Progress::Waiting { until } })
    }

    fn policies(&self) -> &Policies {
        &self.plan.pipelines[self.pipeline_index].source.policies
    }

    /// Whether the input is bounded and all of it is read.
    fn has_ended(&self) -> bool {
        self.policies().bounded.is_some() && self.inputs.iter().all(Input::has_ended)
    }

    /// Closes the windows that time has passed. Returns when those that nothing will ever pass are to be closed.
    fn advance_time(&mut self, now: Timestamp) -> Result<Option<Timestamp>, TaskError> {
        self.valve.update(self.inputs.iter().map(Input::counted_time));
        if self.has_ended() {
            self.valve.raise(i64::MAX);
        }
        let before = self.closed;
        let quiet = self.quiet_at().is_some_and(|at| at <= now);
        while self.output.size_in_bytes() <= self.options.output_bytes {
            if quiet && self.closed == self.valve.watermark() {
                let next = self.pipeline.next_close(self.closed);
                next.into_iter().for_each(|end| self.valve.raise(end.saturating_sub(1)));
            }
            if self.closed == self.valve.watermark() {
                break;
            }
            self.close_next(now)?;
        }
        // The task's watermark is committed with some input's offset, whatever it was that moved it.
        if self.closed > before
            && !self.inputs.iter().any(Input::is_dirty)
            && let Some(input) = self.inputs.first_mut()
        {
            input.mark_dirty();
        }
        Ok(self.quiet_at())
    }

    /// When open windows are to be closed because nothing comes any more (`forebay.close-after-idle`).
    fn quiet_at(&self) -> Option<Timestamp> {
        let after = self.policies().close_after_idle_ms?;
        // Nothing is read of an input that has ended, so it does not rest either: the others decide.
        let open = self.inputs.iter().filter(|input| !input.has_ended());
        let since = open.map(Input::resting_since).collect::<Option<Vec<_>>>()?;
        self.pipeline.next_close(self.valve.watermark())?;
        since.into_iter().max().map(|since| since.plus_ms(after))
    }

    /// Closes windows up to the end of the first one, or up to the watermark if none ends before.
    fn close_next(&mut self, now: Timestamp) -> Result<(), TaskError> {
        let watermark = self.valve.watermark();
        let up_to = match self.pipeline.next_close(self.closed) {
            // The last moment there is closes with it, or the loop would not end.
            Some(end) if end < i64::MAX && is_window_fired(end, watermark) => end.saturating_sub(1),
            _ => watermark,
        };
        let done = self.pipeline.close_windows(self.closed, up_to, now, &mut self.output);
        let late = done.map_err(|error| TaskError::Failed(format!("closing windows: {error}")))?;
        for input in &mut self.inputs {
            input.add_late(late.get(&input.partition()).copied().unwrap_or(0));
        }
        self.closed = up_to;
        Ok(())
    }

    /// The watermark beyond which a partition has to wait for the slowest one.
    fn drift_limit(&self) -> Option<i64> {
        let drift = self.policies().max_drift_ms?;
        let slowest = self.inputs.iter().map(Input::counted_time).filter(|time| !time.idle).map(|time| time.watermark);
        slowest.min().map(|slowest| slowest.saturating_add(drift))
    }

    /// New partitions are taken in by opening the task again: rare, and one way less to get it wrong.
    fn discover(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        if now < self.next_discovery {
            return Ok(());
        }
        self.next_discovery = now.plus_ms(self.options.discovery_ms);
        let topic = &self.plan.pipelines[self.pipeline_index].source.topic;
        match host.partitions(topic) {
            Some(count) if count as usize == self.inputs.len() => Ok(()),
            Some(count) => {
                let known = self.inputs.len();
                Err(TaskError::Reopen(format!("topic '{topic}' has {count} partitions now instead of {known}")))
            }
            None => Err(TaskError::Retry(format!("topic '{topic}' does not exist any more"))),
        }
    }

    fn read_inputs(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        let count = self.inputs.len();
        let closed = self.closed;
        let mut budget = self.options.step_bytes;
        let mut at_end = 0;
        while at_end < count && budget > 0 {
            let limit = self.drift_limit();
            let most = if limit.is_some() { self.options.aligned_read_bytes } else { usize::MAX };
            let input = &mut self.inputs[self.turn % count];
            self.turn = (self.turn + 1) % count;
            if !can_read(input, limit) {
                at_end += 1;
                continue;
            }
            at_end = 0;
            let bytes = self.options.read_bytes.min(budget).min(most);
            let Task { pipeline, side, output: out, .. } = self;
            let read = input.read(host, bytes, ReadContext { pipeline, side, closed, now, out })?;
            if read.bytes == 0 {
                break;
            }
            budget = budget.saturating_sub(read.bytes);
            self.counters.bytes_in += read.bytes as u64;
            self.counters.records_in += read.records;
            self.pending.records |= read.records > 0;
        }
        Ok(())
    }

    /// When what is pending is to be committed: output at once, the rest a little later.
    fn commit_due(&self) -> Option<Timestamp> {
        let since = self.pending.since?;
        Some(if !self.output.is_empty() {
            since
        } else if self.pending.records {
            since.plus_ms(self.options.state_commit_ms)
        } else {
            since.plus_ms(self.options.progress_commit_ms)
        })
    }

    fn commit(&mut self, host: &dyn Host, started: Timestamp) -> Result<(), TaskError> {
        self.commit_with(host, started, None)
    }

    /// Commits; the state goes whole to the changelog and to `copy` too if there is one.
    fn commit_with(
        &mut self,
        host: &dyn Host,
        started: Timestamp,
        mut copy: Option<(&TopicPartition, RecordBuffer)>,
    ) -> Result<(), TaskError> {
        let mut output = std::mem::take(&mut self.output);
        let (aside, bytes) = (output.side_len(), output.size_in_bytes());
        let rows = output.len() - aside;
        let snapshot_at = self.write_changelog(host, started, &mut output, copy.as_mut())?;
        let combined = self.closed;
        let dirty = self.partitions.iter().zip(&self.inputs).filter(|(_, input)| input.is_dirty());
        let has_state = self.pipeline.state().is_some_and(TaskState::is_in_changelog);
        let owner = &self.names.transactional_id;
        let offset = |input: &Input| input.offset(owner, combined, has_state);
        let offsets = dirty.map(|(partition, input)| (partition.clone(), offset(input))).collect();
        let mut records = output.into_batches();
        records.extend(copy.map(|(_, copy)| copy.into_batches()).unwrap_or_default());
        let set = CommitSet { group: self.names.group.clone(), records, offsets };
        host.commit(&mut self.session, set).map_err(|error| TaskError::from_host("committing", error))?;
        self.inputs.iter_mut().for_each(Input::mark_clean);
        self.pending = Pending::default();
        let now = host.now();
        self.counters.records_out += rows;
        self.counters.records_aside += aside;
        self.counters.bytes_out += bytes;
        self.counters.commits += 1;
        self.counters.last_commit = Some(now);
        self.counters.last_commit_latency_ms = now.0 - started.0;
        self.counters.last_commit_latency_us = host.micros().saturating_sub(self.step_began);
        if let (Some(changelog), Some(before)) = (&self.changelog, snapshot_at) {
            // If it fails the log is longer than it need be until the next snapshot; that is all.
            let _ = host.trim(changelog, before);
        }
        Ok(())
    }

    /// Adds the state's changes to `output`. Returns the offset before which the changelog is superfluous after the commit.
    fn write_changelog(
        &mut self,
        host: &dyn Host,
        now: Timestamp,
        output: &mut RecordBuffer,
        copy: Option<&mut (&TopicPartition, RecordBuffer)>,
    ) -> Result<Option<forebay_storage::ids::Offset>, TaskError> {
        let (Some(changelog), Some(state)) = (&self.changelog, self.pipeline.state_mut()) else { return Ok(None) };
        if copy.is_none() && !state.is_dirty() {
            return Ok(None);
        }
        if copy.is_some() {
            state.snapshot_next();
        }
        let mut copy = copy;
        let snapshot = state.write_changes(&mut |key, value| {
            output.push(changelog, now, Some(key), value);
            if let Some((to, copy)) = &mut copy {
                copy.push(to, now, Some(key), value);
            }
        });
        if !snapshot {
            return Ok(None);
        }
        // This task is the only writer, so the snapshot's first record comes at or after the present end.
        let range = host.offset_range(changelog).map_err(|error| TaskError::from_host("writing a snapshot", error))?;
        Ok(Some(range.stable_end))
    }

    /// The partition that the watermark waits for: the slowest of those that count.
    fn held_by(&self) -> Option<Hold> {
        let counts = |input: &&Input| {
            let time = input.counted_time();
            !time.idle && (time.watermark >= self.closed || self.closed == NO_WATERMARK)
        };
        let slowest = self.inputs.iter().filter(counts).min_by_key(|input| input.time().watermark)?;
        Some(slowest.hold(self.idle_policy))
    }

    /// A description of where it stands.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        let inputs: Vec<_> = self.inputs.iter().map(Input::status).collect();
        let state = self.pipeline.state();
        let watermark = self.closed;
        let limit = self.drift_limit();
        let waiting = |input: &&Input| input.has_more() && !can_read(input, limit);
        TaskStatus {
            finished: self.has_ended() && watermark == i64::MAX,
            windowed: state.is_some(),
            next_close: self.pipeline.next_close(watermark),
            held_by: self.held_by(),
            waiting_for_others: self.inputs.iter().filter(waiting).map(|input| input.status().partition).collect(),
            last_bad: self.inputs.iter().filter_map(Input::last_bad).next_back().cloned(),
            records_aside: self.counters.records_aside,
            bytes_in: self.counters.bytes_in,
            bytes_out: self.counters.bytes_out,
            pipeline: self.pipeline_index,
            group: self.names.group.clone(),
            output: self.plan.pipelines[self.pipeline_index].sink.topic.clone(),
            watermark: (watermark != NO_WATERMARK).then_some(watermark),
            records_in: self.counters.records_in,
            records_out: self.counters.records_out,
            late: inputs.iter().map(|input| input.late).sum(),
            undecodable: inputs.iter().map(|input| input.undecodable).sum(),
            commits: self.counters.commits,
            last_commit: self.counters.last_commit.map(|time| time.0),
            last_commit_latency_ms: self.counters.last_commit_latency_ms,
            last_commit_latency_us: self.counters.last_commit_latency_us,
            open_windows: state.map_or(0, |state| state.windows()),
            state_keys: state.map_or(0, |state| state.keys()),
            state_bytes: state.map_or(0, |state| state.size_in_bytes()),
            changelog_bytes: state.map_or(0, |state| state.changelog_bytes()),
            inputs,
        }
    }
}

/// Whether there is something to read, and the partition need not wait for slower ones.
fn can_read(input: &Input, limit: Option<i64>) -> bool {
    input.has_more() && limit.is_none_or(|limit| input.time().watermark <= limit)
}
