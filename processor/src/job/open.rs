//! Brings a task back to exactly where its last commit left it.

use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};

use super::error::TaskError;
use super::input::Input;
use super::reader::{PartitionReader, ReadFailure};
use super::resources::internal_spec;
use super::spill::{self, Beside};
use crate::commit::InputProgress;
use crate::host::{CommittedOffset, Host, HostError, OffsetRange, TopicSpec};
use crate::plan::{Bounded, OffsetReset, Sink, Source, StartupMode};
use crate::state::{RestoreError, TaskState};
use crate::time::NO_WATERMARK;

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

/// The inputs at the positions that the task has committed, and the task's watermark.
///
/// `has_state` tells that the changelog holds something: then every committed offset must be the task's own.
pub fn open_inputs(
    host: &dyn Host,
    source: &Source,
    (group, owner): (&str, &str),
    partitions: &[TopicPartition],
    has_state: bool,
) -> Result<(Vec<Input>, i64), TaskError> {
    let committed = host
        .committed(group, partitions, true)
        .map_err(|error| TaskError::from_host("reading committed offsets", error))?;
    let own = |offset: &CommittedOffset| InputProgress::from_text(&offset.metadata, owner).ok();
    let progress: Vec<Option<InputProgress>> = committed.iter().map(|offset| offset.as_ref().and_then(own)).collect();
    let resumed = progress.iter().any(Option::is_some);
    if progress.iter().flatten().any(|progress| progress.has_state) && !has_state {
        return Err(TaskError::Failed(format!(
            "the state that belongs to the offsets of group '{group}' is gone; delete the group to start anew"
        )));
    }
    if has_state && !resumed {
        return Err(TaskError::Failed(format!(
            "there is state from earlier runs, but the offsets that belong to it are gone from group '{group}'; \
             drop the job with its state, or apply it under another name"
        )));
    }
    let mut combined = NO_WATERMARK;
    let mut inputs = Vec::with_capacity(partitions.len());
    for ((partition, committed), progress) in partitions.iter().zip(committed).zip(progress) {
        let range = host.offset_range(partition).map_err(|error| TaskError::from_host("opening input", error))?;
        combined = combined.max(progress.map_or(NO_WATERMARK, |progress| progress.combined));
        let end = match progress.and_then(|progress| progress.end) {
            Some(end) if source.policies.bounded.is_some() => Some(end),
            _ => end_of_input(host, source, partition, committed.as_ref(), range)?,
        };
        inputs.push(match (committed, progress) {
            (Some(committed), Some(progress)) => {
                // An end that is new is to be remembered.
                let changed = end != progress.end;
                resume(partition, &committed, InputProgress { end, ..progress }, range, changed)?
            }
            (Some(committed), None) if resumed => {
                return Err(TaskError::Failed(format!(
                    "the offset {} of {partition} in group '{group}' was set by someone else, but state and watermark belong \
                     to other offsets; drop the job with its state to start anew",
                    committed.offset
                )));
            }
            (committed, _) => {
                let position = start(host, source, partition, committed, range, resumed)?;
                let reader = PartitionReader::new(partition.clone(), position, LeaderEpoch::UNKNOWN);
                // Where it starts is committed soon, so that a restart starts there too.
                Input::new(reader, InputProgress { end, ..InputProgress::NEW }, true)
            }
        });
    }
    Ok((inputs, combined))
}

fn resume(
    partition: &TopicPartition,
    committed: &CommittedOffset,
    progress: InputProgress,
    range: OffsetRange,
    changed: bool,
) -> Result<Input, TaskError> {
    let OffsetRange { start, stable_end } = range;
    let position = committed.offset;
    if position < start || position > stable_end {
        let why =
            if position < start { "records were deleted before they were read" } else { "the topic was replaced" };
        return Err(TaskError::Failed(format!(
            "{why}: the job stands at offset {position} of {partition}, which has {start} to {stable_end}; \
             drop the job with its state to start anew"
        )));
    }
    let reader = PartitionReader::new(partition.clone(), position, committed.leader_epoch);
    Ok(Input::new(reader, progress, changed))
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
    resumed: bool,
) -> Result<Offset, TaskError> {
    let OffsetRange { start, stable_end } = range;
    let committed = committed.map(|offset| offset.offset);
    let position = match &source.startup {
        // A partition that was added while the job ran is read from its first record on, as in Flink.
        _ if resumed => start,
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
