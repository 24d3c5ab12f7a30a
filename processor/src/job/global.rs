//! A task that merges what other tasks have gathered: it owns one partition of the repartition topic, and so the keys in it.
//!
//! It reads committed records only, in offset order. What a reading task gathered stands before the times that its partitions had come
//! to then (see [`commit`](crate::commit)), so the minimum of those times closes windows exactly as it does where one task
//! reads all partitions. Times are part of the commit too: they are in the changelog, with the state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicPartition};

use super::error::TaskError;
use super::open;
use super::options::TaskOptions;
use super::reader::{PartitionReader, ReadFailure};
use super::resources::{PipelineResources, resources};
use super::spill::{self, Beside};
use super::status::{Hold, InputStatus, TaskStatus};
use super::subtask::SubtaskId;
use super::task::Progress;
use crate::commit::{InputProgress, PartitionTime, RecordBuffer, decode_times, encode_times, is_times, times_key};
use crate::host::{CommitSet, CommittedOffset, Host, Session};
use crate::operator::{Pipeline, RowError};
use crate::plan::JobPlan;
use crate::state::changelog::{self, ChangelogError};
use crate::state::{RestoreError, TaskState};
use crate::time::{Frontier, InputTime, NO_WATERMARK, Valve, is_window_fired};

/// How far each input partition has come.
#[derive(Debug, Default)]
struct Times {
    all: BTreeMap<i32, PartitionTime>,
    /// What the changelog does not have yet.
    fresh: BTreeSet<i32>,
}

impl Times {
    /// Takes a record of times in; false if it is none.
    fn learn(&mut self, value: Option<&[u8]>, fresh: bool) -> bool {
        let Some(told) = value.and_then(decode_times) else { return false };
        for (partition, time) in told {
            let before = self.all.insert(partition, time);
            if fresh && before != Some(time) {
                self.fresh.insert(partition);
            }
        }
        true
    }

    /// The first partition that has not come beyond `watermark`; those that are idle or have ended do not count.
    fn frontier(&self, watermark: i64) -> Frontier {
        let counts = |time: &PartitionTime| !time.counted().idle && time.time.watermark <= watermark;
        let first = self.all.iter().find(|(_, time)| counts(time));
        Frontier { watermark, partition: first.map_or(i32::MAX, |(partition, _)| *partition) }
    }

    fn counted(&self) -> impl Iterator<Item = InputTime> + Clone {
        self.all.values().map(|time| time.counted())
    }
}

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
    times: Times,
    late: u64,
    pipeline: Pipeline,
    changelog: TopicPartition,
    valve: Valve,
    /// Watermark up to which windows are closed; behind the valve while there are too many for one commit.
    closed: i64,
    output: RecordBuffer,
    /// When the oldest of what is not committed came about.
    pending_since: Option<Timestamp>,
    /// Whether that is more than time.
    pending_records: bool,
    broken: bool,
    purge_at: Timestamp,
    /// [`Host::micros`] when the present step began.
    step_began: u64,
    counted: TaskStatus,
}

