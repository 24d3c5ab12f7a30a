//! A broker in memory: topics, groups, transactions with markers, read_committed reads, and crashes on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use forebay_processor::host::{
    CommitSet, CommittedOffset, Host, HostError, OffsetRange, ReadBatches, Session, StateFolder, TopicSpec,
};
use forebay_storage::batch::{BatchBuilder, BatchStamp, ControlKind, batches};
use forebay_storage::compress::Compression;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId, TopicPartition};
use tempfile::TempDir;

pub use super::log::Got;
use super::log::Log;

/// When the broker "crashes" in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Before anything is written.
    Before,
    /// After the records, before the decision: the transaction is aborted by the next session.
    Undecided,
    /// After the decision, before the task hears of it.
    After,
}

#[derive(Default)]
struct Broker {
    now: i64,
    /// By how many microseconds its clock has gone on because it was looked at, and does each time.
    passed_us: u64,
    look_us: u64,
    logs: BTreeMap<TopicPartition, Log>,
    topics: BTreeMap<String, i32>,
    /// How often topics were deleted.
    deleted: BTreeMap<String, u32>,
    /// `max.message.bytes` of topics that were made with one.
    message_limits: BTreeMap<String, usize>,
    groups: BTreeMap<(String, TopicPartition), CommittedOffset>,
    /// Partitions whose committed offsets an open transaction may change.
    unstable: BTreeSet<TopicPartition>,
    sessions: BTreeMap<String, u64>,
    /// Of all sessions, so that no two have the same producer id.
    last_token: u64,
    crash: Option<(u32, Crash)>,
    commits: u64,
    trims: u64,
    largest_commit: usize,
    disk: u32,
}

/// Kafka's default of `max.message.bytes`.
const MESSAGE_LIMIT: usize = 1_048_588;

/// The broker.
#[derive(Default)]
pub struct MemoryHost(Mutex<Broker>, OnceLock<TempDir>);

/// Producer ids of sessions are above those of test producers.
const SESSION_PRODUCERS: i64 = 1_000_000;

fn stamp(producer: Option<ProducerId>) -> BatchStamp {
    match producer {
        None => BatchStamp::default(),
        Some(producer_id) => BatchStamp {
            producer_id,
            producer_epoch: ProducerEpoch(0),
            base_sequence: Sequence(0),
            transactional: true,
            ..BatchStamp::default()
        },
    }
}

impl MemoryHost {
    pub fn new() -> MemoryHost {
        MemoryHost::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Broker) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    /// From now on an open transaction may change the offsets of this partition.
    pub fn unstable(&self, topic: &str, partition: i32) {
        self.with(|broker| broker.unstable.insert(TopicPartition::new(topic, partition)));
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) {
        self.with(|broker| {
            broker.topics.insert(topic.to_owned(), partitions);
            for partition in 0..partitions {
                broker.logs.entry(TopicPartition::new(topic, partition)).or_default();
            }
        });
    }

    /// The folder of a changelog's state on disk.
    pub fn state_path(&self, changelog: &TopicPartition) -> PathBuf {
        let new = || {
            // Nothing has to outlive the machine, so no test waits for its disk.
            let memory = Path::new("/dev/shm");
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        };
        let disk = self.with(|broker| broker.disk).to_string();
        let name = format!("{}-{}", changelog.topic, changelog.partition);
        self.1.get_or_init(|| new().unwrap()).path().join(disk).join(name)
    }

    /// Whoever opens a task from now on does it on another machine, which has the logs and no state on disk.
    pub fn other_disk(&self) {
        self.with(|broker| broker.disk += 1);
    }

    pub fn delete_topic(&self, topic: &str) {
        self.with(|broker| {
            broker.topics.remove(topic);
            *broker.deleted.entry(topic.to_owned()).or_default() += 1;
            broker.logs.retain(|partition, _| *partition.topic != *topic);
        });
    }

    /// Timestamps of the records of all partitions, markers not counted.
    pub fn timestamps(&self, topic: &str) -> Vec<i64> {
        self.with(|broker| {
            let logs = broker.logs.iter().filter(|(partition, _)| *partition.topic == *topic);
            let bytes = logs.flat_map(|(_, log)| log.batches.iter().map(|(_, _, bytes)| bytes.clone()));
            let all =
                bytes.map(|bytes| batches(bytes).next().unwrap().unwrap()).filter(|batch| !batch.header.is_control());
            all.flat_map(|batch| {
                batch.records().unwrap().iter().map(|record| record.unwrap().timestamp.0).collect::<Vec<_>>()
            })
            .collect()
        })
    }

