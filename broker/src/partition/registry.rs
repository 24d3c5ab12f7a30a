//! Every partition of this broker: where its log lies, and how it is opened, kept up and closed.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use forebay_storage::checkpoint::{
    LOG_START_OFFSET_FILE, RECOVERY_POINT_FILE, read_offset_checkpoint, write_offset_checkpoint,
};
use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};
use forebay_storage::log::{Log, LogConfig, LogOptions, is_deleted_dir};
use parking_lot::{Mutex, RwLock};

use super::{Alarm, DirHealth, Partition, parallel};
use crate::clock;

/// A partition to open.
#[derive(Clone, Debug)]
pub struct NewPartition {
    /// Its topic and number.
    pub name: TopicPartition,
    /// Its topic's id.
    pub topic_id: TopicId,
    /// The epoch in which this broker leads it.
    pub leader_epoch: LeaderEpoch,
    /// How it is kept.
    pub config: PartitionConfig,
}

/// How a partition is kept.
#[derive(Clone, Debug, Default)]
pub struct PartitionConfig {
    /// Its log.
    pub log: LogConfig,
    /// `min.insync.replicas`.
    pub min_insync_replicas: i32,
}

/// One data folder, with what its checkpoints said at the start.
struct Dir {
    path: PathBuf,
    health: Arc<DirHealth>,
    clean: bool,
    recovery_points: BTreeMap<TopicPartition, Offset>,
    log_start_offsets: BTreeMap<TopicPartition, Offset>,
}

struct Topic {
    id: TopicId,
    partitions: BTreeMap<i32, Held>,
}

struct Held {
    partition: Arc<Partition>,
    /// Number of the data folder.
    dir: usize,
}

#[derive(Default)]
struct Topics {
    by_name: HashMap<Arc<str>, Topic>,
    by_id: HashMap<TopicId, Arc<str>>,
}

/// All partitions.
pub struct Partitions {
    disk: Arc<dyn Disk>,
    dirs: Vec<Dir>,
    alarm: Alarm,
    topics: RwLock<Topics>,
    /// Held while a log is opened or closed, so that two tasks do not open the same folder.
    opening: Mutex<()>,
}

