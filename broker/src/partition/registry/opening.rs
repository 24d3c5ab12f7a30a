//! Opens a partition's log at its first use.

use std::sync::Arc;

use forebay_storage::error::StorageError;
use forebay_storage::ids::{TopicId, TopicPartition};
use forebay_storage::log::{Log, LogOptions};

use super::dirs::Dir;
use super::held::{Attempts, Held, State, Unopened};
use super::{Absent, NewPartition, Partitions, configure};
use crate::clock;
use crate::partition::{Partition, parallel};
use crate::pending::may_block;

/// A log that could not be opened is not tried again before this many milliseconds have passed.
const RETRY_MS: i64 = 10_000;

impl Partitions {
    /// Opens a log, or makes it, unless somebody else was quicker.
    pub(super) fn open_now(&self, unopened: &Arc<Unopened>) -> Result<Arc<Partition>, Absent> {
        let mut attempts = unopened.opening.lock();
        let dir = match self.still_unopened(unopened)? {
            Ok(dir) => dir,
            Err(partition) => return Ok(partition),
        };
        let dir = &self.dirs[dir];
        if self.is_closing() || dir.health.is_offline() || attempts.too_early() {
            return Err(Absent::Offline);
        }
        let (wanted, config) = unopened.wanted();
        let partition = self.open_in(dir, &wanted).map_err(|error| {
            // Who waits for it asks again and again.
            let why = error.to_string();
            if attempts.said.as_ref() != Some(&why) {
                tracing::error!(partition = %wanted.name, "a log cannot be opened: {why}");
                attempts.said = Some(why);
            }
            dir.health.report(&error);
            if error.is_full() {
                self.waiting.lock().insert(wanted.name.clone(), unopened.clone());
            }
            unopened.note_failure(&mut attempts, (!error.is_full()).then(clock::now));
            Absent::Offline
        })?;
        let mut topics = self.topics.write();
        let held = topics.get_mut(&unopened.name).filter(|held| held.is(unopened)).ok_or(Absent::Unknown)?;
        held.state = State::Open(partition.clone());
        let now = unopened.config.lock();
        if !Arc::ptr_eq(&now, &config) {
            configure(&partition, &now);
        }
        Ok(partition)
    }

    /// Makes the logs of new partitions, several at a time. What fails is logged, and tried again when it is used.
    pub fn make(&self, partitions: &[TopicPartition]) {
        may_block(|| {
            parallel::map(partitions, |name| drop(self.find(&name.topic, name.partition)));
        });
    }

    /// Tries once more to make the logs for which there was no room.
    pub fn open_waiting(&self) {
        // Not faster than it can be tried.
        if self.queue.is_idle() {
            let waiting = std::mem::take(&mut *self.waiting.lock());
            waiting.into_values().for_each(|unopened| self.queue.push(unopened));
        }
    }

    /// The number of the folder to open it in; or the partition that somebody else has opened meanwhile.
    fn still_unopened(&self, unopened: &Arc<Unopened>) -> Result<Result<usize, Arc<Partition>>, Absent> {
        let topics = self.topics.read();
        let name = &unopened.name;
        let held = topics.get(&name.topic, name.partition).ok_or(Absent::Unknown)?;
        match &held.state {
            State::Open(partition) if partition.topic_id() == unopened.topic_id => Ok(Err(partition.clone())),
            State::Unopened(_) if held.is(unopened) => Ok(Ok(held.dir)),
            // A topic of that name was deleted and made again.
            State::Open(_) | State::Unopened(_) => Err(Absent::Unknown),
            State::Lost => Err(Absent::Offline),
        }
    }

    /// Opens a log that is no topic's: the metadata log, in the first folder.
    pub fn open_apart(&self, new: NewPartition) -> Result<Arc<Partition>, StorageError> {
        let dir = self.dirs.first().expect("there is at least one data folder");
        self.open_in(dir, &new)
    }

    fn open_in(&self, dir: &Dir, new: &NewPartition) -> Result<Arc<Partition>, StorageError> {
        let (recovery_point, log_start_offset) = dir.offsets_of(&new.name);
        let mut log = Log::open(LogOptions {
            disk: self.disk.clone(),
            dir: dir.log_path(&new.name),
            partition: new.name.clone(),
            topic_id: Some(new.topic_id).filter(|id| *id != TopicId::ZERO),
            config: new.config.log.clone(),
            recovery_point,
            log_start_offset,
            clean: dir.clean,
            now: clock::now(),
        })?;
        // There is one replica: what is in its log is committed.
        let end = log.log_end_offset();
        log.set_high_watermark(end);
        Ok(Partition::new(new, log, &dir.health))
    }
}

impl Held {
    /// Whether this is the partition that `unopened` was made for.
    fn is(&self, unopened: &Arc<Unopened>) -> bool {
        matches!(&self.state, State::Unopened(mine) if Arc::ptr_eq(mine, unopened))
    }
}

impl Attempts {
    fn too_early(&self) -> bool {
        self.failed.is_some_and(|failed| clock::now().0.saturating_sub(failed.0) < RETRY_MS)
    }
}