/// Why a record of the repartition topic cannot be taken in.
#[derive(Debug, thiserror::Error)]
enum MergeError {
    #[error("its times cannot be read")]
    Times,
    #[error(transparent)]
    Record(#[from] ChangelogError),
    #[error(transparent)]
    Row(#[from] RowError),
}

impl GlobalTask {
    /// Takes over the task `id` of the job `name`, and restores it to its last commit.
    pub fn open(
        plan: &Arc<JobPlan>,
        name: &str,
        id: SubtaskId,
        host: &dyn Host,
        options: TaskOptions,
    ) -> Result<GlobalTask, TaskError> {
        let missing = || TaskError::Failed(format!("job '{name}' has no task {id}"));
        let pipeline_plan = plan.pipelines.get(id.pipeline).ok_or_else(missing)?;
        let names = resources(name, plan).swap_remove(id.pipeline);
        let (repartition, changelog) = names.repartition.as_ref().zip(names.changelog.as_ref()).ok_or_else(missing)?;
        let own = |topic: &String| TopicPartition::new(topic.as_str(), id.index as i32);
        let (input, changelog) = (own(repartition), own(changelog));
        let partitions = open::input_partitions(host, &pipeline_plan.source)?;
        // Fencing comes before anything is read: what is committed stands still from here on.
        let session = host
            .open_session(&id.transactional_id(&names))
            .map_err(|error| TaskError::from_host("opening the transactional session", error))?;
        let sink_partitions = open::ensure_sink(host, &pipeline_plan.sink)?;
        open::ensure_internal(host, &input, id.parallelism)?;
        open::ensure_internal(host, &changelog, id.parallelism)?;
        let mut pipeline = Pipeline::new(pipeline_plan, sink_partitions, options.snapshot_floor);
        let mut times = Times::default();
        // A partition that nobody has told of yet holds the watermark back.
        times.all.extend(partitions.iter().map(|partition| (partition.partition, PartitionTime::NEW)));
        let memory = pipeline_plan.source.policies.state_memory_bytes.unwrap_or(options.state_memory_bytes);
        let has_state = match pipeline.state_mut() {
            Some(state) => open::restore(host, &changelog, state, memory, &mut times)?,
            None => false,
        };
        let owner = id.owner(&names);
        let (reader, progress) = resume(host, &names.group, &owner, &input, has_state)?;
        let mut valve = Valve::new(progress.combined);
        // Windows that the last commit had no room for are closed before anything is read.
        valve.update(times.counted());
        Ok(GlobalTask {
            plan: Arc::clone(plan),
            id,
            names,
            options,
            session,
            input: vec![input],
            reader,
            times,
            late: progress.late,
            pipeline,
            changelog,
            valve,
            closed: progress.combined,
            output: RecordBuffer::default(),
            pending_since: None,
            pending_records: false,
            broken: false,
            purge_at: host.now().plus_ms(options.purge_ms),
            step_began: 0,
            counted: TaskStatus::default(),
        })
    }

    /// The partition it reads, to be watched.
    #[must_use]
    pub fn inputs(&self) -> &[TopicPartition] {
        &self.input
    }

    /// Does a bounded amount of work.
    pub fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        self.guarded(host, |task| task.work(host))
    }

    /// Commits what is computed but not committed.
    pub fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        self.guarded(host, |task| {
            let now = host.now();
            task.finish_now(host, now)
        })
    }

    fn finish_now(&mut self, host: &dyn Host, now: Timestamp) -> Result<(), TaskError> {
        if self.pending_since.is_some() { self.commit(host, now) } else { Ok(()) }
    }

    /// Once something has failed, memory and log may differ: nothing more is done with this task.
    fn guarded<T>(
        &mut self,
        host: &dyn Host,
        work: impl FnOnce(&mut GlobalTask) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        if self.broken {
            return Err(TaskError::Retry("the task has failed before and must be opened again".to_owned()));
        }
        let result = work(self);
        self.broken = result.is_err();
        if let (true, Some(state)) = (self.broken, self.pipeline.state_mut()) {
            spill::give_up(host, &self.changelog, state);
        }
        result
    }

