//! Regular work on all logs, what their folders hold, and their orderly closing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use forebay_storage::error::StorageError;
use forebay_storage::ids::{Timestamp, TopicPartition};
use forebay_storage::log::Log;

use super::dirs::Checkpoints;
use super::held::State;
use super::{DirHealth, Partition, Partitions};
use crate::clock;
use crate::partition::parallel;

/// Suffix of the files that hold batches.
const LOG_SUFFIX: &str = ".log";

impl Partitions {
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

    /// Notes up to where each log is on disk, and where it begins, for the next start; files that no log needs any more, open or on the
    /// disk, are closed and removed. A folder that failed is left as it is.
    pub fn checkpoint(&self) {
        for partition in self.all() {
            let retired = partition.with_log(|log| log.take_retired());
            self.remove_later(&partition, retired, clock::now());
        }
        self.disk.rest();
        for (dir, new) in self.dirs.iter().zip(self.collect_checkpoints()) {
            if dir.health.is_offline() {
                continue;
            }
            match dir.write_checkpoints(&*self.disk, new) {
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

    /// The checkpoints of each folder. Partitions that are not open keep what was known of them.
    fn collect_checkpoints(&self) -> Vec<Checkpoints> {
        let known: Vec<Checkpoints> = self.dirs.iter().map(|dir| dir.checkpoints()).collect();
        let mut new = vec![Checkpoints::default(); known.len()];
        for (name, held) in self.topics.read().all() {
            match &held.state {
                State::Open(partition) => {
                    let (point, start) = partition.with_log(|log| (log.recovery_point(), log.log_start_offset()));
                    new[held.dir].note(name, point, start);
                }
                State::Unopened(_) => new[held.dir].carry(name, &known[held.dir]),
                // It may lie in any of them.
                State::Lost => new.iter_mut().zip(&known).for_each(|(new, known)| new.carry(name.clone(), known)),
            }
        }
        new
    }

    /// Flushes and closes every log. The folders in which all of them could be: those may be marked as closed in order.
    pub fn close(&self) -> Vec<PathBuf> {
        self.closing.store(true, Ordering::Release);
        self.queue.close();
        let mut clean: Vec<bool> = self.dirs.iter().map(|dir| !dir.health.is_offline()).collect();
        let mut open = Vec::new();
        for (name, held) in self.topics.read().all() {
            match &held.state {
                State::Open(partition) => open.push((held.dir, partition.clone())),
                // It was not read since the crash, so nobody knows where it ends.
                State::Unopened(_) if !self.dirs[held.dir].clean && self.dirs[held.dir].has(&*self.disk, &name) => {
                    clean[held.dir] = false;
                }
                State::Unopened(_) => {}
                State::Lost => clean.fill(false),
            }
        }
        let closed = parallel::map(&open, |(_, partition)| close_log(partition));
        for ((dir, _), closed) in open.iter().zip(closed) {
            clean[*dir] &= closed;
        }
        self.checkpoint();
        let paths = self.dirs.iter().map(|dir| dir.path().to_owned());
        paths.zip(clean).filter_map(|(path, clean)| clean.then_some(path)).collect()
    }

    /// The logs in a data folder that were not opened yet, with the bytes of their batches.
    pub(in crate::partition) fn unopened_in(&self, dir: &Arc<DirHealth>) -> Vec<(TopicPartition, u64)> {
        let unopened: Vec<(TopicPartition, usize)> = {
            let topics = self.topics.read();
            let unopened = topics.all().filter(|(_, held)| matches!(held.state, State::Unopened(_)));
            unopened.map(|(name, held)| (name, held.dir)).collect()
        };
        let here = unopened.into_iter().filter(|(_, number)| Arc::ptr_eq(&self.dirs[*number].health, dir));
        let sized = |(name, number)| {
            let size = self.size_on_disk(number, &name).unwrap_or(0);
            (name, size)
        };
        here.map(sized).collect()
    }

    /// Bytes of batches in the folder of a log that is not open; zero if it is not made yet.
    fn size_on_disk(&self, dir: usize, name: &TopicPartition) -> Result<u64, StorageError> {
        let path = self.dirs[dir].log_path(name);
        if !self.disk.exists(&path)? {
            return Ok(0);
        }
        let logs = self.disk.list(&path)?.into_iter().filter(|entry| entry.name.ends_with(LOG_SUFFIX));
        logs.map(|entry| Ok(self.disk.open(&path.join(&entry.name))?.len())).sum()
    }
}

fn close_log(partition: &Partition) -> bool {
    let closed = partition.try_with_log(Log::close);
    if let Err(error) = &closed
        && !partition.is_offline()
    {
        tracing::error!(partition = %partition.name(), "a log cannot be closed in order: {error}");
    }
    closed.is_ok()
}
