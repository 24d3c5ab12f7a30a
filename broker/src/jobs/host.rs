//! The processor's port into this broker: a job is a transactional client without a wire.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{DeleteGroups, GroupCommand};
use forebay_control::transaction::{Command, Reply, command};
use forebay_processor::host::{
    CommitSet, CommittedOffset, Host, HostError, OffsetRange, ReadBatches, Session, StateFolder, TopicSpec,
};
use forebay_processor::job::{InputStatus, PipelineResources, topics_of_job};
use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId, TopicPartition};
use forebay_storage::log::ReadError;
use parking_lot::Mutex;

use super::commit::COMMIT_ALARM;
use crate::clock;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::transactions::Transactions;
use crate::partition::{Isolation, Partition, Partitions};
use crate::pending::block_on;

/// Name of the folder of state on disk, in that of the changelog's log.
const STATE_FOLDER: &str = "forebay-state";

/// A transaction that is still open after this is aborted by the coordinator: the longest that Kafka's default of
/// `transaction.max.timeout.ms` allows. Tasks abort their own long before.
const TRANSACTION_TIMEOUT_MS: i32 = 15 * 60 * 1000;

/// What jobs may do in this broker.
pub struct BrokerHost {
    /// Topics.
    pub metadata: Arc<Metadata>,
    /// Logs.
    pub partitions: Arc<Partitions>,
    /// Committed offsets.
    pub groups: Arc<Groups>,
    /// Transactions.
    pub transactions: Arc<Transactions>,
    sessions: Mutex<HashMap<u64, Open>>,
    next_token: AtomicU64,
    /// When this port was made; times are measured from here.
    began: Instant,
    /// Commits that took longer than [`COMMIT_ALARM`].
    slow_commits: AtomicU64,
}

/// A session's identity as a producer, and how far it has counted in each partition.
#[derive(Clone)]
pub(super) struct Open {
    pub transactional_id: String,
    pub producer_id: ProducerId,
    pub producer_epoch: ProducerEpoch,
    pub sequences: HashMap<TopicPartition, Sequence>,
}

impl BrokerHost {
    /// Forgets a session that commits nothing more.
    pub(super) fn close_session(&self, session: &Session) {
        self.sessions.lock().remove(&session.token);
    }

    /// A port to these rooms.
    pub fn new(
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
        groups: Arc<Groups>,
        transactions: Arc<Transactions>,
    ) -> BrokerHost {
        BrokerHost {
            metadata,
            partitions,
            groups,
            transactions,
            sessions: Mutex::default(),
            next_token: AtomicU64::new(1),
            began: clock::instant(),
            slow_commits: AtomicU64::new(0),
        }
    }

    /// Offsets of a topic that can be read, over all partitions; 0 if it does not exist.
    pub fn records_in(&self, topic: &str) -> i64 {
        let count = self.metadata.topic_partitions(topic).unwrap_or(0);
        let readable = |number| {
            let (start, stable_end, _) = self.partitions.get(topic, number)?.offsets();
            Some(stable_end.0 - start.0)
        };
        (0..count).filter_map(readable).sum()
    }

    /// Takes in where the log of an input ends now.
    pub fn see_end(&self, input: &mut InputStatus) {
        if let Some(partition) = self.partitions.get(&input.topic, input.partition) {
            input.see_end(partition.offsets().1.0);
        }
    }

    /// Commits so far that took longer than [`COMMIT_ALARM`].
    pub fn slow_commits(&self) -> u64 {
        self.slow_commits.load(Ordering::Relaxed)
    }

    fn note_commit(&self, session: &Session, took: Duration) {
        if took > COMMIT_ALARM {
            self.slow_commits.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("a commit of {} took {} ms", session.transactional_id, took.as_millis());
        }
    }

