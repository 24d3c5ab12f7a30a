//! Every partition of this broker: where its log lies, and how it is opened, kept up and closed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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

use super::relocate::Moves;
use super::{Alarm, DirHealth, Partition, parallel};
use crate::cleaner::{Busy, Removals};
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
    /// It never had a log: one may be made. A log that should be there and is not lies in a folder that is offline.
    pub is_new: bool,
}

/// A data folder as it was found at the start.
#[derive(Clone, Debug)]
pub struct FoundDir {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was closed in order the last time.
    pub clean: bool,
    /// Why it cannot be used.
    pub failure: Option<String>,
}

/// Why there is no partition to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This broker has no such partition.
    Unknown,
    /// Its log lies in a folder that has failed, or cannot be made yet.
    Offline,
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
    /// Those without an open log.
    offline: BTreeSet<i32>,
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
    pub(super) disk: Arc<dyn Disk>,
    dirs: Vec<Dir>,
    alarm: Alarm,
    topics: RwLock<Topics>,
    /// Held while a log is opened or closed, so that two tasks do not open the same folder.
    opening: Mutex<()>,
    /// Partitions whose logs found no room when they were to be made.
    waiting: Mutex<Vec<NewPartition>>,
    pub(super) removals: Removals,
    pub(super) moves: Moves,
    pub(super) busy: Busy,
}

impl Partitions {
    /// No partition is open yet. `dirs` are the data folders.
    pub fn new(disk: Arc<dyn Disk>, dirs: &[FoundDir]) -> Partitions {
        let alarm = Alarm::default();
        let dirs = dirs.iter().map(|found| Dir::new(&*disk, found, &alarm)).collect();
        Partitions {
            removals: Removals::new(disk.clone()),
            moves: Moves::default(),
            disk,
            dirs,
            alarm,
            topics: RwLock::default(),
            opening: Mutex::new(()),
            waiting: Mutex::default(),
            busy: Busy::default(),
        }
    }

    /// Tells which folders fail.
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// A partition by topic name and number.
    pub fn get(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.topics.read().by_name.get(topic)?.partitions.get(&partition).map(|held| held.partition.clone())
    }

    /// The same, or why there is none to work with.
    pub fn find(&self, topic: &str, partition: i32) -> Result<Arc<Partition>, Absent> {
        let topics = self.topics.read();
        let topic = topics.by_name.get(topic).ok_or(Absent::Unknown)?;
        match topic.partitions.get(&partition) {
            Some(held) if held.partition.is_offline() => Err(Absent::Offline),
            Some(held) => Ok(held.partition.clone()),
            None if topic.offline.contains(&partition) => Err(Absent::Offline),
            None => Err(Absent::Unknown),
        }
    }

    /// The partitions of a topic that are offline, ascending.
    pub fn offline_of(&self, topic: &str) -> BTreeSet<i32> {
        let topics = self.topics.read();
        let Some(topic) = topics.by_name.get(topic) else { return BTreeSet::new() };
        let failed = topic.partitions.iter().filter(|(_, held)| held.partition.is_offline()).map(|(number, _)| *number);
        failed.chain(topic.offline.iter().copied()).collect()
    }

    /// The data folders.
    pub fn dirs(&self) -> impl Iterator<Item = &Arc<DirHealth>> {
        self.dirs.iter().map(|dir| &dir.health)
    }

