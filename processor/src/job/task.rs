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
use super::open;
use super::options::TaskOptions;
use super::resources::{PipelineResources, changelog_spec, resources};
use super::status::TaskStatus;
use crate::commit::RecordBuffer;
use crate::host::{CommitSet, Host, Session};
use crate::operator::Pipeline;
use crate::plan::JobPlan;
use crate::state::WindowState;
use crate::time::{IdlePolicy, NO_WATERMARK, Valve};

/// What the one who drives a task is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do: step again.
    Busy,
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
    valve: Valve,
    output: RecordBuffer,
    pending: Pending,
    broken: bool,
    next_discovery: Timestamp,
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
    commits: u64,
    last_commit: Option<Timestamp>,
    last_commit_latency_ms: i64,
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
        let mut pipeline = Pipeline::new(pipeline_plan, sink_partitions, options.snapshot_floor);
        let changelog = names.changelog.as_ref().map(|topic| TopicPartition::new(topic.as_str(), 0));
        let mut has_state = false;
        if let (Some(changelog), Some(state)) = (&changelog, pipeline.state_mut()) {
            let error = |error| TaskError::from_host("creating the changelog", error);
            host.ensure_topic(&changelog_spec(&changelog.topic)).map_err(error)?;
            has_state = open::restore(host, changelog, state)?;
        }
        let (inputs, combined) = open::open_inputs(host, source, &names, &partitions, has_state)?;
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
            valve: Valve::new(combined),
            output: RecordBuffer::default(),
            pending: Pending::default(),
            broken: false,
            next_discovery: host.now().plus_ms(options.discovery_ms),
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
            if task.pending.since.is_some() { task.commit(host, now) } else { Ok(()) }
        })
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
        self.discover(host, now)?;
        self.read_inputs(host, now)?;
        let idle_at = self.inputs.iter_mut().filter_map(|input| input.rest(now, self.idle_policy)).min();
        let moved_alone = !self.inputs.iter().any(Input::is_dirty);
        let closed = self.valve.watermark();
        if self.valve.update(self.inputs.iter().map(Input::time)) {
            let done = self.pipeline.close_windows(closed, self.valve.watermark(), now, &mut self.output);
            done.map_err(|error| TaskError::Failed(format!("closing windows: {error}")))?;
            // The task's watermark is committed with some input's offset, whatever it was that moved it.
            if let Some(input) = self.inputs.first_mut().filter(|_| moved_alone) {
                input.mark_dirty();
            }
        }
        if self.pending.since.is_none() && self.inputs.iter().any(Input::is_dirty) {
            self.pending.since = Some(now);
        }
        let due = self.commit_due();
        if due.is_some_and(|due| due <= now) {
            self.commit(host, now)?;
        }
        if self.inputs.iter().any(Input::has_more) {
            return Ok(Progress::Busy);
        }
        let until = [self.commit_due(), idle_at, Some(self.next_discovery)].into_iter().flatten().min();
        Ok(Progress::Waiting { until })
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
                Err(TaskError::Retry(format!("topic '{topic}' has {count} partitions now instead of {known}")))
            }
            None => Err(TaskError::Retry(format!("topic '{topic}' does not exist any more"))),
        }
    }

    fn read_inputs(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        let count = self.inputs.len();
        let closed = self.valve.watermark();
        let mut budget = self.options.step_bytes;
        let mut at_end = 0;
        for input in &mut self.inputs {
            input.poll(host)?;
        }
        while at_end < count && budget > 0 {
            let input = &mut self.inputs[self.turn % count];
            self.turn = (self.turn + 1) % count;
            if !input.has_more() {
                at_end += 1;
                continue;
            }
            at_end = 0;
            let bytes = self.options.read_bytes.min(budget);
            let read = input.read(host, bytes, &mut self.pipeline, closed, now, &mut self.output)?;
            if read.bytes == 0 {
                break;
            }
            budget = budget.saturating_sub(read.bytes);
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
        let mut output = std::mem::take(&mut self.output);
        let rows = output.len();
        let snapshot_at = self.write_changelog(host, started, &mut output)?;
        let combined = self.valve.watermark();
        let dirty = self.partitions.iter().zip(&self.inputs).filter(|(_, input)| input.is_dirty());
        let has_state = self.pipeline.state().is_some_and(WindowState::is_in_changelog);
        let owner = &self.names.transactional_id;
        let offset = |input: &Input| input.offset(owner, combined, has_state);
        let offsets = dirty.map(|(partition, input)| (partition.clone(), offset(input))).collect();
        let set = CommitSet { group: self.names.group.clone(), records: output.into_batches(), offsets };
        host.commit(&mut self.session, set).map_err(|error| TaskError::from_host("committing", error))?;
        self.inputs.iter_mut().for_each(Input::mark_clean);
        self.pending = Pending::default();
        let now = host.now();
        self.counters.records_out += rows;
        self.counters.commits += 1;
        self.counters.last_commit = Some(now);
        self.counters.last_commit_latency_ms = now.0 - started.0;
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
    ) -> Result<Option<forebay_storage::ids::Offset>, TaskError> {
        let (Some(changelog), Some(state)) = (&self.changelog, self.pipeline.state_mut()) else { return Ok(None) };
        if !state.is_dirty() {
            return Ok(None);
        }
        let snapshot = state.write_changes(&mut |key, value| output.push(changelog, now, Some(key), value));
        if !snapshot {
            return Ok(None);
        }
        // This task is the only writer, so the snapshot's first record comes at or after the present end.
        let range = host.offset_range(changelog).map_err(|error| TaskError::from_host("writing a snapshot", error))?;
        Ok(Some(range.stable_end))
    }

    /// A description of where it stands.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        let inputs: Vec<_> = self.inputs.iter().map(Input::status).collect();
        let state = self.pipeline.state();
        let watermark = self.valve.watermark();
        TaskStatus {
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
            open_windows: state.map_or(0, |state| state.windows()),
            state_keys: state.map_or(0, |state| state.keys()),
            state_bytes: state.map_or(0, |state| state.size_in_bytes()),
            changelog_bytes: state.map_or(0, |state| state.changelog_bytes()),
            inputs,
        }
    }
}
