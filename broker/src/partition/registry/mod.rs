//! Every partition of this broker: where its log lies, and how it is found, taken in and taken out.
//!
//! Taking a partition in touches no file. Its log is opened when somebody first needs it, or else in the background
//! (`opening`), so that a start does not wait for logs, nor for the recovery of those that a crash left.

mod background;
mod dirs;
mod held;
mod opening;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forebay_storage::disk::Disk;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{LeaderEpoch, TopicId, TopicPartition};
use forebay_storage::log::{LogConfig, deleted_dir_name};
use parking_lot::{Mutex, RwLock};

use super::relocate::Moves;
use super::{Alarm, DirHealth, Partition};
use crate::cleaner::{Busy, Removals};
use crate::clock;
use crate::pending::may_block;
use background::Queue;
pub use dirs::FoundDir;
use dirs::{Contents, Dir};
use held::{Held, State, Topics, Unopened};

/// A partition to take in.
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

/// Why there is no partition to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This broker has no such partition.
    Unknown,
    /// Its log lies in a folder that has failed, or cannot be opened or made now; the broker's log says why.
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

/// All partitions.
pub struct Partitions {
    pub(super) disk: Arc<dyn Disk>,
    dirs: Vec<Dir>,
    alarm: Alarm,
    topics: RwLock<Topics>,
    /// What the start found in the folders.
    contents: Mutex<Contents>,
    queue: Arc<Queue>,
    /// Those whose logs found no room when they were to be made, each once, however often it is asked for.
    waiting: Mutex<BTreeMap<TopicPartition, Arc<Unopened>>>,
    /// Held while topics are taken in or out: one of the same name waits until the files of the old one are gone.
    changing: Mutex<()>,
    closing: AtomicBool,
    pub(super) removals: Removals,
    pub(super) moves: Moves,
    pub(super) busy: Busy,
}

impl Partitions {
    /// No partition is taken in yet. `found` are the data folders.
    pub fn new(disk: Arc<dyn Disk>, found: &[FoundDir]) -> Partitions {
        let alarm = Alarm::default();
        let dirs = found.iter().map(|found| Dir::new(&*disk, found, &alarm)).collect();
        Partitions {
            removals: Removals::new(disk.clone()),
            moves: Moves::default(),
            busy: Busy::default(),
            disk,
            dirs,
            alarm,
            topics: RwLock::default(),
            contents: Mutex::default(),
            queue: Arc::default(),
            waiting: Mutex::default(),
            changing: Mutex::new(()),
            closing: AtomicBool::new(false),
        }
    }

    /// Looks which logs lie where, before any is taken in, and removes what a crash left of deleted topics.
    pub fn look_around(&self) {
        let mut contents = Contents::default();
        for (number, dir) in self.dirs.iter().enumerate() {
            dir.look(&*self.disk, number, &mut contents);
        }
        *self.contents.lock() = contents;
    }

    /// A partition by topic name and number that can be worked with, or why there is none. Its log is opened if nobody needed it before,
    /// which can take as long as its recovery.
    pub fn find(&self, topic: &str, partition: i32) -> Result<Arc<Partition>, Absent> {
        let found = self.find_any(topic, partition)?;
        if found.is_offline() { Err(Absent::Offline) } else { Ok(found) }
    }

    /// Like [`Partitions::find`], also if its folder has failed since it was opened.
    pub fn get(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.find_any(topic, partition).ok()
    }

    /// Like [`Partitions::find`], for work that is left undone only where its partition is gone: `None` if there is none.
    ///
    /// # Errors
    /// Where there is one that cannot be worked with now.
    pub fn find_existing(&self, name: &TopicPartition) -> Result<Option<Arc<Partition>>, StorageError> {
        match self.find(&name.topic, name.partition) {
            Ok(partition) => Ok(Some(partition)),
            Err(Absent::Unknown) => Ok(None),
            Err(Absent::Offline) => Err(self.offline(name)),
        }
    }

    /// The error of work with a partition that is offline.
    pub fn offline(&self, name: &TopicPartition) -> StorageError {
        let dir = self.dir_of(&name.topic, name.partition).unwrap_or_default();
        StorageError::Broken { path: dir.join(name.to_string()) }
    }

