//! Moves logs between the data folders of this broker while they are served (Kafka: ReplicaManager.alterReplicaLogDirs), one after the
//! other on a thread of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;

use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, TopicPartition};
use forebay_storage::log::{future_dir_name, future_of, settle_future};
use parking_lot::Mutex;

use super::{Absent, DirHealth, Partition, Partitions};
use crate::clock;

/// Rounds of copying before appends have to wait for the rest; each finds about what was appended during the one before.
const ROUNDS: usize = 4;

/// Why a log is not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveRefusal {
    /// This broker has no such data folder.
    NoSuchDir,
    /// That folder has failed.
    DirOffline,
    /// The topic's name has no room for the ending that Kafka gives such copies.
    NameTooLong,
    /// There is no log to move.
    Absent(Absent),
}

/// The logs that are to be moved or are being moved.
#[derive(Default)]
pub struct Moves {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    moves: BTreeMap<TopicPartition, Arc<Move>>,
    working: bool,
}

struct Move {
    partition: Arc<Partition>,
    to: Arc<DirHealth>,
    copied_bytes: AtomicU64,
    copied_up_to: AtomicI64,
    cancelled: AtomicBool,
}

/// A log in a data folder, or the copy of one that is being moved there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInDir {
    /// Whose log.
    pub name: TopicPartition,
    /// Bytes of batches.
    pub size: u64,
    /// Records that it lacks.
    pub lag: i64,
    /// It will take the place of the partition's log when it has caught up.
    pub is_future: bool,
}

impl Partitions {
    /// Begins to move a log to the data folder `to`. A move to another folder that is under way is given up. The answer says whether it
    /// will be tried, not what comes of it, as with Kafka.
    pub fn move_log(self: &Arc<Self>, topic: &str, partition: i32, to: &Path) -> Result<(), MoveRefusal> {
        // Kafka knows its folders by their absolute paths.
        let is_it = |dir: &&Arc<DirHealth>| std::path::absolute(dir.path()).is_ok_and(|path| path == to);
        let target = self.dirs().find(is_it).ok_or(MoveRefusal::NoSuchDir)?.clone();
        if target.is_offline() {
            return Err(MoveRefusal::DirOffline);
        }
        let partition = self.find(topic, partition).map_err(MoveRefusal::Absent)?;
        if future_dir_name(partition.name(), Some(partition.topic_id())).is_none() {
            return Err(MoveRefusal::NameTooLong);
        }
        let mut inner = self.moves.inner.lock();
        if let Some(before) = inner.moves.get(partition.name()) {
            if Arc::ptr_eq(&before.to, &target) {
                return Ok(());
            }
            before.cancelled.store(true, Ordering::Release);
            inner.moves.remove(partition.name());
        }
        if Arc::ptr_eq(&partition.dir(), &target) {
            return Ok(());
        }
        let wanted = Move {
            to: target,
            copied_bytes: AtomicU64::new(0),
            copied_up_to: AtomicI64::new(partition.with_log(|log| log.log_start_offset()).0),
            cancelled: AtomicBool::new(false),
            partition: partition.clone(),
        };
        inner.moves.insert(partition.name().clone(), Arc::new(wanted));
        if !inner.working {
            let partitions = self.clone();
            let spawned = thread::Builder::new().name("forebay-move".into()).spawn(move || partitions.work_off_moves());
            match spawned {
                Ok(_) => inner.working = true,
                Err(error) => tracing::error!("no thread can be made to move logs: {error}"),
            }
        }
        Ok(())
    }

    fn work_off_moves(self: Arc<Self>) {
        loop {
            let next = {
                let mut inner = self.moves.inner.lock();
                let next = inner.moves.first_key_value().map(|(_, next)| next.clone());
                inner.working = next.is_some();
                next
            };
            let Some(next) = next else { return };
            self.carry_out(&next);
            let mut inner = self.moves.inner.lock();
            // Another one of the same log may have taken its place.
            if inner.moves.get(next.partition.name()).is_some_and(|known| Arc::ptr_eq(known, &next)) {
                inner.moves.remove(next.partition.name());
            }
        }
    }

    fn carry_out(&self, wanted: &Move) {
        let (name, to) = (wanted.partition.name(), wanted.to.path());
        let Some(future) = future_dir_name(name, Some(wanted.partition.topic_id())).map(|name| to.join(name)) else {
            return;
        };
        // The log cleaner leaves it alone meanwhile: what is sealed stays as it is.
        let _taken = loop {
            match self.busy.take(name) {
                Some(taken) => break taken,
                None => self.busy.wait_until_free(name),
            }
        };
        let begun = clock::instant();
        match self.copy_and_swap(wanted, &future) {
            Ok(true) => {
                let ms = begun.elapsed().as_millis();
                tracing::info!(partition = %name, "the log was moved to {} in {ms} ms", to.display());
            }
            Ok(false) => self.discard(&future),
            Err(error) => {
                tracing::error!(partition = %name, "the log cannot be moved to {}: {error}", to.display());
                // Whose disk it was, the path tells.
                if error.path().starts_with(to) {
                    wanted.to.report(&error)
                } else {
                    wanted.partition.report(&error)
                }
                self.discard(&future);
            }
        }
    }