impl Partitions {
    /// No partition is open yet. `dirs` are the data folders, each with whether it was closed in order.
    pub fn new(disk: Arc<dyn Disk>, dirs: &[(PathBuf, bool)]) -> Result<Partitions, StorageError> {
        let alarm = Alarm::default();
        let dirs = dirs
            .iter()
            .map(|(path, clean)| {
                Ok(Dir {
                    path: path.clone(),
                    health: DirHealth::new(path, &alarm),
                    clean: *clean,
                    recovery_points: read_offset_checkpoint(&*disk, &path.join(RECOVERY_POINT_FILE))?,
                    log_start_offsets: read_offset_checkpoint(&*disk, &path.join(LOG_START_OFFSET_FILE))?,
                })
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(Partitions { disk, dirs, alarm, topics: RwLock::default(), opening: Mutex::new(()) })
    }

    /// Tells which folders fail.
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// A partition by topic name and number.
    pub fn get(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.topics.read().by_name.get(topic)?.partitions.get(&partition).map(|held| held.partition.clone())
    }

    /// The name of the topic with that id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<Arc<str>> {
        self.topics.read().by_id.get(&id).cloned()
    }

    /// Every partition, in no particular order.
    pub fn all(&self) -> Vec<Arc<Partition>> {
        let topics = self.topics.read();
        topics.by_name.values().flat_map(|t| t.partitions.values().map(|held| held.partition.clone())).collect()
    }

    /// Opens partitions' logs where they lie, or makes them in the folders with the fewest partitions (as Kafka does). With an
    /// error the partitions that could be opened are open.
    pub fn open(&self, wanted: Vec<NewPartition>) -> Result<(), StorageError> {
        let _guard = self.opening.lock();
        let mut counts = self.counts();
        let mut placed = Vec::with_capacity(wanted.len());
        for new in wanted {
            if self.get(&new.name.topic, new.name.partition).is_none() {
                placed.push((self.place(&new.name, &mut counts)?, new));
            }
        }
        let opened = parallel::map(&placed, |(dir, new)| self.open_in(&self.dirs[*dir], new));
        let mut outcome = Ok(());
        let mut topics = self.topics.write();
        for ((dir, new), opened) in placed.into_iter().zip(opened) {
            match opened {
                Ok(partition) => topics.hold(&new, Held { partition, dir }),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Opens a log that is no topic's: the metadata log, in the first folder.
    pub fn open_apart(&self, new: NewPartition) -> Result<Arc<Partition>, StorageError> {
        let dir = self.dirs.first().expect("there is at least one data folder");
        self.open_in(dir, &new)
    }

    fn open_in(&self, dir: &Dir, new: &NewPartition) -> Result<Arc<Partition>, StorageError> {
        let at = |offsets: &BTreeMap<TopicPartition, Offset>| offsets.get(&new.name).copied().unwrap_or(Offset::ZERO);
        let mut log = Log::open(LogOptions {
            disk: self.disk.clone(),
            dir: dir.path.join(new.name.to_string()),
            partition: new.name.clone(),
            topic_id: Some(new.topic_id).filter(|id| *id != TopicId::ZERO),
            config: new.config.log.clone(),
            recovery_point: at(&dir.recovery_points),
            log_start_offset: at(&dir.log_start_offsets),
            clean: dir.clean,
            now: clock::now(),
        })?;
        // There is one replica: what is in its log is committed.
        let end = log.log_end_offset();
        log.set_high_watermark(end);
        Ok(Partition::new(new, log, &dir.health))
    }

    /// How many partitions each data folder has.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0usize; self.dirs.len()];
        for held in self.topics.read().by_name.values().flat_map(|t| t.partitions.values()) {
            counts[held.dir] += 1;
        }
        counts
    }

    /// The number of the data folder where a partition lies, or should.
    fn place(&self, name: &TopicPartition, counts: &mut [usize]) -> Result<usize, StorageError> {
        let mut found = None;
        for (number, dir) in self.dirs.iter().enumerate() {
            if self.disk.exists(&dir.path.join(name.to_string()))? {
                found = Some(number);
                break;
            }
        }
        let emptiest = || (0..counts.len()).min_by_key(|n| counts[*n]).expect("there is at least one data folder");
        let number = found.unwrap_or_else(emptiest);
        counts[number] += 1;
        Ok(number)
    }

    /// Hands a topic's new configuration to its logs.
    pub fn update_config(&self, topic: &str, config: &PartitionConfig) {
        let topics = self.topics.read();
        for held in topics.by_name.get(topic).into_iter().flat_map(|t| t.partitions.values()) {
            held.partition.min_insync_replicas.store(config.min_insync_replicas, Ordering::Relaxed);
            held.partition.with_log(|log| log.update_config(config.log.clone()));
        }
    }

    /// Takes a topic out of service and removes its files. Those who wait on it are told.
    pub fn delete_topic(&self, topic: &str) {
        let _guard = self.opening.lock();
        let removed = {
            let mut topics = self.topics.write();
            let removed = topics.by_name.remove(topic);
            if let Some(removed) = &removed {
                topics.by_id.remove(&removed.id);
            }
            removed
        };
        for held in removed.into_iter().flat_map(|t| t.partitions.into_values()) {
            held.partition.mark_deleted();
            if let Err(error) = held.partition.with_log(Log::delete) {
                tracing::error!(partition = %held.partition.name(), "a deleted log's files cannot be removed: {error}");
            }
        }
    }

    /// Deletes what retention no longer keeps.
    pub fn apply_retention(&self, now: Timestamp) {
        for partition in self.all() {
            if let Err(error) = partition.with_log(|log| log.apply_retention(now)) {
                tracing::error!(partition = %partition.name(), "retention failed: {error}");
            }
        }
    }

    /// Forgets producers that have not written for `expiration_ms`.
    pub fn expire_producers(&self, now: Timestamp, expiration_ms: i64) {
        for partition in self.all() {
            partition.with_log(|log| log.expire_producers(now, expiration_ms));
        }
    }

    /// Brings every log to disk, so that the next start after a crash reads only what came after.
    pub fn flush(&self) {
        for partition in self.all() {
            if let Err(error) = partition.flush() {
                tracing::error!(partition = %partition.name(), "a log cannot be flushed: {error}");
            }
        }
    }

    /// Removes what a crash left of deleted topics.
    pub fn remove_deleted(&self) -> Result<(), StorageError> {
        for dir in &self.dirs {
            for entry in self.disk.list(&dir.path)?.iter().filter(|e| e.is_dir && is_deleted_dir(&e.name)) {
                self.disk.remove_dir_all(&dir.path.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// Notes up to where each log is on disk, and where it begins, for the next start.
    pub fn checkpoint(&self) {
        for (number, dir) in self.dirs.iter().enumerate() {
            let mut recovery_points = BTreeMap::new();
            let mut log_start_offsets = BTreeMap::new();
            for held in self.topics.read().by_name.values().flat_map(|t| t.partitions.values()) {
                if held.dir == number {
                    let (point, start) = held.partition.with_log(|log| (log.recovery_point(), log.log_start_offset()));
                    recovery_points.insert(held.partition.name().clone(), point);
                    if start > Offset::ZERO {
                        log_start_offsets.insert(held.partition.name().clone(), start);
                    }
                }
            }
            if let Err(error) = self.write_checkpoints(&dir.path, &recovery_points, &log_start_offsets) {
                tracing::error!("checkpoints cannot be written: {error}");
            }
        }
    }

    fn write_checkpoints(
        &self,
        dir: &Path,
        recovery_points: &BTreeMap<TopicPartition, Offset>,
        log_start_offsets: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<(), StorageError> {
        write_offset_checkpoint(&*self.disk, &dir.join(RECOVERY_POINT_FILE), recovery_points)?;
        write_offset_checkpoint(&*self.disk, &dir.join(LOG_START_OFFSET_FILE), log_start_offsets)
    }

    /// Flushes and closes every log. Whether all of them could be.
    pub fn close(&self) -> bool {
        let closed = parallel::map(&self.all(), |partition| match partition.with_log(Log::close) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(partition = %partition.name(), "a log cannot be closed in order: {error}");
                false
            }
        });
        self.checkpoint();
        closed.into_iter().all(|closed| closed)
    }
}

impl Topics {
    fn hold(&mut self, new: &NewPartition, held: Held) {
        let name = new.name.topic.clone();
        self.by_id.insert(new.topic_id, name.clone());
        let fresh = || Topic { id: new.topic_id, partitions: BTreeMap::new() };
        self.by_name.entry(name).or_insert_with(fresh).partitions.insert(new.name.partition, held);
    }
}