    fn find_any(&self, topic: &str, partition: i32) -> Result<Arc<Partition>, Absent> {
        let unopened = match &self.topics.read().get(topic, partition).ok_or(Absent::Unknown)?.state {
            State::Open(partition) => return Ok(partition.clone()),
            State::Lost => return Err(Absent::Offline),
            State::Unopened(unopened) => unopened.clone(),
        };
        may_block(|| self.open_now(&unopened))
    }

    /// The partitions of a topic that are offline, ascending.
    pub fn offline_of(&self, topic: &str) -> BTreeSet<i32> {
        let offline = |held: &Held| match &held.state {
            State::Open(partition) => partition.is_offline(),
            State::Unopened(unopened) => unopened.is_failing() || self.dirs[held.dir].health.is_offline(),
            State::Lost => true,
        };
        let topics = self.topics.read();
        topics.of_topic(topic).filter(|(_, held)| offline(held)).map(|(number, _)| number).collect()
    }

    /// Whether there is such a partition, be it open or not.
    pub fn exists(&self, topic: &str, partition: i32) -> bool {
        self.topics.read().get(topic, partition).is_some()
    }

    /// The name of the topic with that id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<Arc<str>> {
        self.topics.read().name_of(id)
    }

    /// Every partition that is open, in no particular order. Sooner or later after the start that is every one.
    pub fn all(&self) -> Vec<Arc<Partition>> {
        let topics = self.topics.read();
        let open = |(_, held): (TopicPartition, &Held)| match &held.state {
            State::Open(partition) => Some(partition.clone()),
            State::Unopened(_) | State::Lost => None,
        };
        topics.all().filter_map(open).collect()
    }

    /// Takes partitions in. A log is where it lies, or will be made in the folder with the fewest partitions, as in Kafka. One that should
    /// lie somewhere and does not may be in a folder that has failed, and is not made again (Kafka: LogManager.getOrCreateLog).
    /// Partitions that are there already stay as they are. The logs of new ones are for the caller to [`Partitions::make`].
    pub fn add(&self, wanted: Vec<NewPartition>) {
        let _changing = self.changing.lock();
        let mut counts = self.counts();
        let mut placed = Vec::with_capacity(wanted.len());
        for new in wanted {
            let place = self.place(&new, &counts);
            counts[place.dir] += 1;
            placed.push((new, place));
        }
        let mut topics = self.topics.write();
        for (new, Place { dir, lost }) in placed {
            if topics.get(&new.name.topic, new.name.partition).is_some() {
                continue;
            }
            let (name, id, is_new) = (new.name.clone(), new.topic_id, new.is_new);
            let state = match lost {
                Some(why) => {
                    tracing::error!("partition {name} is offline: {why}");
                    State::Lost
                }
                None => State::Unopened(Arc::new(Unopened::new(new))),
            };
            // The log of a new one is made by who takes it in: a thread that gives way to others would only hold its lock meanwhile.
            if let State::Unopened(unopened) = &state
                && !is_new
            {
                self.queue.push(unopened.clone());
            }
            topics.insert(&name, id, Held { dir, state });
        }
    }

    fn place(&self, new: &NewPartition, counts: &[usize]) -> Place {
        let found = self.contents.lock().logs.remove(&new.name).unwrap_or_default();
        let failed = self.dirs.iter().find(|dir| dir.health.is_offline());
        match (found[..].split_first(), failed) {
            (Some((dir, [])), _) => Place { dir: *dir, lost: None },
            (Some((dir, [other, ..])), _) => Place { dir: *dir, lost: Some(self.twice(*dir, *other)) },
            (None, Some(failed)) if !new.is_new => {
                let why = format!("it may lie in {}, which failed", failed.path().display());
                Place { dir: self.emptiest(counts), lost: Some(why) }
            }
            (None, _) => Place { dir: self.emptiest(counts), lost: None },
        }
    }

    /// How many partitions each data folder has.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0usize; self.dirs.len()];
        self.topics.read().all().for_each(|(_, held)| counts[held.dir] += 1);
        counts
    }

    /// The number of the working data folder with the fewest partitions; any if none works.
    fn emptiest(&self, counts: &[usize]) -> usize {
        let order = |dir: &usize| (self.dirs[*dir].health.is_offline(), counts[*dir]);
        (0..self.dirs.len()).min_by_key(order).expect("there is at least one data folder")
    }

    /// Kafka does not start then (LogManager.loadLog); here the others are served.
    fn twice(&self, one: usize, other: usize) -> String {
        format!(
            "its log lies both in {} and in {}, perhaps since a move was cut off by a failure; stop the broker and remove the older one",
            self.dirs[one].path().display(),
            self.dirs[other].path().display()
        )
    }

    /// Hands a topic's new configuration to its logs.
    pub fn update_config(&self, topic: &str, config: &PartitionConfig) {
        let topics = self.topics.read();
        for (_, held) in topics.of_topic(topic) {
            match &held.state {
                State::Open(partition) => configure(partition, config),
                State::Unopened(unopened) => *unopened.config.lock() = Arc::new(config.clone()),
                State::Lost => {}
            }
        }
    }

    /// Takes a topic out of service and removes its files. Those who wait on it are told. Another topic of that name stays.
    pub fn delete_topic(&self, topic: &str, id: TopicId) {
        let _changing = self.changing.lock();
        let Some(removed) = self.topics.write().remove(topic, id) else { return };
        for held in removed.partitions.into_values() {
            match held.state {
                State::Open(partition) => {
                    partition.mark_deleted();
                    if !partition.is_offline() {
                        self.delete_log(&partition);
                    }
                }
                State::Unopened(unopened) => self.delete_unopened(&self.dirs[held.dir], &unopened),
                State::Lost => {}
            }
        }
    }

    /// Takes a log out of service that nobody has opened, the way [`forebay_storage::log::Log::delete`] does it.
    fn delete_unopened(&self, dir: &Dir, unopened: &Unopened) {
        // Whoever opens it right now will find that its topic is gone, and its files go after that.
        let _opening = unopened.opening.lock();
        if dir.health.is_offline() || !dir.has(&*self.disk, &unopened.name) {
            return;
        }
        let gone = dir.path().join(deleted_dir_name(&unopened.name, Some(unopened.topic_id)));
        let renamed = self.disk.rename(&dir.log_path(&unopened.name), &gone);
        match renamed.and_then(|()| self.disk.sync_dir(dir.path())) {
            Ok(()) => {
                let delay_ms = unopened.config.lock().log.file_delete_delay_ms;
                self.removals.add_folder(gone, clock::now().plus_ms(delay_ms));
            }
            Err(error) => {
                tracing::error!(partition = %unopened.name, "a deleted log's files cannot be removed: {error}");
                dir.health.report(&error);
            }
        }
    }

    /// Takes a data folder offline, with every partition in it, until the broker is started again.
    pub fn dir_failed(&self, dir: &Path, why: &str) {
        if let Some(dir) = self.dirs.iter().find(|known| known.path() == dir) {
            dir.health.fail(why);
        }
    }

    /// The data folders, in the order of `log.dirs`.
    pub fn dirs(&self) -> impl Iterator<Item = &Arc<DirHealth>> {
        self.dirs.iter().map(|dir| &dir.health)
    }

    /// Tells of the folders that have failed.
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Where a partition's log lies, or will be made.
    pub fn dir_of(&self, topic: &str, partition: i32) -> Option<PathBuf> {
        self.topics.read().get(topic, partition).map(|held| self.dirs[held.dir].path().to_owned())
    }

    /// Every partition, open or not, with the data folder where its log lies or will be made; in no particular order.
    pub fn places(&self) -> Vec<(TopicPartition, PathBuf)> {
        let topics = self.topics.read();
        topics.all().map(|(name, held)| (name, self.dirs[held.dir].path().to_owned())).collect()
    }

    /// Takes note of the folder that a partition's log lies in now.
    pub(super) fn note_dir(&self, partition: &Arc<Partition>) {
        let dir = partition.dir();
        let number = self.dirs.iter().position(|known| Arc::ptr_eq(&known.health, &dir));
        if let (Some(number), Some(held)) = (number, self.topics.write().get_mut(partition.name())) {
            held.dir = number;
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// Where a partition goes.
struct Place {
    dir: usize,
    /// Why nobody can say where its log is.
    lost: Option<String>,
}

/// Puts another configuration in force.
fn configure(partition: &Partition, config: &PartitionConfig) {
    partition.min_insync_replicas.store(config.min_insync_replicas, Ordering::Relaxed);
    partition.with_log(|log| log.update_config(config.log.clone()));
}

#[cfg(test)]
mod tests;