    /// Whether it was moved; false if that is not wanted any more.
    fn copy_and_swap(&self, wanted: &Move, future: &Path) -> Result<bool, StorageError> {
        let partition = &wanted.partition;
        let given_up = || {
            let gone = partition.is_deleted() || partition.is_offline() || wanted.to.is_offline();
            gone || wanted.cancelled.load(Ordering::Acquire)
        };
        self.disk.remove_dir_all(future)?;
        self.disk.create_dir_all(future)?;
        for _ in 0..ROUNDS {
            let source = partition.with_log(|log| log.copy_source());
            source.copy_to(&*self.disk, future, |bytes| {
                wanted.copied_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                !given_up()
            })?;
            if given_up() {
                return Ok(false);
            }
            wanted.copied_up_to.fetch_max(source.sealed_up_to().0, Ordering::Relaxed);
        }
        // What is on disk already need not be synced while appends wait.
        partition.flush()?;
        if given_up() {
            return Ok(false);
        }
        let gone = partition.swap_log(future, &wanted.to)?;
        self.note_dir(partition);
        // The checkpoints of both folders must know.
        self.checkpoint();
        let delay_ms = partition.with_log(|log| log.config().file_delete_delay_ms);
        self.removals.add_folder(gone, clock::now().plus_ms(delay_ms));
        Ok(true)
    }

    fn discard(&self, future: &Path) {
        if let Err(error) = self.disk.remove_dir_all(future) {
            tracing::warn!("what was copied of a log stays until the next start: {error}");
        }
    }

    /// The logs in a data folder, and the copies that come there.
    pub fn logs_in(&self, dir: &Arc<DirHealth>) -> Vec<LogInDir> {
        let mut found = Vec::new();
        for partition in self.all().into_iter().filter(|partition| Arc::ptr_eq(&partition.dir(), dir)) {
            let (size, lag) = partition
                .with_log(|log| (log.size_in_bytes(), (log.high_watermark().0 - log.log_end_offset().0).max(0)));
            found.push(LogInDir { name: partition.name().clone(), size, lag, is_future: false });
        }
        let unopened = self.unopened_in(dir).into_iter();
        found.extend(unopened.map(|(name, size)| LogInDir { name, size, lag: 0, is_future: false }));
        for coming in self.moves.inner.lock().moves.values().filter(|coming| Arc::ptr_eq(&coming.to, dir)) {
            let end: Offset = coming.partition.log_end();
            found.push(LogInDir {
                name: coming.partition.name().clone(),
                size: coming.copied_bytes.load(Ordering::Relaxed),
                lag: (end.0 - coming.copied_up_to.load(Ordering::Relaxed)).max(0),
                is_future: true,
            });
        }
        found.sort_by(|a, b| (&a.name, a.is_future).cmp(&(&b.name, b.is_future)));
        found
    }

    /// Settles what moves have left that a crash interrupted. While a folder is offline, nobody can say which copy counts.
    pub fn settle_moves(&self) {
        let dirs: Vec<&Arc<DirHealth>> = self.dirs().collect();
        if dirs.iter().any(|dir| dir.is_offline()) {
            return;
        }
        for dir in &dirs {
            if let Err(error) = self.settle_moves_in(dir.path(), &dirs) {
                tracing::error!("an interrupted move cannot be settled: {error}");
                dir.report(&error);
            }
        }
    }

    fn settle_moves_in(&self, parent: &Path, dirs: &[&Arc<DirHealth>]) -> Result<(), StorageError> {
        for entry in self.disk.list(parent)? {
            let Some(partition) = future_of(&entry.name) else { continue };
            let log: PathBuf = partition.to_string().into();
            let mut has_log = false;
            for dir in dirs {
                has_log |= self.disk.exists(&dir.path().join(&log))?;
            }
            settle_future(&*self.disk, parent, &entry.name, has_log)?;
        }
        Ok(())
    }
}

impl Partition {
    /// Puts the copy in the place of the log. Appends wait meanwhile.
    fn swap_log(self: &Arc<Self>, future: &Path, to: &Arc<DirHealth>) -> Result<PathBuf, StorageError> {
        let _one = self.release.hold_syncs();
        let from = self.dir();
        let moved = {
            let mut log = self.log.lock();
            let moved = log.move_to(future, to.path(), clock::now());
            if moved.is_ok() {
                *self.dir.lock() = to.clone();
            }
            moved
        };
        match &moved {
            Ok(_) => {
                from.release(self);
                to.adopt(self);
            }
            // Between two folders, and in neither.
            Err(error) if self.with_log(|log| log.is_broken()) => {
                tracing::error!(partition = %self.name(), "a log is offline until the broker is restarted: {error}");
                self.take_offline();
            }
            Err(_) => {}
        }
        moved
    }
}
