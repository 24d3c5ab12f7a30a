//! The processor's port into this broker: a job is a transactional client without a wire.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{CommitTransactionalOffsets, DeleteGroups, GroupCommand, GroupReply, OffsetToCommit};
use forebay_control::transaction::{Command, Reply, TransactionVersion, command};
use forebay_processor::host::{
    CommitSet, CommittedOffset, Host, HostError, OffsetRange, ReadBatches, Session, StateFolder, TopicSpec,
};
use forebay_processor::job::PipelineResources;
use forebay_storage::batch::BatchStamp;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId, TopicPartition};
use forebay_storage::log::{AppendError, ReadError};
use parking_lot::Mutex;

use crate::clock;
use crate::coordinator::OFFSETS_TOPIC;
use crate::coordinator::groups::Groups;
use crate::coordinator::metadata::Metadata;
use crate::coordinator::transactions::{Producer, Transactions};
use crate::partition::{Isolation, Partition, Partitions};
use crate::pending::block_on;

/// Name of the folder of state on disk, in that of the changelog's log.
const STATE_FOLDER: &str = "forebay-state";

/// A commit takes milliseconds; one that is still open after this is aborted by the coordinator.
const TRANSACTION_TIMEOUT_MS: i32 = 60_000;

/// How soon a commit is to be visible even on a loaded machine with synced acknowledgements.
const COMMIT_TARGET: Duration = Duration::from_millis(500);
/// A commit that takes longer is counted and logged.
const COMMIT_ALARM: Duration = COMMIT_TARGET;
/// A commit that is not decided after this is aborted: until then it holds back the last stable offset of all that it writes to.
const COMMIT_LIMIT: Duration = Duration::from_millis(10 * 500);

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
struct Open {
    transactional_id: String,
    producer_id: ProducerId,
    producer_epoch: ProducerEpoch,
    sequences: HashMap<TopicPartition, Sequence>,
}

impl BrokerHost {
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

    fn partition(&self, name: &TopicPartition) -> Result<Arc<Partition>, HostError> {
        self.partitions.get(&name.topic, name.partition).ok_or_else(|| HostError::UnknownPartition(name.clone()))
    }

    /// The folder of state on disk: in that of the changelog's log, with which it is moved and deleted. Apache Kafka and its tools pass
    /// over folders there (LogLoader).
    fn state_path(&self, changelog: &TopicPartition) -> Result<PathBuf, HostError> {
        Ok(self.partition(changelog)?.with_log(|log| log.dir().join(STATE_FOLDER)))
    }

    /// Everything of a commit up to its end; what fails here is aborted by the caller.
    fn write(&self, session: &Session, open: &mut Open, commit: CommitSet) -> Result<(), HostError> {
        let producer =
            Producer { transactional_id: &session.transactional_id, id: open.producer_id, epoch: open.producer_epoch };
        let mut names: Vec<TopicPartition> = commit.records.iter().map(|(name, _)| name.clone()).collect();
        if !commit.offsets.is_empty() {
            let number = self.groups.partition_of(&commit.group).map_err(|e| refused(session, e))?;
            names.push(TopicPartition::new(OFFSETS_TOPIC, number));
        }
        block_on(self.transactions.add_partitions(producer, names, TransactionVersion::V0))
            .map_err(|e| refused(session, e))?;
        let began = clock::instant();
        let in_time = || match began.elapsed() {
            took if took > COMMIT_LIMIT => Err(HostError::Storage(format!(
                "the commit was given up after {} ms, so that readers of what it writes to do not wait for it",
                took.as_millis()
            ))),
            _ => Ok(()),
        };
        let mut written = Vec::with_capacity(commit.records.len());
        for (name, builder) in commit.records {
            let count = i32::try_from(builder.len()).map_err(|_| HostError::Refused("a batch is too long".into()))?;
            let sequence = open.sequences.entry(name.clone()).or_insert(Sequence(0));
            let stamp = BatchStamp {
                producer_id: open.producer_id,
                producer_epoch: open.producer_epoch,
                base_sequence: *sequence,
                transactional: true,
                ..BatchStamp::default()
            };
            let partition = self.partition(&name)?;
            let outcome =
                partition.append_internal(builder.finish(&stamp), true).map_err(|e| append_refused(&name, &e))?;
            written.push((partition, outcome.last_offset));
            in_time()?;
            *sequence = sequence.plus(count);
        }
        self.commit_offsets(session, open, &commit.group, commit.offsets)?;
        // Nothing is ended before all of it is where it must be.
        for (partition, last) in written {
            block_on(partition.committed(Offset(last.0 + 1)))
                .map_err(|e| HostError::Storage(format!("{}: {e}", partition.name())))?;
            in_time()?;
        }
        Ok(())
    }