    /// Takes note of the folder that a partition's log lies in now.
    pub(super) fn note_dir(&self, partition: &Arc<Partition>) {
        let dir = partition.dir();
        let number = self.dirs.iter().position(|known| Arc::ptr_eq(&known.health, &dir));
        let mut topics = self.topics.write();
        let topic = topics.by_name.get_mut(&partition.name().topic);
        let held = topic.and_then(|topic| topic.partitions.get_mut(&partition.name().partition));
        if let (Some(number), Some(held)) = (number, held) {
            held.dir = number;
        }
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

    /// Opens partitions' logs where they lie, or makes them in the folders with the fewest partitions (as Kafka does). A failing disk
    /// takes its folder offline with the partitions in it; with any other error the partitions that could be opened are open.
    pub fn open(&self, wanted: Vec<NewPartition>) -> Result<(), StorageError> {
        let _guard = self.opening.lock();
        let mut counts = self.counts();
        let mut placed = Vec::with_capacity(wanted.len());
        let mut nowhere = Vec::new();
        for new in wanted {
            if self.get(&new.name.topic, new.name.partition).is_some() {
                continue;
            }
            match self.place(&new, &mut counts) {
                Some(dir) => placed.push((dir, new)),
                None => nowhere.push(new),
            }
        }
        let opened = parallel::map(&placed, |(dir, new)| self.open_in(&self.dirs[*dir], new));
        let mut outcome = Ok(());
        let mut topics = self.topics.write();
        nowhere.iter().for_each(|new| topics.hold_offline(new));
        for ((dir, new), opened) in placed.into_iter().zip(opened) {
            match opened {
                Ok(partition) => topics.hold(&new, Held { partition, dir }),
                Err(error) => {
                    self.dirs[dir].health.report(&error);
                    topics.hold_offline(&new);
                    if error.is_full() {
                        self.waiting.lock().push(new);
                    } else if !error.is_disk_failure() {
                        outcome = Err(error);
                    }
                }
            }
        }
        outcome
    }

    /// Tries once more to make the logs for which there was no room.
    pub fn open_waiting(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        if !waiting.is_empty()
            && let Err(error) = self.open(waiting)
        {
            tracing::error!("a log cannot be opened: {error}");
        }
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

    /// The number of the data folder where a partition lies, or should. `None` if it may lie in one that is offline, or all are.
    fn place(&self, new: &NewPartition, counts: &mut [usize]) -> Option<usize> {
        let name = new.name.to_string();
        let online = || self.dirs.iter().enumerate().filter(|(_, dir)| !dir.health.is_offline());
        let found = online().find(|(_, dir)| {
            let exists = self.disk.exists(&dir.path.join(&name));
            exists.unwrap_or_else(|error| {
                dir.health.report(&error);
                false
            })
        });
        let all_online = online().count() == self.dirs.len();
        let number = match found {
            Some((number, _)) => number,
            // Kafka: LogManager.getOrCreateLog makes no second log of a partition whose first may come back.
            None if !new.is_new && !all_online => return None,
            None => online().min_by_key(|(number, _)| counts[*number])?.0,
        };
        counts[number] += 1;
        Some(number)
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
        self.waiting.lock().retain(|new| &*new.name.topic != topic);
        for held in removed.into_iter().flat_map(|t| t.partitions.into_values()) {
            held.partition.mark_deleted();
            if !held.partition.is_offline() {
                self.delete_log(&held.partition);
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
            // A folder that fails or is full is spoken of once.
            if let Err(error) = partition.flush()
                && !partition.is_offline()
                && !error.is_full()
            {
                tracing::error!(partition = %partition.name(), "a log cannot be flushed: {error}");
            }
        }
    }

    /// Syncs the logs for which `flush.ms` has passed.
    pub fn flush_overdue(&self, now: Timestamp) {
        for partition in self.all() {
            // What fails has been spoken of.
            let _ = partition.flush_if_overdue(now);
        }
    }

    /// Removes what a crash left of deleted topics.
    pub fn remove_deleted(&self) {
        for dir in self.dirs.iter().filter(|dir| !dir.health.is_offline()) {
            if let Err(error) = self.remove_deleted_in(dir) {
                tracing::warn!("what is left of deleted topics cannot be removed: {error}");
                dir.health.report(&error);
            }
        }
    }

    fn remove_deleted_in(&self, dir: &Dir) -> Result<(), StorageError> {
        for entry in self.disk.list(&dir.path)?.iter().filter(|e| e.is_dir && is_deleted_dir(&e.name)) {
            self.disk.remove_dir_all(&dir.path.join(&entry.name))?;
        }
        Ok(())
    }

    /// Notes up to where each log is on disk, and where it begins, for the next start.
    pub fn checkpoint(&self) {
        for (number, dir) in self.dirs.iter().enumerate().filter(|(_, dir)| !dir.health.is_offline()) {
            let mut recovery_points = BTreeMap::new();
            let mut log_start_offsets = BTreeMap::new();
            for held in self.topics.read().by_name.values().flat_map(|t| t.partitions.values()) {
                if held.dir == number {
                    let (point, start, retired) = held
                        .partition
                        .with_log(|log| (log.recovery_point(), log.log_start_offset(), log.take_retired()));
                    self.remove_later(&held.partition, retired, clock::now());
                    recovery_points.insert(held.partition.name().clone(), point);
                    if start > Offset::ZERO {
                        log_start_offsets.insert(held.partition.name().clone(), start);
                    }
                }
            }
            match self.write_checkpoints(&dir.path, &recovery_points, &log_start_offsets) {
                Ok(()) => dir.health.note_room(),
                Err(error) => {
                    // The last ones stay: the next start reads more, and finds the same. A full or failed disk is spoken of once.
                    dir.health.report(&error);
                    if !error.is_full() && !error.is_disk_failure() {
                        tracing::warn!("checkpoints cannot be written: {error}");
                    }
                }
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

    /// Flushes and closes every log. The folders in which all of them could be.
    pub fn close(&self) -> Vec<PathBuf> {
        let held: Vec<(usize, Arc<Partition>)> = {
            let topics = self.topics.read();
            let held = topics.by_name.values().flat_map(|t| t.partitions.values());
            held.map(|held| (held.dir, held.partition.clone())).collect()
        };
        let closed = parallel::map(&held, |(_, partition)| match partition.try_with_log(Log::close) {
            Ok(()) => true,
            Err(_) if partition.is_offline() => false,
            Err(error) => {
                tracing::error!(partition = %partition.name(), "a log cannot be closed in order: {error}");
                false
            }
        });
        self.checkpoint();
        let unclean: BTreeSet<usize> =
            held.iter().zip(closed).filter(|(_, closed)| !closed).map(|((dir, _), _)| *dir).collect();
        let clean = self.dirs.iter().enumerate();
        let clean = clean.filter(|(number, dir)| !unclean.contains(number) && !dir.health.is_offline());
        clean.map(|(_, dir)| dir.path.clone()).collect()
    }
}

impl Dir {
    fn new(disk: &dyn Disk, found: &FoundDir, alarm: &Alarm) -> Dir {
        let health = DirHealth::new(&found.path, alarm);
        if let Some(why) = &found.failure {
            health.fail(why);
        }
        let read = |name: &str| {
            if health.is_offline() {
                return BTreeMap::new();
            }
            // Kafka: LogManager.loadLogs goes on without a checkpoint that it cannot understand.
            read_offset_checkpoint(disk, &found.path.join(name)).unwrap_or_else(|error| {
                tracing::warn!("a checkpoint is taken for empty: {error}");
                health.report(&error);
                BTreeMap::new()
            })
        };
        Dir {
            recovery_points: read(RECOVERY_POINT_FILE),
            log_start_offsets: read(LOG_START_OFFSET_FILE),
            path: found.path.clone(),
            health,
            clean: found.clean,
        }
    }
}

impl Topics {
    fn hold(&mut self, new: &NewPartition, held: Held) {
        let topic = self.topic(new);
        topic.offline.remove(&new.name.partition);
        topic.partitions.insert(new.name.partition, held);
    }

    fn hold_offline(&mut self, new: &NewPartition) {
        self.topic(new).offline.insert(new.name.partition);
    }

    fn topic(&mut self, new: &NewPartition) -> &mut Topic {
        let name = new.name.topic.clone();
        self.by_id.insert(new.topic_id, name.clone());
        let fresh = || Topic { id: new.topic_id, partitions: BTreeMap::new(), offline: BTreeSet::new() };
        self.by_name.entry(name).or_insert_with(fresh)
    }
}
