//! Brings a task back to exactly where its last commit left it.

use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};

use super::error::TaskError;
use super::input::Input;
use super::reader::{PartitionReader, ReadFailure};
use super::resources::internal_spec;
use super::spill::{self, Beside};
use super::topic::ReadTopic;
use crate::commit::InputProgress;
use crate::host::{CommittedOffset, Host, HostError, OffsetRange, TopicSpec};
use crate::plan::{Bounded, OffsetReset, Sink, Source, StartupMode};
use crate::state::{RestoreError, TaskState};
use crate::time::{InputTime, NO_WATERMARK};

/// Bytes of changelog read at a time.
const RESTORE_BYTES: usize = 4 * 1024 * 1024;

/// The input partitions of `source`; the topic must exist.
pub fn input_partitions(host: &dyn Host, source: &Source) -> Result<Vec<TopicPartition>, TaskError> {
    let count = host.partitions(&source.topic).ok_or_else(|| {
        TaskError::Retry(format!(
            "topic '{}' of table '{}' does not exist; create it first",
            source.topic, source.table
        ))
    })?;
    let topic: std::sync::Arc<str> = source.topic.as_str().into();
    Ok((0..count).map(|partition| TopicPartition::new(topic.clone(), partition)).collect())
}

/// Number of partitions of the sink's topic, which is created if it is missing.
pub fn ensure_sink(host: &dyn Host, sink: &Sink) -> Result<i32, TaskError> {
    let spec = TopicSpec { name: sink.topic.clone(), partitions: None, configs: Vec::new() };
    let error = |error| TaskError::from_host(&format!("creating topic '{}'", sink.topic), error);
    host.ensure_topic(&spec).map_err(error)
}

impl ReadTopic {
    /// What all tasks that read it have committed.
    fn progress_of_all(&self, host: &dyn Host, (group, owner): (&str, &str)) -> Result<Vec<InputProgress>, TaskError> {
        let topic: std::sync::Arc<str> = self.source.topic.as_str().into();
        let all: Vec<_> = (0..self.all as i32).map(|number| TopicPartition::new(topic.clone(), number)).collect();
        // Those of other tasks may be about to change: what is asked for here does not.
        let known = committed_by(host, (group, owner), &all, false)?;
        Ok(known.into_iter().filter_map(|(_, progress)| progress).collect())
    }
}

/// An offset, and what its text says if that is a task's own.
type Committed = (Option<CommittedOffset>, Option<InputProgress>);

/// What `group` has committed for each of `partitions`, and what that says if it is of the tasks that are called `owner`.
fn committed_by(
    host: &dyn Host,
    (group, owner): (&str, &str),
    partitions: &[TopicPartition],
    require_stable: bool,
) -> Result<Vec<Committed>, TaskError> {
    let committed = host.committed(group, partitions, require_stable);
    let committed = committed.map_err(|error| TaskError::from_host("reading committed offsets", error))?;
    let own = |offset: &CommittedOffset| InputProgress::from_text(&offset.metadata, owner).ok();
    Ok(committed.into_iter().map(|offset| (offset.clone(), offset.as_ref().and_then(own))).collect())
}

