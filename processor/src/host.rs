//! The one port through which the processor sees the broker.
//!
//! A task is a transactional client that lives in the broker: it reads committed records, and each of its commits is one Kafka
//! transaction that holds outputs, the state's changelog and the input offsets.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::batch::BatchBuilder;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerId, Timestamp, TopicId, TopicPartition};

/// What a job asks of the broker. Every call may block for as long as a local disk write takes, never for a network.
pub trait Host: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// A clock that only goes forward, in microseconds since some moment: to measure how long something takes.
    fn micros(&self) -> u64 {
        u64::try_from(self.now().0).unwrap_or(0).saturating_mul(1_000)
    }

    /// The number of partitions of `topic`; `None` if there is no such topic.
    fn partitions(&self, topic: &str) -> Option<i32>;

    /// The id of `topic`, which no topic has that is made later under the same name; `None` if there is no such topic.
    fn topic_id(&self, topic: &str) -> Option<TopicId>;

    /// Creates the topic if it is not there, and returns its number of partitions either way.
    fn ensure_topic(&self, spec: &TopicSpec) -> Result<i32, HostError>;

    /// Takes over as the one writer under `transactional_id`: fences an earlier session and aborts what it left open.
    /// On return no transaction of that id is open and every committed one is visible.
    fn open_session(&self, transactional_id: &str) -> Result<Session, HostError>;

    /// The offsets committed by `group`, one for each of `partitions`, in order. With `require_stable` an offset that an open transaction
    /// may change is an error that goes away (KIP-447); without, what was committed last is given.
    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        require_stable: bool,
    ) -> Result<Vec<Option<CommittedOffset>>, HostError>;

    /// First offset still there, and the last stable offset (the end for a read_committed reader).
    fn offset_range(&self, partition: &TopicPartition) -> Result<OffsetRange, HostError>;

    /// The first offset whose record time is at or after `time`; the end of the partition if there is none.
    fn offset_for_time(&self, partition: &TopicPartition, time: Timestamp) -> Result<Offset, HostError>;

    /// Whole record batches from `from` on, at most about `max_bytes` but at least one batch, nothing at or beyond the last
    /// stable offset. The first batch may begin before `from`. Batches of aborted transactions are among them: see
    /// [`ReadBatches::aborted`]. [`HostError::OffsetOutOfRange`] when `from` lies before the start or beyond the end.
    fn read(&self, partition: &TopicPartition, from: Offset, max_bytes: usize) -> Result<ReadBatches, HostError>;

    /// Calls `wake` whenever the last stable offset of one of `partitions` has moved, until the returned guard is dropped.
    fn watch(&self, partitions: &[TopicPartition], wake: Arc<dyn Fn() + Send + Sync>) -> Box<dyn Send>;

    /// Makes everything in `commit` visible at once, or nothing of it.
    /// [`HostError::Fenced`] means that another session took over: the task must stop.
    fn commit(&self, session: &mut Session, commit: CommitSet) -> Result<(), HostError>;

    /// The folder in which the state of this changelog's task may be that memory has no room for. It goes with the changelog. `None` if
    /// there is no disk for it.
    fn state_folder(&self, _changelog: &TopicPartition) -> Result<Option<StateFolder>, HostError> {
        Ok(None)
    }

    /// Removes that folder with all that is in it.
    fn clear_state_folder(&self, _changelog: &TopicPartition) -> Result<(), HostError> {
        Ok(())
    }

    /// Deletes the records of a changelog before `before`, which a snapshot has made superfluous.
    fn trim(&self, partition: &TopicPartition, before: Offset) -> Result<(), HostError>;
}

/// Where state may be on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolder {
    /// The folder, on a local disk.
    pub path: PathBuf,
    /// Whether it is there.
    pub used: bool,
}

/// A topic that a job needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Number of partitions if it has to be created; `None` for the broker's default.
    pub partitions: Option<i32>,
    /// Topic configuration if it has to be created, in Kafka's keys.
    pub configs: Vec<(String, String)>,
}

/// The right to commit under a transactional id, until another session takes it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The transactional id.
    pub transactional_id: String,
    /// Tells this session from others of the same id; meaningful to the host alone.
    pub token: u64,
}

/// First and last offsets of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// The first offset still there.
    pub start: Offset,
    /// The last stable offset: every record before it is committed or aborted.
    pub stable_end: Offset,
}

/// A group's position in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset to read.
    pub offset: Offset,
    /// Leader epoch of the last record read, or [`LeaderEpoch::UNKNOWN`].
    pub leader_epoch: LeaderEpoch,
    /// Free text kept with it; at most `offset.metadata.max.bytes` (4,096) bytes.
    pub metadata: String,
}

/// A stretch of a partition's log.
#[derive(Clone, Debug)]
pub struct ReadBatches {
    /// Whole record batches, back to back, as they are on disk.
    pub batches: Bytes,
    /// Aborted transactions that reach into the stretch: records of that producer at or after the offset are to be skipped, until
    /// its abort marker.
    pub aborted: Vec<(ProducerId, Offset)>,
    /// The last stable offset when the stretch was read.
    pub stable_end: Offset,
}

/// One atomic step of a task.
#[derive(Debug, Default)]
pub struct CommitSet {
    /// The consumer group whose offsets move; shows the job's progress to every Kafka tool.
    pub group: String,
    /// Records for output topics and changelog partitions. The host stamps producer, epoch and sequence.
    pub records: Vec<(TopicPartition, BatchBuilder)>,
    /// Input positions after this step.
    pub offsets: Vec<(TopicPartition, CommittedOffset)>,
}

/// Why the host could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The topic or partition is not there.
    #[error("there is no partition {0}")]
    UnknownPartition(TopicPartition),
    /// The offset is not in the log.
    #[error("offset {offset} of {partition} is not in the log, which has {start} to {end}")]
    OffsetOutOfRange {
        /// Where.
        partition: TopicPartition,
        /// What was asked for.
        offset: Offset,
        /// First offset there is.
        start: Offset,
        /// The end.
        end: Offset,
    },
    /// Another session has taken over.
    #[error("another session has taken over transactional id {0}")]
    Fenced(String),
    /// The broker refused the request; the text says what and why.
    #[error("{0}")]
    Refused(String),
    /// A disk failed; trying again later may help.
    #[error("storage failed: {0}")]
    Storage(String),
}
