//! A partition as its leader has it: the log, the high watermark, and who waits for either to move.

mod parallel;
mod registry;
mod watch;

pub use registry::{NewPartition, PartitionConfig, Partitions};
pub use watch::{Wake, WatchGuard};

use bytes::Bytes;
use forebay_storage::error::StorageError;
use forebay_storage::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicId, TopicPartition};
use forebay_storage::log::{AbortedTransaction, AppendError, AppendOptions, AppendOutcome, Log, Origin, ReadError};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::clock;
use watch::Watchers;

/// A partition that this broker leads.
pub struct Partition {
    name: TopicPartition,
    topic_id: TopicId,
    leader_epoch: LeaderEpoch,
    log: Mutex<Log>,
    watchers: Watchers,
    min_insync_replicas: AtomicI32,
    deleted: AtomicBool,
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
    /// Puts a log under this broker's lead.
    fn new(new: &NewPartition, log: Log) -> Partition {
        Partition {
            name: new.name.clone(),
            topic_id: new.topic_id,
            leader_epoch: new.leader_epoch,
            min_insync_replicas: AtomicI32::new(new.config.min_insync_replicas),
            log: Mutex::new(log),
            watchers: Watchers::default(),
            deleted: AtomicBool::new(false),
        }
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

    /// Appends what a client sent. `verified` says that the transaction coordinator knows of the producer's transaction here.
    pub fn append(&self, batches: Bytes, verified: bool) -> Result<AppendOutcome, AppendError> {
        self.append_as(Origin::Client, batches, verified)
    }

    /// Appends what the broker itself made: records of its coordinators, control batches.
    pub fn append_internal(&self, batches: Bytes, verified: bool) -> Result<AppendOutcome, AppendError> {
        self.append_as(Origin::Coordinator, batches, verified)
    }

    fn append_as(&self, origin: Origin, batches: Bytes, verified: bool) -> Result<AppendOutcome, AppendError> {
        let options = AppendOptions { origin, leader_epoch: self.leader_epoch, now: clock::now(), verified };
        let outcome = {
            let mut log = self.log.lock();
            let outcome = log.append(batches, options)?;
            // There is one replica: what is in its log is committed.
            let end = log.log_end_offset();
            log.set_high_watermark(end);
            outcome
        };
        self.watchers.wake();
        Ok(outcome)
    }

    /// Reads at most about `max_bytes` from `from` on; with `min_one_batch` at least one batch, however large.
    pub fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        isolation: Isolation,
        min_one_batch: bool,
    ) -> Result<PartitionRead, ReadError> {
        let log = self.log.lock();
        let (high_watermark, last_stable_offset) = (log.high_watermark(), log.last_stable_offset());
        let up_to = match isolation {
            Isolation::ReadUncommitted => high_watermark,
            Isolation::ReadCommitted => last_stable_offset,
        };
        let records = log.read(from, max_bytes, up_to, min_one_batch)?.bytes;
        let aborted = match isolation {
            Isolation::ReadUncommitted => None,
            Isolation::ReadCommitted if records.is_empty() => Some(Vec::new()),
            Isolation::ReadCommitted => Some(log.aborted_transactions(from, end_of(&records).unwrap_or(up_to))?),
        };
        Ok(PartitionRead {
            records,
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

    /// Brings to disk what is not there yet. The slow part is done without holding the log.
    pub fn flush(&self) -> Result<(), StorageError> {
        let task = {
            let mut log = self.log.lock();
            if log.recovery_point() >= log.log_end_offset() {
                return Ok(());
            }
            log.prepare_flush()?
        };
        let outcome = task.run();
        let mut log = self.log.lock();
        match outcome {
            Ok(up_to) => {
                log.flushed(up_to);
                Ok(())
            }
            Err(error) => {
                log.flush_failed();
                Err(error)
            }
        }
    }

    /// Ends a producer's transaction here.
    pub fn append_marker(
        &self,
        producer: (ProducerId, ProducerEpoch),
        commit: bool,
        coordinator_epoch: i32,
    ) -> Result<AppendOutcome, AppendError> {
        self.append_internal(marker_batch(producer, commit, coordinator_epoch, clock::now()), true)
    }

    /// Deletes the records before `before`, or all up to the high watermark for -1; the new first offset.
    pub fn delete_records(&self, before: Offset) -> Result<Offset, ReadError> {
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

/// The offset after the last batch of `records`, for whole batches back to back.
fn end_of(records: &Bytes) -> Option<Offset> {
    let mut rest: &[u8] = records;
    let mut end = None;
    while let Ok(header) = forebay_storage::batch::BatchHeader::parse(rest) {
        end = Some(header.next_offset());
        rest = rest.get(header.size_in_bytes()..)?;
    }
    end
}