    /// Lets so many microseconds pass each time somebody looks how long something takes.
    pub fn slow(&self, us: u64) {
        self.with(|broker| broker.look_us = us);
    }

    pub fn advance(&self, ms: i64) {
        self.with(|broker| broker.now += ms);
    }

    /// Appends one batch outside of any transaction; `None` is a tombstone.
    pub fn produce<V: AsRef<[u8]>>(&self, topic: &str, partition: i32, values: &[Option<V>]) {
        self.append(topic, partition, values, None);
    }

    /// Appends one record with everything that a record can have.
    pub fn produce_record(
        &self,
        topic: &str,
        partition: i32,
        (timestamp, key, value): (i64, Option<&[u8]>, Option<&[u8]>),
        headers: &[(&str, Option<&[u8]>)],
    ) {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(Timestamp(timestamp), key, value, headers);
        let bytes = builder.finish(&stamp(None));
        self.with(|broker| broker.logs.get_mut(&TopicPartition::new(topic, partition)).unwrap().append(&bytes));
    }

    /// Makes a topic larger.
    pub fn add_partitions(&self, topic: &str, partitions: i32) {
        self.create_topic(topic, partitions);
    }

    /// Bytes of the batches of the largest commit so far.
    pub fn largest_commit(&self) -> usize {
        self.with(|broker| broker.largest_commit)
    }

    /// Appends one batch inside of a transaction that stays open.
    pub fn produce_in_transaction<V: AsRef<[u8]>>(&self, producer: i64, topic: &str, partition: i32, values: &[V]) {
        let values: Vec<Option<&V>> = values.iter().map(Some).collect();
        self.append(topic, partition, &values, Some(ProducerId(producer)));
    }

    fn append<V: AsRef<[u8]>>(&self, topic: &str, partition: i32, values: &[Option<V>], producer: Option<ProducerId>) {
        if values.is_empty() {
            return;
        }
        let mut builder = BatchBuilder::new(Compression::None);
        for value in values {
            builder.push(Timestamp(0), None, value.as_ref().map(AsRef::as_ref), &[]);
        }
        let bytes = builder.finish(&stamp(producer));
        self.with(|broker| {
            let log = broker.logs.get_mut(&TopicPartition::new(topic, partition)).unwrap();
            let base = log.append(&bytes);
            if let Some(producer) = producer
                && !log.open.iter().any(|(other, _)| *other == producer)
            {
                log.open.push((producer, base));
            }
        });
    }

    pub fn end_transaction(&self, producer: i64, kind: ControlKind) {
        self.with(|broker| {
            broker.logs.values_mut().for_each(|log| log.end_transaction(ProducerId(producer), kind));
        });
    }

    /// The commit after `after` more ones crashes.
    pub fn crash_at_commit(&self, after: u32, crash: Crash) {
        self.with(|broker| broker.crash = Some((after, crash)));
    }

    /// Successful and crashed-after commits so far.
    pub fn commits(&self) -> u64 {
        self.with(|broker| broker.commits)
    }

    /// Calls of `trim` so far.
    pub fn trims(&self) -> u64 {
        self.with(|broker| broker.trims)
    }

    pub fn start_offset(&self, topic: &str, partition: i32) -> i64 {
        self.with(|broker| broker.logs[&TopicPartition::new(topic, partition)].start)
    }

    pub fn end_offset(&self, topic: &str, partition: i32) -> i64 {
        self.with(|broker| broker.logs[&TopicPartition::new(topic, partition)].end)
    }

    /// Sets a group's offset as `kafka-consumer-groups --reset-offsets` does.
    pub fn set_offset(&self, group: &str, topic: &str, partition: i32, offset: i64) {
        let committed = CommittedOffset {
            offset: Offset(offset),
            leader_epoch: forebay_storage::ids::LeaderEpoch(0),
            metadata: String::new(),
        };
        self.with(|broker| broker.groups.insert((group.to_owned(), TopicPartition::new(topic, partition)), committed));
    }

