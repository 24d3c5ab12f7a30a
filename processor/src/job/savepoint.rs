//! Savepoints: a pipeline's positions and state under a name, from which another job can start.
//!
//! A savepoint is a topic with one partition for each pipeline. A partition holds a [`SavepointHead`] and, after it, the records of
//! a snapshot of the state (see [`state::changelog`](crate::state::changelog)). A task writes them in one transaction with its own
//! commit, so positions, watermarks and state belong together exactly, and whoever sees the head sees all of it.

use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};
use serde::{Deserialize, Serialize};

use super::error::TaskError;
use super::open::{ensure_internal, input_partitions};
use super::reader::{PartitionReader, ReadFailure};
use super::resources::{PipelineResources, resources};
use super::subtask::SubtaskId;
use crate::commit::{InputProgress, RecordBuffer};
use crate::host::{CommitSet, CommittedOffset, Host};
use crate::operator::Pipeline;
use crate::plan::JobPlan;

/// The form written today.
pub const VERSION: u32 = 1;

/// Key of the first record of a savepoint's partition.
pub(super) const HEAD_KEY: &[u8] = b"savepoint";

/// Bytes of a savepoint read at a time.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// What a savepoint is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointAbout {
    /// Its name.
    pub savepoint: String,
    /// The job.
    pub job: String,
    /// The job's statements then.
    pub sql: String,
}

/// The first record of a savepoint's partition, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavepointHead {
    /// Version of the form.
    pub version: u32,
    /// Its name.
    pub savepoint: String,
    /// The job.
    pub job: String,
    /// The job's statements then.
    pub sql: String,
    /// When it was made, in ms since 1970.
    pub created_ms: i64,
    /// Number of the pipeline.
    pub pipeline: usize,
    /// Transactional id of the task, which is in the offsets' metadata too.
    pub owner: String,
    /// Topic that the pipeline reads.
    pub topic: String,
    /// Where it stood.
    pub offsets: Vec<SavedOffset>,
}

/// A position in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedOffset {
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 for none.
    pub leader_epoch: i32,
    /// Watermark and counters: see [`InputProgress`].
    pub metadata: String,
}

/// The head in this partition of a savepoint's topic; `None` if nothing is there.
///
/// # Errors
/// It cannot be read, or is of a later form.
pub fn read_head(host: &dyn Host, savepoint: &TopicPartition) -> Result<Option<SavepointHead>, TaskError> {
    let mut head = None;
    read(host, savepoint, 1, &mut |key, value| {
        if head.is_none() {
            head = Some(parse_head(savepoint, key, value)?);
        }
        Ok(())
    })?;
    Ok(head)
}

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
    if let Some(changelog) = names.changelog.as_ref().filter(|topic| host.partitions(topic).is_some()) {
        let range = host.offset_range(&TopicPartition::new(changelog.as_str(), 0));
        let range = range.map_err(|error| TaskError::from_host("looking for state", error))?;
        if range.start < range.stable_end {
            return Err(TaskError::Failed(format!("job '{name}' has state already in {changelog}")));
        }
    }
    let inputs = input_partitions(host, &pipeline.source)?;
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