/// The inputs of topic number `number` at the positions that the task has committed, and the task's watermark.
///
/// `has_state` tells that the changelog holds something: then there must be offsets, and they must be the task's own.
pub fn open_inputs(
    host: &dyn Host,
    (number, from): (usize, &ReadTopic),
    (group, owner): (&str, &str),
    has_state: bool,
) -> Result<(Vec<Input>, i64), TaskError> {
    let ReadTopic { source, id, partitions, all, .. } = from;
    let (id, all) = (*id, *all);
    let committed = committed_by(host, (group, owner), partitions, true)?;
    let resumed = committed.iter().any(|(_, progress)| progress.is_some());
    if committed.iter().any(|(_, progress)| progress.is_some_and(|progress| progress.has_state)) && !has_state {
        return Err(TaskError::Failed(format!(
            "the state that belongs to the offsets of group '{group}' is gone; delete the group to start anew"
        )));
    }
    let of_all = from.progress_of_all(host, (group, owner))?;
    if has_state && of_all.is_empty() {
        return Err(TaskError::Failed(format!(
            "there is state from earlier runs, but the offsets that belong to it are gone from group '{group}': were they \
             deleted, or was topic '{}' made anew? Drop the job with its state, or apply it under another name",
            source.topic
        )));
    }
    let first_partitions = of_all.iter().filter_map(|progress| progress.first_partitions).min();
    let mut combined = NO_WATERMARK;
    let mut inputs = Vec::with_capacity(partitions.len());
    for (partition, (committed, progress)) in partitions.iter().zip(committed) {
        let range = host.offset_range(partition).map_err(|error| TaskError::from_host("opening input", error))?;
        // What was said of a topic of before says nothing of one that was made anew: neither its end nor its time.
        let is_another = progress.is_some_and(|progress| progress.topic.is_some() && progress.topic != id);
        let said = progress.filter(|_| !is_another);
        combined = combined.max(said.map_or(NO_WATERMARK, |progress| progress.combined));
        let end = match said.and_then(|progress| progress.end) {
            Some(end) if source.policies.bounded.is_some() => Some(end),
            _ => end_of_input(host, source, partition, committed.as_ref().filter(|_| !is_another), range)?,
        };
        let mut input = match (committed, progress) {
            (Some(committed), Some(progress)) => {
                let time = if is_another { InputTime::NEW } else { progress.time };
                let now = InputProgress { end, time, topic: id, ..progress };
                resume(source, partition, &committed, (progress, now), range)?
            }
            (Some(committed), None) if resumed => {
                return Err(TaskError::Failed(format!(
                    "the offset {} of {partition} in group '{group}' was set by someone else, but state and watermark belong \
                     to other offsets; drop the job with its state to start anew",
                    committed.offset
                )));
            }
            (committed, _) => {
                let added = first_partitions.map_or(resumed, |first| partition.partition >= first);
                let position = start(host, source, partition, committed, range, added)?;
                let reader = PartitionReader::new(partition.clone(), position, LeaderEpoch::UNKNOWN);
                let first_partitions = Some(first_partitions.unwrap_or(all as i32));
                // Where it starts is committed soon, so that a restart starts there too.
                Input::new(reader, InputProgress { end, first_partitions, topic: id, ..InputProgress::NEW }, true)
            }
        };
        input.set_topic(number, from.has_time);
        inputs.push(input);
    }
    Ok((inputs, combined))
}

/// Goes on from what was committed, `before`, of which `progress` is what holds now.
fn resume(
    source: &Source,
    partition: &TopicPartition,
    committed: &CommittedOffset,
    (before, progress): (InputProgress, InputProgress),
    range: OffsetRange,
) -> Result<Input, TaskError> {
    let OffsetRange { start, stable_end } = range;
    let position = committed.offset;
    let is_another = before.topic.is_some() && before.topic != progress.topic;
    if !is_another && (start..=stable_end).contains(&position) {
        let reader = PartitionReader::new(partition.clone(), position, committed.leader_epoch);
        // What is new is to be remembered.
        return Ok(Input::new(reader, progress, progress != before));
    }
    let why = if is_another {
        "the topic was deleted and made anew"
    } else if position < start {
        "records were deleted before they were read"
    } else {
        "the log has lost its end"
    };
    let stands = format!("{why}: the job stood at offset {position} of {partition}, which has {start} to {stable_end}");
    // Where the end is lost, to begin anew would be to read twice what is still there.
    let to = match source.reset {
        Some(OffsetReset::Earliest) if is_another || position < start => start,
        Some(OffsetReset::Latest) => stable_end,
        _ => {
            return Err(TaskError::Failed(format!(
                "{stands}; set 'properties.auto.offset.reset' = 'earliest' or 'latest' on table '{}' to go on with what is there, or drop \
                 the job with its state to start anew",
                source.table
            )));
        }
    };
    let reader = PartitionReader::new(partition.clone(), to, LeaderEpoch::UNKNOWN);
    let mut input = Input::new(reader, progress, true);
    input.tell_gap(format!("{stands}; it went on at {to} ('properties.auto.offset.reset')"));
    Ok(input)
}

/// Where the input ends, exclusive; `None` if it has no end.
fn end_of_input(
    host: &dyn Host,
    source: &Source,
    partition: &TopicPartition,
    committed: Option<&CommittedOffset>,
    range: OffsetRange,
) -> Result<Option<Offset>, TaskError> {
    Ok(match &source.policies.bounded {
        None => None,
        Some(Bounded::LatestOffset) => Some(range.stable_end),
        Some(Bounded::Timestamp(time)) => {
            let found = host.offset_for_time(partition, forebay_storage::ids::Timestamp(*time));
            Some(found.map_err(|error| TaskError::from_host("looking up the end time", error))?)
        }
        Some(Bounded::SpecificOffsets(offsets)) => offsets.get(&partition.partition).map(|offset| Offset(*offset)),
        Some(Bounded::GroupOffsets) => match committed {
            Some(committed) => Some(committed.offset),
            None => {
                return Err(TaskError::Failed(format!(
                    "'scan.bounded.mode' is 'group-offsets', but the group has no offset for {partition}"
                )));
            }
        },
    })
}