    /// Deletes what a dropped job has left: its internal topics and its group.
    pub fn remove(&self, left: &PipelineResources) {
        for topic in left.changelog.iter().chain(&left.repartition) {
            if self.metadata.topic_partitions(topic).is_some()
                && let Err(error) = self.metadata.delete_topic(topic)
            {
                tracing::warn!("the topic {topic} of a dropped job cannot be deleted: {error}");
            }
        }
        let group = left.group.as_str();
        let reply = self.groups.ask_now(group, |reply_to| {
            GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids: vec![group.into()] })
        });
        if let Err(error) = reply {
            tracing::warn!("the group {group} of a dropped job cannot be deleted: {error}");
        }
    }

    /// Deletes the internal topics of a dropped job of which nothing but its name is known.
    pub fn remove_topics(&self, job: &str) {
        let names: Vec<String> =
            self.metadata.query(|machine| machine.topics().map(|topic| topic.name.to_string()).collect());
        for topic in topics_of_job(job, names.iter().map(String::as_str)) {
            if let Err(error) = self.metadata.delete_topic(topic) {
                tracing::warn!("the topic {topic} of a dropped job cannot be deleted: {error}");
            }
        }
    }

    pub(super) fn partition(&self, name: &TopicPartition) -> Result<Arc<Partition>, HostError> {
        self.partitions.get(&name.topic, name.partition).ok_or_else(|| HostError::UnknownPartition(name.clone()))
    }

    /// The folder of state on disk: in that of the changelog's log, with which it is moved and deleted. Apache Kafka and its tools pass
    /// over folders there (LogLoader).
    fn state_path(&self, changelog: &TopicPartition) -> Result<PathBuf, HostError> {
        Ok(self.partition(changelog)?.with_log(|log| log.dir().join(STATE_FOLDER)))
    }
}

impl Host for BrokerHost {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn partitions(&self, topic: &str) -> Option<i32> {
        self.metadata.topic_partitions(topic)
    }