/// Gives pipeline number `pipeline_index` of the job `name`, which must not have run yet, the positions and the state of a savepoint.
///
/// # Errors
/// [`TaskError::Failed`] if the state does not fit the plan, or the job has positions of its own already.
pub fn start_from(
    host: &dyn Host,
    plan: &JobPlan,
    name: &str,
    pipeline_index: usize,
    savepoint: &TopicPartition,
) -> Result<(), TaskError> {
    let no_pipeline = || TaskError::Failed(format!("job '{name}' has no pipeline {pipeline_index}"));
    let pipeline = plan.pipelines.get(pipeline_index).ok_or_else(no_pipeline)?;
    let names = resources(name, plan).swap_remove(pipeline_index);
    let mut session = host
        .open_session(&names.transactional_id)
        .map_err(|error| TaskError::from_host("opening the transactional session", error))?;
    let changelog = names.changelog.as_ref().map(|topic| TopicPartition::new(topic.as_str(), 0));
    check_fresh(host, pipeline, name, &names)?;
    if let Some(changelog) = &changelog {
        ensure_internal(host, &changelog.topic, 1)?;
    }
    // The state is restored once before it is written, so that what does not fit is refused here.
    let mut check = Pipeline::new(pipeline, 1, 0);
    let (mut head, mut records) = (None, RecordBuffer::default());
    let now = host.now();
    read(host, savepoint, READ_BYTES, &mut |key, value| {
        if head.is_none() {
            head = Some(parse_head(savepoint, key, value)?);
            return Ok(());
        }
        if let (Some(state), Some(changelog)) = (check.state_mut(), &changelog) {
            state.restore(key, value).map_err(|error| TaskError::Failed(format!("{savepoint}: {error}")))?;
            records.push(changelog, now, key, value);
        }
        Ok(())
    })?;
    let head = head.ok_or_else(|| TaskError::Failed(format!("there is no savepoint in {savepoint}")))?;
    let topic: std::sync::Arc<str> = pipeline.source.topic.as_str().into();
    let offsets: Result<Vec<_>, TaskError> = head
        .offsets
        .iter()
        .map(|saved| {
            let partition = TopicPartition::new(topic.clone(), saved.partition);
            let progress = InputProgress::from_text(&saved.metadata, &head.owner)
                .map_err(|error| TaskError::Failed(format!("{savepoint}: {error}")))?;
            let offset = CommittedOffset {
                offset: Offset(saved.offset),
                leader_epoch: LeaderEpoch(saved.leader_epoch),
                metadata: progress.to_text(&SubtaskId::only(pipeline_index).owner(&names)),
            };
            Ok((partition, offset))
        })
        .collect();
    let set = CommitSet { group: names.group, records: records.into_batches(), offsets: offsets? };
    host.commit(&mut session, set).map_err(|error| TaskError::from_host("starting from the savepoint", error))
}

fn parse_head(
    savepoint: &TopicPartition,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Result<SavepointHead, TaskError> {
    let refuse = |why: String| TaskError::Failed(format!("{savepoint} is no savepoint: {why}"));
    if key != Some(HEAD_KEY) {
        return Err(refuse("its first record is another".to_owned()));
    }
    let head: SavepointHead =
        serde_json::from_slice(value.unwrap_or_default()).map_err(|error| refuse(error.to_string()))?;
    if head.version != VERSION {
        return Err(refuse(format!("its form is {}, this broker knows {VERSION}", head.version)));
    }
    Ok(head)
}

type TakeRecord<'t> = dyn FnMut(Option<&[u8]>, Option<&[u8]>) -> Result<(), TaskError> + 't;

/// Reads all of it with `bytes` at a time, or one batch if that is 1.
fn read(host: &dyn Host, savepoint: &TopicPartition, bytes: usize, take: &mut TakeRecord<'_>) -> Result<(), TaskError> {
    let error = |error| TaskError::from_host("reading the savepoint", error);
    let range = host.offset_range(savepoint).map_err(error)?;
    let mut reader = PartitionReader::new(savepoint.clone(), range.start, LeaderEpoch::UNKNOWN);
    while reader.position() < range.stable_end {
        let read = reader.read(host, bytes, |record| take(record.key, record.value));
        let size = read.map_err(|failure| match failure {
            ReadFailure::Host(failure) => error(failure),
            ReadFailure::Batch { offset, error } => {
                TaskError::Failed(format!("{savepoint}@{offset} is damaged: {error}"))
            }
            ReadFailure::Sink(_, failure) => failure,
        })?;
        if size == 0 || bytes == 1 {
            break;
        }
    }
    Ok(())
}