/// Where to start in a partition without progress of this job.
fn start(
    host: &dyn Host,
    source: &Source,
    partition: &TopicPartition,
    committed: Option<CommittedOffset>,
    range: OffsetRange,
    added: bool,
) -> Result<Offset, TaskError> {
    let OffsetRange { start, stable_end } = range;
    let committed = committed.map(|offset| offset.offset);
    let position = match &source.startup {
        // A partition that was added while the job ran is read from its first record on, as in Flink.
        _ if added => start,
        StartupMode::EarliestOffset => start,
        StartupMode::LatestOffset => stable_end,
        StartupMode::Timestamp(time) => host
            .offset_for_time(partition, forebay_storage::ids::Timestamp(*time))
            .map_err(|error| TaskError::from_host("looking up the start time", error))?,
        StartupMode::SpecificOffsets(offsets) => match offsets.get(&partition.partition) {
            Some(offset) => Offset(*offset),
            None => committed.unwrap_or(start),
        },
        StartupMode::GroupOffsets { reset } => match (committed, reset) {
            (Some(offset), _) => offset,
            (None, OffsetReset::Earliest) => start,
            (None, OffsetReset::Latest) => stable_end,
            (None, OffsetReset::None) => {
                return Err(TaskError::Failed(format!(
                    "the group has no offset for {partition} and 'properties.auto.offset.reset' is 'none'"
                )));
            }
        },
    };
    Ok(position.clamp(start, stable_end))
}

/// Creates the topic with one partition for each of so many tasks, if it is missing.
pub fn ensure_internal(host: &dyn Host, topic: &str, tasks: usize) -> Result<(), TaskError> {
    let created = host.ensure_topic(&internal_spec(topic, tasks));
    let count = created.map_err(|error| TaskError::from_host(&format!("creating topic '{topic}'"), error))?;
    match count as usize == tasks {
        true => Ok(()),
        false => Err(TaskError::Failed(format!(
            "topic '{topic}' has {count} partitions, the job has {tasks} tasks; drop the job with its state to start anew"
        ))),
    }
}

/// Brings `state`, and what is written `beside` it, to where the changelog ends: from the store on disk if there is one, and else from its
/// beginning, moving to disk what does not fit into `memory` bytes. True if there was anything.
pub fn restore(
    host: &dyn Host,
    changelog: &TopicPartition,
    state: &mut TaskState,
    memory: u64,
    beside: &mut dyn Beside,
) -> Result<bool, TaskError> {
    let restored = roll_forward(host, changelog, state, memory, beside);
    if restored.is_err() {
        spill::give_up(host, changelog, state);
    }
    restored
}

fn roll_forward(
    host: &dyn Host,
    changelog: &TopicPartition,
    state: &mut TaskState,
    memory: u64,
    beside: &mut dyn Beside,
) -> Result<bool, TaskError> {
    let host_error = |error: HostError| TaskError::from_host("restoring the state", error);
    let range = host.offset_range(changelog).map_err(host_error)?;
    let stored = spill::open(host, changelog, state, memory, beside, range)?;
    let mut reader = PartitionReader::new(changelog.clone(), stored.unwrap_or(range.start), LeaderEpoch::UNKNOWN);
    let mut found = stored.is_some();
    while reader.position() < range.stable_end {
        let read = reader.read(host, RESTORE_BYTES, |record| {
            found = true;
            match beside.take(record.key, record.value) {
                Some(taken) => {
                    state.add_changelog_bytes(record.value.map_or(0, <[u8]>::len) as u64);
                    taken
                }
                None => state.restore(record.key, record.value),
            }
        });
        let bytes = read.map_err(|failure| restore_failure(changelog, failure))?;
        if bytes == 0 {
            return Err(TaskError::Retry(format!("{changelog} ended at {} while it was read", reader.position())));
        }
        spill::settle(host, changelog, state, beside, || Ok(reader.position()))?;
    }
    state.restored().map_err(spill::restore_error)?;
    Ok(found)
}

fn restore_failure(changelog: &TopicPartition, failure: ReadFailure<RestoreError>) -> TaskError {
    match failure {
        ReadFailure::Host(error) => TaskError::from_host("restoring the state", error),
        ReadFailure::Batch { offset, error } => TaskError::Failed(format!("{changelog}@{offset} is damaged: {error}")),
        ReadFailure::Sink(offset, error) => match spill::restore_error(error) {
            TaskError::Failed(why) => TaskError::Failed(format!("{changelog}@{offset}: {why}")),
            other => other,
        },
    }
}