    fn work(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        let now = host.now();
        self.step_began = host.micros();
        self.reader.poll(host).map_err(|error| TaskError::from_host("looking for partial results", error))?;
        // What waits to be closed comes first: nothing grows beyond one step.
        if self.closed == self.valve.watermark() {
            self.read(host, now)?;
        }
        let closes_more = self.advance_time(now)?;
        if self.commit_due().is_some_and(|due| due <= now) {
            self.commit(host, now)?;
        }
        if closes_more || self.has_more() {
            return Ok(Progress::Busy);
        }
        if self.has_ended() {
            self.finish_now(host, now)?;
            return Ok(Progress::Finished);
        }
        Ok(Progress::Waiting { until: self.commit_due() })
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
            let GlobalTask { reader, pipeline, times, late, output, closed, counted, pending_records, .. } = self;
            let partition = reader.partition().clone();
            let read = reader.read(host, budget.min(self.options.read_bytes), |record| {
                if is_times(record.key) {
                    return if times.learn(record.value, true) { Ok(()) } else { Err(MergeError::Times) };
                }
                counted.records_in += 1;
                *pending_records = true;
                *late += pipeline.merge(changelog::decode(record.key, record.value)?, *closed, now, output)?;
                Ok(())
            });
            let bytes = read.map_err(|failure| match failure {
                ReadFailure::Host(error) => TaskError::from_host("reading partial results", error),
                ReadFailure::Batch { offset, error } => {
                    TaskError::Failed(format!("{partition}@{offset}: the batch is damaged: {error}"))
                }
                ReadFailure::Sink(_, MergeError::Row(error)) if error.is_of_disk() => {
                    TaskError::Retry(error.to_string())
                }
                ReadFailure::Sink(offset, error) => TaskError::Failed(format!("{partition}@{offset}: {error}")),
            })?;
            if bytes == 0 {
                break;
            }
            budget = budget.saturating_sub(bytes);
            self.counted.bytes_in += bytes as u64;
            self.pending_since.get_or_insert(now);
            let waiting = self.pipeline.state().map_or(0, TaskState::waiting_bytes);
            if waiting > self.options.waiting_bytes.saturating_mul(TaskOptions::MOST_WAITING) {
                return Err(TaskError::Failed(format!(
                    "{waiting} bytes of late rows wait to be placed in sessions, as other partitions have not come to their time; \
                     give the table's WATERMARK a longer delay"
                )));
            }
        }
        Ok(())
    }

    /// Closes the windows that time has passed. Returns true if there are more that had no room.
    fn advance_time(&mut self, now: Timestamp) -> Result<bool, TaskError> {
        self.valve.update(self.times.counted());
        if self.has_ended() {
            self.valve.raise(i64::MAX);
        }
        let before = self.closed;
        self.place_waiting(now)?;
        let quiet = self.is_quiet();
        let closes_more = loop {
            if quiet && self.closed == self.valve.watermark() {
                let next = self.pipeline.next_close(self.closed);
                next.into_iter().for_each(|end| self.valve.raise(end.saturating_sub(1)));
            }
            if self.closed == self.valve.watermark() {
                break false;
            }
            if self.output.size_in_bytes() > self.options.output_bytes {
                break true;
            }
            self.close_next(now)?;
        };
        if self.closed > before {
            self.pending_since.get_or_insert(now);
        }
        Ok(closes_more)
    }

    /// Closes windows up to the end of the first one, or up to the watermark if none ends before.
    fn close_next(&mut self, now: Timestamp) -> Result<(), TaskError> {
        let watermark = self.valve.watermark();
        let up_to = match self.pipeline.next_close(self.closed) {
            // The last moment there is closes with it, or the loop would not end.
            Some(end) if end < i64::MAX && is_window_fired(end, watermark) => end.saturating_sub(1),
            _ => watermark,
        };
        self.close_up_to(up_to, now)
    }

    /// Places the rows that waited for others to come to where time stands.
    fn place_waiting(&mut self, now: Timestamp) -> Result<(), TaskError> {
        let frontier = self.times.frontier(self.closed);
        match self.pipeline.state().is_some_and(|state| state.has_tardy(frontier)) {
            true => self.close_up_to(self.closed, now),
            false => Ok(()),
        }
    }

    fn close_up_to(&mut self, up_to: i64, now: Timestamp) -> Result<(), TaskError> {
        let frontier = self.times.frontier(up_to);
        let done = self.pipeline.close_windows(self.closed, frontier, now, &mut self.output);
        let late = done.map_err(|error| {
            let why = format!("closing windows: {error}");
            if error.is_of_disk() { TaskError::Retry(why) } else { TaskError::Failed(why) }
        })?;
        self.late += late.values().sum::<u64>();
        self.closed = up_to;
        Ok(())
    }

    /// When what is pending is to be committed: output at once, the rest a little later.
    fn commit_due(&self) -> Option<Timestamp> {
        let since = self.pending_since?;
        Some(match (self.output.is_empty(), self.pending_records) {
            (false, _) => since,
            (true, true) => since.plus_ms(self.options.state_commit_ms),
            (true, false) => since.plus_ms(self.options.progress_commit_ms),
        })
    }

    fn commit(&mut self, host: &dyn Host, started: Timestamp) -> Result<(), TaskError> {
        let mut output = std::mem::take(&mut self.output);
        let (rows, bytes) = (output.len(), output.size_in_bytes());
        let snapshot_at = self.write_changelog(host, started, &mut output)?;
        let offsets = vec![(self.input[0].clone(), self.offset())];
        let set = CommitSet { group: self.names.group.clone(), records: output.into_batches(), offsets };
        host.commit(&mut self.session, set).map_err(|error| TaskError::from_host("committing", error))?;
        (self.pending_since, self.pending_records) = (None, false);
        let now = host.now();
        self.counted.records_out += rows;
        self.counted.bytes_out += bytes;
        self.counted.commits += 1;
        self.counted.last_commit = Some(now.0);
        self.counted.last_commit_latency_ms = now.0 - started.0;
        self.counted.last_commit_latency_us = host.micros().saturating_sub(self.step_began);
        // If one of these fails the log is longer than it need be until the next time; that is all.
        if let Some(before) = snapshot_at {
            let _ = host.trim(&self.changelog, before);
        }
        if now >= self.purge_at {
            self.purge_at = now.plus_ms(self.options.purge_ms);
            let _ = host.trim(&self.input[0], self.reader.position());
        }
        match self.pipeline.state_mut() {
            Some(state) => spill::settle_committed(host, &self.changelog, state, &self.times),
            None => Ok(()),
        }
    }

    fn offset(&self) -> CommittedOffset {
        let has_state = self.pipeline.state().is_some_and(TaskState::is_in_changelog);
        let progress = InputProgress { combined: self.closed, has_state, late: self.late, ..InputProgress::NEW };
        CommittedOffset {
            offset: self.reader.position(),
            leader_epoch: self.reader.leader_epoch(),
            metadata: progress.to_text(&self.id.owner(&self.names)),
        }
    }

    /// Adds the changes of state and times to `output`. Returns the offset before which the changelog is superfluous after the commit.
    fn write_changelog(
        &mut self,
        host: &dyn Host,
        now: Timestamp,
        output: &mut RecordBuffer,
    ) -> Result<Option<Offset>, TaskError> {
        let GlobalTask { pipeline, times, changelog, .. } = self;
        let Some(state) = pipeline.state_mut() else { return Ok(None) };
        if !state.is_dirty() && times.fresh.is_empty() {
            return Ok(None);
        }
        let rewriting = state.is_rewriting();
        let written = state.write_changes(&mut |key, value| output.push(changelog, now, Some(key), value));
        let superfluous = written.map_err(|error| spill::state_error(&error))?;
        let whole = rewriting || superfluous.is_some();
        let told = times.all.iter().filter(|(partition, _)| whole || times.fresh.contains(*partition));
        let value = encode_times(told.map(|(partition, time)| (*partition, *time)));
        output.push(changelog, now, Some(times_key()), Some(&value));
        state.add_changelog_bytes(value.len() as u64);
        times.fresh.clear();
        spill::trim_offset(host, changelog, superfluous)
    }

    /// The partition that the watermark waits for: the slowest of those that count.
    fn held_by(&self) -> Option<Hold> {
        let counts = |(_, time): &(&i32, &PartitionTime)| {
            let time = time.counted();
            !time.idle && (time.watermark >= self.closed || self.closed == NO_WATERMARK)
        };
        let slowest = self.times.all.iter().filter(counts).min_by_key(|(_, time)| time.time.watermark);
        slowest.map(|(partition, PartitionTime { time, .. })| Hold {
            partition: *partition,
            watermark: (time.watermark != NO_WATERMARK).then_some(time.watermark),
            resting_since: None,
            idle_at: None,
        })
    }

    /// A description of where it stands.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        let state = self.pipeline.state();
        let watermark = (self.closed != NO_WATERMARK).then_some(self.closed);
        let (position, end) = (self.reader.position().0, self.reader.stable_end().0);
        let plan = &self.plan.pipelines[self.id.pipeline];
        TaskStatus {
            finished: self.has_ended() && self.closed == i64::MAX,
            stage: self.id.stage,
            index: self.id.index,
            source: plan.source.topic.clone(),
            windowed: true,
            next_close: self.pipeline.next_close(self.closed),
            held_by: self.held_by(),
            pipeline: self.id.pipeline,
            group: self.names.group.clone(),
            output: plan.sink.topic.clone(),
            watermark,
            late: self.late,
            open_windows: state.map_or(0, TaskState::windows),
            state_keys: state.map_or(0, TaskState::keys),
            state_bytes: state.map_or(0, TaskState::size_in_bytes),
            state_memory_bytes: state.map_or(0, TaskState::memory_in_bytes),
            state_disk_bytes: state.map_or(0, TaskState::size_on_disk),
            changelog_bytes: state.map_or(0, TaskState::changelog_bytes),
            inputs: vec![InputStatus {
                topic: self.input[0].topic.to_string(),
                partition: self.input[0].partition,
                position,
                end,
                lag: end - position,
                bound: None,
                watermark,
                idle: false,
                late: self.late,
                undecodable: 0,
            }],
            ..self.counted.clone()
        }
    }
}

