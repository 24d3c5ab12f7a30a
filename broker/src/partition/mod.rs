//! A partition as its leader has it: the log, the high watermark, and who waits for either to move.

mod committed_records;
mod deletion;
mod durable;
mod flusher;
mod health;
mod parallel;
mod registry;
mod relocate;
mod watch;

pub use committed_records::{CommittedRecords, KeyAndValue};
pub use health::{Alarm, DirHealth};
pub use registry::{Absent, FoundDir, NewPartition, PartitionConfig, Partitions};
pub use relocate::{LogInDir, MoveRefusal};
pub use watch::{Wake, WatchGuard, Watchers};

use bytes::Bytes;
use forebay_storage::disk::FileRegion;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicId, TopicPartition};
use forebay_storage::log::{
    AbortedTransaction, AppendError, AppendOptions, AppendOutcome, Log, Origin, ReadError, ReadOutcome,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::clock;
use durable::Release;

/// A partition that this broker leads.
pub struct Partition {
    name: TopicPartition,
    topic_id: TopicId,
    leader_epoch: LeaderEpoch,
    log: Mutex<Log>,
    /// The data folder that the log lies in.
    dir: Mutex<Arc<DirHealth>>,
    watchers: Watchers,
    release: Release,
    min_insync_replicas: AtomicI32,
    deleted: AtomicBool,
    offline: AtomicBool,
}

/// How far a reader may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset.
    ReadCommitted,
}

/// What a read found, with the offsets that held at that moment.
#[derive(Debug)]
pub struct PartitionRead {
    /// Whole batches; empty at the end of the log.
    pub records: Bytes,
    /// The same bytes as a region of their file, where that is possible and pays.
    pub region: Option<FileRegion>,
    /// The high watermark.
    pub high_watermark: Offset,
    /// The last stable offset.
    pub last_stable_offset: Offset,
    /// First offset still there.
    pub log_start_offset: Offset,
    /// Aborted transactions that reach into the records; `None` unless committed records were asked for.
    pub aborted: Option<Vec<AbortedTransaction>>,
}

impl Partition {
    /// Puts a log under this broker's lead, which lies in the folder `dir`.
    fn new(new: &NewPartition, log: Log, dir: &Arc<DirHealth>) -> Arc<Partition> {
        let partition = Arc::new(Partition {
            name: new.name.clone(),
            topic_id: new.topic_id,
            leader_epoch: new.leader_epoch,
            min_insync_replicas: AtomicI32::new(new.config.min_insync_replicas),
            release: Release::of(&log),
            log: Mutex::new(log),
            dir: Mutex::new(dir.clone()),
            watchers: Watchers::default(),
            deleted: AtomicBool::new(false),
            offline: AtomicBool::new(false),
        });
        dir.adopt(&partition);
        partition
    }

    /// Its topic and number.
    pub fn name(&self) -> &TopicPartition {
        &self.name
    }

    /// Its topic's id.
    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// The epoch in which this broker leads it.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// `min.insync.replicas`: what a write with acks=all needs.
    pub fn min_insync_replicas(&self) -> i32 {
        self.min_insync_replicas.load(Ordering::Relaxed)
    }

    /// Whether the topic was deleted while somebody still held this.
    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    /// Looks at or works on the log itself. Nothing in `work` may wait.
    pub fn with_log<R>(&self, work: impl FnOnce(&mut Log) -> R) -> R {
        work(&mut self.log.lock())
    }