    fn commit_offsets(
        &self,
        session: &Session,
        open: &Open,
        group: &str,
        offsets: Vec<(TopicPartition, CommittedOffset)>,
    ) -> Result<(), HostError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let offsets = offsets
            .into_iter()
            .map(|(partition, position)| OffsetToCommit {
                topic_id: self.metadata.topic_id_of(&partition).unwrap_or(TopicId::ZERO),
                partition,
                offset: position.offset,
                leader_epoch: position.leader_epoch,
                metadata: Some(position.metadata.into()),
            })
            .collect();
        let reply = self.groups.ask_now(group, |reply_to| {
            GroupCommand::CommitTransactionalOffsets(CommitTransactionalOffsets {
                reply_to,
                group_id: group.into(),
                producer_id: open.producer_id,
                producer_epoch: open.producer_epoch,
                generation: -1,
                member_id: "".into(),
                instance_id: None,
                offsets,
            })
        });
        match reply {
            Ok(GroupReply::CommitOffsets(results)) => match results.iter().find(|r| !r.error.is_ok()) {
                None => Ok(()),
                Some(bad) => Err(HostError::Refused(format!(
                    "group {group} refuses the offset of {}: {}; is a consumer using this group?",
                    bad.partition, bad.error
                ))),
            },
            Ok(other) => unreachable!("a commit is answered by {other:?}"),
            Err(error) => Err(refused(session, error)),
        }
    }

    fn end(&self, session: &Session, open: &Open, commit: bool) -> Result<(), HostError> {
        let fresh_producer_id = self.transactions.producer_ids.fresh().map_err(|e| refused(session, e))?;
        let reply = block_on(self.transactions.ask(&session.transactional_id, |reply_to| {
            Command::EndTxn(command::EndTxn {
                reply_to,
                transactional_id: session.transactional_id.clone(),
                producer_id: open.producer_id,
                producer_epoch: open.producer_epoch,
                commit,
                // A task cannot send a batch late, so its epoch may stay (see docs/decisions).
                client_version: TransactionVersion::V0,
                fresh_producer_id,
            })
        }));
        match reply {
            Ok(Reply::EndTxn { error: ErrorCode::None, .. }) => Ok(()),
            Ok(Reply::EndTxn { error, .. }) | Err(error) => Err(refused(session, error)),
            Ok(other) => unreachable!("EndTxn is answered by {other:?}"),
        }
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

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<CommittedOffset>>, HostError> {
        let unavailable = |e: ErrorCode| HostError::Refused(format!("group {group} is not available: {e}"));
        let shard = self.groups.shard(group).map_err(unavailable)?;
        let found = block_on(shard.read(|machine| machine.fetch_offsets(group, Some(partitions), true)));
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
        match self.write(session, &mut open, commit) {
            Ok(()) => {
                self.end(session, &open, true)?;
                self.note_commit(session, began.elapsed());
                self.sessions.lock().insert(session.token, open);
                Ok(())
            }
            // The session ends here: what it wrote is aborted now or, if that fails too, by the next session's opening.
            Err(error) => {
                if let Err(abort) = self.end(session, &open, false) {
                    tracing::warn!(id = session.transactional_id, "cannot abort a failed commit yet: {abort}");
                }
                Err(error)
            }
        }
    }

    fn state_folder(&self, changelog: &TopicPartition) -> Option<StateFolder> {
        let path = self.state_path(changelog).ok()?;
        let disk = self.partitions.disk();
        // A disk that does not know its size is a test's, in memory.
        disk.space(path.parent()?).ok()??;
        Some(StateFolder { used: disk.exists(&path).ok()?, path })
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

/// Why `partition` did not take a batch. What the topic does not take it would not take later either: somebody has to do something.
fn append_refused(partition: &TopicPartition, error: &AppendError) -> HostError {
    let topic = &partition.topic;
    let advice = match error {
        // A disk that comes back, or a producer that begins anew with the next session, may help.
        AppendError::Storage(_)
        | AppendError::OutOfOrderSequence(_)
        | AppendError::InvalidProducerEpoch(_)
        | AppendError::UnknownProducerId(_)
        | AppendError::InvalidTxnState(_)
        | AppendError::TransactionCoordinatorFenced(_) => return HostError::Storage(format!("{partition}: {error}")),
        AppendError::MessageTooLarge(_) => format!("raise max.message.bytes of topic '{topic}'"),
        AppendError::RecordListTooLarge(_) => format!("raise segment.bytes of topic '{topic}'"),
        AppendError::InvalidTimestamp { .. } => {
            format!("raise message.timestamp.before.max.ms or message.timestamp.after.max.ms of topic '{topic}'")
        }
        AppendError::InvalidRecord { .. } => format!(
            "if topic '{topic}' is compacted, give its table a key ('key.fields') or take 'compact' out of cleanup.policy"
        ),
        AppendError::CorruptMessage(_)
        | AppendError::UnsupportedForMessageFormat(_)
        | AppendError::UnsupportedCompressionType(_) => format!("see the settings of topic '{topic}'"),
    };
    HostError::Refused(format!("{partition} does not take the batch: {error}; {advice} and resume the job"))
}

/// What the coordinators' errors mean to a task.
fn refused(session: &Session, error: ErrorCode) -> HostError {
    match error {
        ErrorCode::ProducerFenced | ErrorCode::InvalidProducerEpoch | ErrorCode::InvalidProducerIdMapping => {
            HostError::Fenced(session.transactional_id.clone())
        }
        ErrorCode::KafkaStorageError | ErrorCode::CoordinatorNotAvailable => HostError::Storage(error.to_string()),
        other => HostError::Refused(format!("transaction {}: {other}", session.transactional_id)),
    }
}