impl Beside for Times {
    fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<Result<(), RestoreError>> {
        let wrong = || RestoreError::Record(ChangelogError::WRONG_TIMES);
        is_times(key).then(|| self.learn(value, false).then_some(()).ok_or_else(wrong))
    }

    fn whole(&self) -> Vec<u8> {
        encode_times(self.all.iter().map(|(partition, time)| (*partition, *time)))
    }

    fn take_whole(&mut self, whole: &[u8]) -> bool {
        self.learn(Some(whole), false)
    }
}

/// The reader at the position that the task has committed, and what it has committed with it.
fn resume(
    host: &dyn Host,
    group: &str,
    owner: &str,
    input: &TopicPartition,
    has_state: bool,
) -> Result<(PartitionReader, InputProgress), TaskError> {
    let error = |error| TaskError::from_host("opening the partial results", error);
    let range = host.offset_range(input).map_err(error)?;
    let committed = host.committed(group, std::slice::from_ref(input)).map_err(error)?.pop().flatten();
    let gone = |why: &str| TaskError::Failed(format!("{why} {input} in group '{group}'; drop the job with its state"));
    let Some(committed) = committed else {
        if has_state {
            return Err(gone("there is state from earlier runs, but no offset of"));
        }
        let reader = PartitionReader::new(input.clone(), range.start, LeaderEpoch::UNKNOWN);
        return Ok((reader, InputProgress::NEW));
    };
    let progress = InputProgress::from_text(&committed.metadata, owner);
    let progress = progress.map_err(|_| gone("somebody else has set the offset of"))?;
    if progress.has_state && !has_state {
        return Err(gone("the state is gone that belongs to the offset of"));
    }
    if committed.offset < range.start || committed.offset > range.stable_end {
        return Err(gone("there are no records at the offset of"));
    }
    Ok((PartitionReader::new(input.clone(), committed.offset, committed.leader_epoch), progress))
}