    pub fn committed_offset(&self, group: &str, topic: &str, partition: i32) -> Option<CommittedOffset> {
        self.with(|broker| broker.groups.get(&(group.to_owned(), TopicPartition::new(topic, partition))).cloned())
    }

    /// Records that a read_committed consumer sees, partition by partition.
    pub fn records(&self, topic: &str) -> Vec<Got> {
        self.with(|broker| {
            let logs = broker.logs.iter().filter(|(partition, _)| *partition.topic == *topic);
            logs.flat_map(|(partition, log)| log.committed_records(partition.partition)).collect()
        })
    }

    /// Values that a read_committed consumer sees, by partition and in order. Does not share code with the engine's reader.
    pub fn consume(&self, topic: &str) -> Vec<Vec<String>> {
        self.with(|broker| {
            let logs = broker.logs.iter().filter(|(partition, _)| *partition.topic == *topic);
            logs.map(|(_, log)| log.committed_values()).collect()
        })
    }
}

impl Broker {
    /// Another one after each deletion.
    fn topic_id(&self, topic: &str) -> TopicId {
        format!("{:A<22}", self.deleted.get(topic).copied().unwrap_or(0)).parse().unwrap()
    }

    fn log(&mut self, partition: &TopicPartition) -> Result<&mut Log, HostError> {
        self.logs.get_mut(partition).ok_or_else(|| HostError::UnknownPartition(partition.clone()))
    }

    fn commit(&mut self, session: &Session, commit: CommitSet) -> Result<(), HostError> {
        if self.sessions[&session.transactional_id] != session.token {
            return Err(HostError::Fenced(session.transactional_id.clone()));
        }
        assert!(!commit.records.is_empty() || !commit.offsets.is_empty(), "an empty commit");
        let crash = match &mut self.crash {
            Some((0, crash)) => Some(*crash),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if crash.is_some() {
            self.crash = None;
        }
        let crashed = || HostError::Storage("crashed on demand".to_owned());
        if crash == Some(Crash::Before) {
            return Err(crashed());
        }
        let size = commit.records.iter().map(|(_, builder)| builder.size_in_bytes()).sum();
        self.largest_commit = self.largest_commit.max(size);
        let producer = ProducerId(SESSION_PRODUCERS + session.token as i64);
        for (partition, builder) in commit.records {
            assert!(!builder.is_empty(), "an empty batch");
            let bytes = builder.finish(&stamp(Some(producer)));
            let limit = self.message_limits.get(&*partition.topic).copied().unwrap_or(MESSAGE_LIMIT);
            if bytes.len() > limit {
                return Err(HostError::Refused(format!("{partition} takes no batch of {} bytes", bytes.len())));
            }
            let log = self.log(&partition)?;
            let base = log.append(&bytes);
            if !log.open.iter().any(|(other, _)| *other == producer) {
                log.open.push((producer, base));
            }
        }
        if crash == Some(Crash::Undecided) {
            return Err(crashed());
        }
        for (partition, offset) in commit.offsets {
            assert!(offset.metadata.len() <= 4096);
            self.groups.insert((commit.group.clone(), partition), offset);
        }
        self.logs.values_mut().for_each(|log| log.end_transaction(producer, ControlKind::Commit));
        self.commits += 1;
        if crash == Some(Crash::After) { Err(crashed()) } else { Ok(()) }
    }
}

impl Host for MemoryHost {
    fn now(&self) -> Timestamp {
        Timestamp(self.with(|broker| broker.now))
    }

    fn micros(&self) -> u64 {
        self.with(|broker| {
            broker.passed_us += broker.look_us;
            u64::try_from(broker.now).unwrap() * 1_000 + broker.passed_us
        })
    }

    fn partitions(&self, topic: &str) -> Option<i32> {
        self.with(|broker| broker.topics.get(topic).copied())
    }