    /// Whether its folder has failed: then nothing is written, read or acknowledged until the broker starts again.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Acquire)
    }

    /// The data folder that its log lies in.
    pub fn dir(&self) -> Arc<DirHealth> {
        self.dir.lock().clone()
    }

    /// Takes note of what went wrong with the log: to be called with every error of its disk that the log has told somebody. Must not
    /// be called from within [`Partition::with_log`].
    pub fn report(&self, error: &StorageError) {
        if !self.is_deleted() {
            self.dir().report(error);
        }
    }

    /// Like [`Partition::with_log`], and reports what goes wrong.
    pub fn try_with_log<R>(&self, work: impl FnOnce(&mut Log) -> Result<R, StorageError>) -> Result<R, StorageError> {
        self.check_online()?;
        self.with_log(work).inspect_err(|error| self.report(error))
    }

    fn check_online(&self) -> Result<(), StorageError> {
        if self.is_offline() {
            let path = self.dir().path().join(self.name.to_string());
            return Err(StorageError::Broken { path });
        }
        Ok(())
    }

    /// Appends what a client sent. `verified` says that the transaction coordinator knows of the producer's transaction here. It may be
    /// acknowledged and built upon when [`Partition::committed`] says so.
    pub fn append(self: &Arc<Self>, batches: Bytes, verified: bool) -> Result<AppendOutcome, AppendError> {
        self.append_as(Origin::Client, batches, verified)
    }

    /// Appends what the broker itself made: records of its coordinators, control batches.
    pub fn append_internal(self: &Arc<Self>, batches: Bytes, verified: bool) -> Result<AppendOutcome, AppendError> {
        self.append_as(Origin::Coordinator, batches, verified)
    }

    fn append_as(
        self: &Arc<Self>,
        origin: Origin,
        batches: Bytes,
        verified: bool,
    ) -> Result<AppendOutcome, AppendError> {
        self.check_online()?;
        let options = AppendOptions { origin, leader_epoch: self.leader_epoch, now: clock::now(), verified };
        let (outcome, moved, sync) = {
            let mut log = self.log.lock();
            let outcome = log.append(batches, options);
            let (moved, sync) = self.release.appended(&mut log);
            (outcome, moved, sync)
        };
        if sync {
            flusher::submit(self.clone());
        }
        self.tell(moved);
        match &outcome {
            Ok(_) => self.note_room(),
            Err(AppendError::Storage(error)) => self.note_append_failure(error),
            Err(_) => {}
        }
        outcome
    }

    /// Reads at most about `max_bytes` from `from` on; with `min_one_batch` at least one batch, however large.
    pub fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        isolation: Isolation,
        min_one_batch: bool,
    ) -> Result<PartitionRead, ReadError> {
        self.read_by(|log, up_to| log.read(from, max_bytes, up_to, min_one_batch), from, isolation)
    }

    /// As [`Partition::read`], for records that go to a socket as they are (`Log::read_to_send`).
    pub fn read_to_send(
        &self,
        from: Offset,
        max_bytes: usize,
        isolation: Isolation,
        min_one_batch: bool,
    ) -> Result<PartitionRead, ReadError> {
        self.read_by(|log, up_to| log.read_to_send(from, max_bytes, up_to, min_one_batch), from, isolation)
    }

    /// As [`Partition::read`], but not further than `span` offsets reach from the first on that is there. What is much is read from the
    /// disk when nobody waits for the log any more.
    pub fn read_span(
        &self,
        from: Offset,
        span: i64,
        max_bytes: usize,
        isolation: Isolation,
        min_one_batch: bool,
    ) -> Result<PartitionRead, ReadError> {
        let read = |log: &Log, up_to: Offset| {
            let end = log.end_of_span(from, span)?;
            log.read_to_send(from, max_bytes, up_to.min(end), min_one_batch)
        };
        let mut read = self.read_by(read, from, isolation)?;
        if let Some(region) = read.region.take() {
            let path = self.dir().path().join(self.name.to_string());
            read.records = region.read().map_err(|error| {
                let error = StorageError::io("read", &path)(error);
                self.report(&error);
                ReadError::Storage(error)
            })?;
        }
        Ok(read)
    }

    fn read_by(
        &self,
        read: impl FnOnce(&Log, Offset) -> Result<ReadOutcome, ReadError>,
        from: Offset,
        isolation: Isolation,
    ) -> Result<PartitionRead, ReadError> {
        self.check_online()?;
        let read = self.read_log(read, from, isolation);
        if let Err(ReadError::Storage(error)) = &read {
            self.report(error);
        }
        read
    }

    fn read_log(
        &self,
        read: impl FnOnce(&Log, Offset) -> Result<ReadOutcome, ReadError>,
        from: Offset,
        isolation: Isolation,
    ) -> Result<PartitionRead, ReadError> {
        let log = self.log.lock();
        let (high_watermark, last_stable_offset) = (log.high_watermark(), log.last_stable_offset());
        let up_to = match isolation {
            Isolation::ReadUncommitted => high_watermark,
            Isolation::ReadCommitted => last_stable_offset,
        };
        let ReadOutcome { bytes: records, region, end } = read(&log, up_to)?;
        let aborted = match isolation {
            Isolation::ReadUncommitted => None,
            Isolation::ReadCommitted if records.is_empty() => Some(Vec::new()),
            Isolation::ReadCommitted => Some(log.aborted_transactions(from, end)?),
        };
        Ok(PartitionRead {
            records,
            region,
            high_watermark,
            last_stable_offset,
            log_start_offset: log.log_start_offset(),
            aborted,
        })
    }

    /// First offset, last stable offset and high watermark.
    pub fn offsets(&self) -> (Offset, Offset, Offset) {
        let log = self.log.lock();
        (log.log_start_offset(), log.last_stable_offset(), log.high_watermark())
    }

    /// Whether the producer has a transaction open here in this epoch.
    pub fn has_open_transaction(&self, producer_id: ProducerId, epoch: ProducerEpoch) -> bool {
        self.log.lock().has_ongoing_transaction_in(producer_id, epoch)
    }

    /// Whether a producer has an epoch above `epoch` here.
    pub fn is_fenced(&self, producer_id: ProducerId, epoch: ProducerEpoch) -> bool {
        self.log.lock().is_fenced(producer_id, epoch)
    }

    /// Ends a producer's transaction here.
    pub fn append_marker(
        self: &Arc<Self>,
        producer: (ProducerId, ProducerEpoch),
        commit: bool,
        coordinator_epoch: i32,
    ) -> Result<AppendOutcome, AppendError> {
        self.append_internal(marker_batch(producer, commit, coordinator_epoch, clock::now()), true)
    }

    /// Deletes the records before `before`, or all up to the high watermark for -1; the new first offset.
    pub fn delete_records(&self, before: Offset) -> Result<Offset, ReadError> {
        self.check_online()?;
        let deleted = self.delete_from_log(before);
        if let Err(ReadError::Storage(error)) = &deleted {
            self.report(error);
        }
        deleted
    }

    fn delete_from_log(&self, before: Offset) -> Result<Offset, ReadError> {
        let mut log = self.log.lock();
        let target = if before.0 == -1 { log.high_watermark() } else { before };
        let (start, end) = (log.log_start_offset(), log.high_watermark());
        if target < Offset::ZERO || target > end {
            return Err(ReadError::OffsetOutOfRange { start, end });
        }
        log.increment_log_start_offset(target).map_err(ReadError::Storage)?;
        Ok(log.log_start_offset())
    }

    /// Calls `wake` whenever something was appended or the partition is deleted, until the guard is dropped.
    #[must_use]
    pub fn watch(&self, wake: Wake) -> WatchGuard {
        self.watchers.watch(wake)
    }

    /// Tells those who wait that the partition is gone.
    fn mark_deleted(&self) {
        self.deleted.store(true, Ordering::Release);
        self.release.fail();
        self.watchers.wake();
    }

    /// Refuses everything from now on, and tells those who wait.
    fn take_offline(&self) {
        self.offline.store(true, Ordering::Release);
        self.release.fail();
        self.watchers.wake();
    }
}

/// The control batch that ends `producer`'s transaction.
pub fn marker_batch(
    (producer_id, producer_epoch): (ProducerId, ProducerEpoch),
    commit: bool,
    coordinator_epoch: i32,
    now: Timestamp,
) -> Bytes {
    use forebay_storage::batch::{ControlKind, ControlRecord};
    let kind = if commit { ControlKind::Commit } else { ControlKind::Abort };
    ControlRecord { kind, coordinator_epoch }.encode(producer_id, producer_epoch, now)
}
