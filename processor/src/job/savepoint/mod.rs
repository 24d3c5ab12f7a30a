//! Savepoints: a pipeline's positions and state under a name, from which another job can start.
//!
//! A savepoint is a topic with one partition for each pipeline. A partition holds a [`SavepointHead`], then for each task with state the
//! records of a snapshot of it (see [`state::changelog`](crate::state::changelog)), and a last record that says that this is all. They
//! are written in pieces, a transaction each, so that no size is too large; nothing else is done between the commit of which they are and
//! the last of them. In the form 1 everything was one transaction, and there was no last record.
//!
//! It says nothing of how many tasks there were: whoever starts from it may have another number.

mod start;
mod write;

use forebay_storage::ids::{LeaderEpoch, Offset, TopicPartition};
use serde::{Deserialize, Serialize};

pub use self::start::{check_start, start_from};
pub use self::write::savepoint_at_rest;
pub(super) use self::write::{Pieces, Saved};
use super::error::TaskError;
use super::reader::{PartitionReader, ReadFailure};
use crate::host::{Host, OffsetRange};

/// The form written today.
pub const VERSION: u32 = 2;

/// The form that was one transaction.
const WHOLE_VERSION: u32 = 1;

/// Key of the first record of a savepoint's partition.
const HEAD_KEY: &[u8] = b"savepoint";

/// Key of the last record.
const END_KEY: &[u8] = b"savepoint-end";

/// The last record is so near to the end of the log: it, and what ends its transaction.
const END_OFFSETS: i64 = 8;

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
    /// Topic that the pipeline reads, the first if there are several.
    pub topic: String,
    /// Where it stood.
    pub offsets: Vec<SavedOffset>,
    /// Watermark up to which windows were closed, in ms; none before the first, and in the form 1, where the offsets tell.
    #[serde(default)]
    pub closed: Option<i64>,
    /// Late rows that no offset's metadata counts: those that only merging tasks know of.
    #[serde(default)]
    pub late: u64,
}

/// A position in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedOffset {
    /// The topic, if it is not the first one that the pipeline reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The partition.
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 for none.
    pub leader_epoch: i32,
    /// Watermark and counters: see [`InputProgress`].
    pub metadata: String,
}

/// The head in this partition of a savepoint's topic; `None` if nothing is there, or not all of it.
///
/// # Errors
/// It cannot be read, or is of a later form.
pub fn read_head(host: &dyn Host, savepoint: &TopicPartition) -> Result<Option<SavepointHead>, TaskError> {
    let range = range(host, savepoint)?;
    let mut head = None;
    read(host, savepoint, range.start, 1, &mut |key, value| {
        if head.is_none() {
            head = Some(parse_head(savepoint, key, value)?);
        }
        Ok(())
    })?;
    let Some(head) = head else { return Ok(None) };
    if head.version == WHOLE_VERSION {
        return Ok(Some(head));
    }
    let near = range.start.max(Offset(range.stable_end.0.saturating_sub(END_OFFSETS)));
    let mut ended = false;
    read(host, savepoint, near, READ_BYTES, &mut |key, _| {
        ended = key == Some(END_KEY);
        Ok(())
    })?;
    Ok(ended.then_some(head))
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
    if !(WHOLE_VERSION..=VERSION).contains(&head.version) {
        return Err(refuse(format!("its form is {}, this broker knows {WHOLE_VERSION} to {VERSION}", head.version)));
    }
    Ok(head)
}

type TakeRecord<'t> = dyn FnMut(Option<&[u8]>, Option<&[u8]>) -> Result<(), TaskError> + 't;

fn range(host: &dyn Host, savepoint: &TopicPartition) -> Result<OffsetRange, TaskError> {
    host.offset_range(savepoint).map_err(|error| TaskError::from_host("reading the savepoint", error))
}

/// Reads what is there from an offset on with `bytes` at a time, or one batch if that is 1.
fn read(
    host: &dyn Host,
    savepoint: &TopicPartition,
    from: Offset,
    bytes: usize,
    take: &mut TakeRecord<'_>,
) -> Result<(), TaskError> {
    let error = |error| TaskError::from_host("reading the savepoint", error);
    let end = range(host, savepoint)?.stable_end;
    let mut reader = PartitionReader::new(savepoint.clone(), from, LeaderEpoch::UNKNOWN);
    while reader.position() < end {
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