    fn topic_id(&self, topic: &str) -> Option<TopicId> {
        self.with(|broker| broker.topics.contains_key(topic).then(|| broker.topic_id(topic)))
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<i32, HostError> {
        if self.partitions(&spec.name).is_none() {
            self.create_topic(&spec.name, spec.partitions.unwrap_or(3));
            if let Some((_, limit)) = spec.configs.iter().find(|(key, _)| key == "max.message.bytes") {
                self.with(|broker| broker.message_limits.insert(spec.name.clone(), limit.parse().unwrap()));
            }
        }
        Ok(self.partitions(&spec.name).unwrap())
    }

    fn open_session(&self, transactional_id: &str) -> Result<Session, HostError> {
        Ok(self.with(|broker| {
            broker.last_token += 1;
            let token = broker.last_token;
            let before = broker.sessions.insert(transactional_id.to_owned(), token).unwrap_or_default();
            let before = ProducerId(SESSION_PRODUCERS + before as i64);
            broker.logs.values_mut().for_each(|log| log.end_transaction(before, ControlKind::Abort));
            Session { transactional_id: transactional_id.to_owned(), token }
        }))
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
        require_stable: bool,
    ) -> Result<Vec<Option<CommittedOffset>>, HostError> {
        self.with(|broker| {
            let unstable = partitions.iter().find(|partition| require_stable && broker.unstable.contains(partition));
            if let Some(partition) = unstable {
                return Err(HostError::Storage(format!("{partition}: {group} has an open transaction")));
            }
            let of = |partition: &TopicPartition| broker.groups.get(&(group.to_owned(), partition.clone())).cloned();
            Ok(partitions.iter().map(of).collect())
        })
    }

    fn offset_range(&self, partition: &TopicPartition) -> Result<OffsetRange, HostError> {
        self.with(|broker| {
            let log = broker.log(partition)?;
            Ok(OffsetRange { start: Offset(log.start), stable_end: Offset(log.stable_end()) })
        })
    }

    fn offset_for_time(&self, partition: &TopicPartition, _time: Timestamp) -> Result<Offset, HostError> {
        Ok(self.offset_range(partition)?.stable_end)
    }

    fn read(&self, partition: &TopicPartition, from: Offset, max_bytes: usize) -> Result<ReadBatches, HostError> {
        self.with(|broker| {
            let log = broker.log(partition)?;
            let (start, end) = (Offset(log.start), Offset(log.end));
            if from < start || from > end {
                return Err(HostError::OffsetOutOfRange { partition: partition.clone(), offset: from, start, end });
            }
            let stable_end = log.stable_end();
            let mut stretch = Vec::new();
            let mut up_to = from.0;
            for (base, next, bytes) in &log.batches {
                if *next <= from.0 || *base >= stable_end {
                    continue;
                }
                if !stretch.is_empty() && stretch.len() + bytes.len() > max_bytes {
                    break;
                }
                stretch.extend_from_slice(bytes);
                up_to = *next;
            }
            let overlaps = |(_, first, marker): &&(ProducerId, i64, i64)| *first < up_to && *marker >= from.0;
            let aborted = log.aborted.iter().filter(overlaps).map(|(id, first, _)| (*id, Offset(*first))).collect();
            Ok(ReadBatches { batches: stretch.into(), aborted, stable_end: Offset(stable_end) })
        })
    }

    fn watch(&self, _partitions: &[TopicPartition], _wake: Arc<dyn Fn() + Send + Sync>) -> Box<dyn Send> {
        Box::new(())
    }

    fn commit(&self, session: &mut Session, commit: CommitSet) -> Result<(), HostError> {
        self.with(|broker| broker.commit(session, commit))
    }

    fn state_folder(&self, changelog: &TopicPartition) -> Result<Option<StateFolder>, HostError> {
        let path = self.state_path(changelog);
        Ok(Some(StateFolder { used: path.exists(), path }))
    }

    fn clear_state_folder(&self, changelog: &TopicPartition) -> Result<(), HostError> {
        let path = self.state_path(changelog);
        if path.exists() {
            std::fs::remove_dir_all(&path).unwrap();
        }
        Ok(())
    }

    fn trim(&self, partition: &TopicPartition, before: Offset) -> Result<(), HostError> {
        self.with(|broker| {
            broker.trims += 1;
            let log = broker.log(partition)?;
            assert!(before.0 <= log.stable_end(), "trimmed beyond the end");
            log.start = log.start.max(before.0);
            log.batches.retain(|(_, next, _)| *next > before.0);
            Ok(())
        })
    }
}