    fn topic_id(&self, topic: &str) -> Option<TopicId> {
        self.metadata.query(|machine| machine.topic(topic).map(|topic| topic.topic_id))
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<i32, HostError> {
        if let Some(count) = self.metadata.topic_partitions(&spec.name) {
            return Ok(count);
        }
        self.metadata.create_topic(&spec.name, spec.partitions.unwrap_or(-1), &spec.configs).map_err(
            |(error, message)| HostError::Refused(format!("cannot create topic {}: {error} {message}", spec.name)),
        )
    }

    fn open_session(&self, transactional_id: &str) -> Result<Session, HostError> {
        let session = Session {
            transactional_id: transactional_id.to_owned(),
            token: self.next_token.fetch_add(1, Ordering::Relaxed),
        };
        let fresh_producer_id = self.transactions.producer_ids.fresh().map_err(|e| refused(&session, e))?;
        let reply = block_on(self.transactions.ask(transactional_id, |reply_to| {
            Command::InitProducerId(command::InitProducerId {
                reply_to,
                transactional_id: transactional_id.to_owned(),
                timeout_ms: TRANSACTION_TIMEOUT_MS,
                expected: None,
                fresh_producer_id,
                wait_for_abort: true,
            })
        }));
        match reply {
            Ok(Reply::InitProducerId { error: ErrorCode::None, producer_id, producer_epoch }) => {
                let open = Open {
                    transactional_id: transactional_id.to_owned(),
                    producer_id,
                    producer_epoch,
                    sequences: HashMap::new(),
                };
                let mut sessions = self.sessions.lock();
                // Those before it are fenced.
                sessions.retain(|_, other| other.transactional_id != transactional_id);
                sessions.insert(session.token, open);
                Ok(session)
            }
            Ok(Reply::InitProducerId { error, .. }) | Err(error) => Err(refused(&session, error)),
            Ok(other) => unreachable!("InitProducerId is answered by {other:?}"),
        }
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        require_stable: bool,
    ) -> Result<Vec<Option<CommittedOffset>>, HostError> {
        let unavailable = |e: ErrorCode| HostError::Storage(format!("group {group} is not available: {e}"));
        let shard = self.groups.shard(group).map_err(unavailable)?;
        let found = block_on(shard.read(|machine| machine.fetch_offsets(group, Some(partitions), require_stable)));
        let found = found.map_err(|_| unavailable(ErrorCode::CoordinatorNotAvailable))?;
        found
            .into_iter()
            .map(|f| match f.error {
                ErrorCode::None if f.offset < Offset::ZERO => Ok(None),
                ErrorCode::None => Ok(Some(CommittedOffset {
                    offset: f.offset,
                    leader_epoch: f.leader_epoch,
                    metadata: f.metadata.to_string(),
                })),
                error => Err(unavailable(error)),
            })
            .collect()
    }

    fn offset_range(&self, partition: &TopicPartition) -> Result<OffsetRange, HostError> {
        let (start, stable_end, _) = self.partition(partition)?.offsets();
        Ok(OffsetRange { start, stable_end })
    }

    fn offset_for_time(&self, partition: &TopicPartition, time: Timestamp) -> Result<Offset, HostError> {
        let log = self.partition(partition)?;
        let found = log
            .with_log(|log| log.offset_for_timestamp(time))
            .map_err(|e| HostError::Storage(format!("{partition}: {e}")))?;
        Ok(found.map_or(log.offsets().1, |(offset, _, _)| offset))
    }

    fn read(&self, partition: &TopicPartition, from: Offset, max_bytes: usize) -> Result<ReadBatches, HostError> {
        let log = self.partition(partition)?;
        match log.read(from, max_bytes, Isolation::ReadCommitted, true) {
            Ok(read) => Ok(ReadBatches {
                batches: read.records,
                aborted: read
                    .aborted
                    .unwrap_or_default()
                    .into_iter()
                    .map(|a| (a.producer_id, a.first_offset))
                    .collect(),
                stable_end: read.last_stable_offset,
            }),
            Err(ReadError::OffsetOutOfRange { start, end }) => {
                Err(HostError::OffsetOutOfRange { partition: partition.clone(), offset: from, start, end })
            }
            Err(error) => Err(HostError::Storage(format!("{partition}: {error}"))),
        }
    }

    fn watch(&self, partitions: &[TopicPartition], wake: Arc<dyn Fn() + Send + Sync>) -> Box<dyn Send> {
        let guards: Vec<_> =
            partitions.iter().filter_map(|p| self.partition(p).ok()).map(|p| p.watch(wake.clone())).collect();
        Box::new(guards)
    }

    fn commit(&self, session: &mut Session, commit: CommitSet) -> Result<(), HostError> {
        // Taken out and put back, so that no lock is held while logs are written: a session has one task.
        let Some(mut open) = self.sessions.lock().remove(&session.token) else {
            return Err(HostError::Fenced(session.transactional_id.clone()));
        };
        let began = clock::instant();
        self.transact(session, &mut open, commit)?;
        self.note_commit(session, began.elapsed());
        self.sessions.lock().insert(session.token, open);
        Ok(())
    }

    fn state_folder(&self, changelog: &TopicPartition) -> Result<Option<StateFolder>, HostError> {
        let failed = |e: StorageError| HostError::Storage(format!("{changelog}: {e}"));
        let log = self.partition(changelog)?.with_log(|log| log.dir().to_path_buf());
        let path = log.join(STATE_FOLDER);
        let disk = self.partitions.disk();
        // A disk that does not know its size is a test's, in memory.
        match disk.space(&log).map_err(failed)? {
            Some(_) => Ok(Some(StateFolder { used: disk.exists(&path).map_err(failed)?, path })),
            None => Ok(None),
        }
    }

    fn clear_state_folder(&self, changelog: &TopicPartition) -> Result<(), HostError> {
        let path = self.state_path(changelog)?;
        self.partitions.disk().remove_dir_all(&path).map_err(|e| HostError::Storage(format!("{changelog}: {e}")))
    }

    fn trim(&self, partition: &TopicPartition, before: Offset) -> Result<(), HostError> {
        self.partition(partition)?
            .delete_records(before)
            .map(drop)
            .map_err(|e| HostError::Storage(format!("{partition}: {e}")))
    }
}

/// What the coordinators' errors mean to a task.
pub(super) fn refused(session: &Session, error: ErrorCode) -> HostError {
    match error {
        ErrorCode::ProducerFenced | ErrorCode::InvalidProducerEpoch | ErrorCode::InvalidProducerIdMapping => {
            HostError::Fenced(session.transactional_id.clone())
        }
        ErrorCode::KafkaStorageError | ErrorCode::CoordinatorNotAvailable => HostError::Storage(format!(
            "a coordinator of {} cannot write its log ({error}); is its disk full?",
            session.transactional_id
        )),
        ErrorCode::ConcurrentTransactions => HostError::Storage(format!(
            "the last transaction of {} is not ended yet: a partition that it wrote to does not take its marker; is its disk full?",
            session.transactional_id
        )),
        other => HostError::Refused(format!("transaction {}: {other}", session.transactional_id)),
    }
}
