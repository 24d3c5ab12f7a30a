//! When appended records may be acknowledged and shown: at once, or with `flush.messages` when they are on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, Timestamp};
use forebay_storage::log::{FlushTask, Log};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use super::Partition;
use crate::clock;
use crate::pending::{CommitWaiters, Committed, Lost};

/// How far a partition's log was released to its readers, and who waits for more.
pub(super) struct Release {
    /// The high watermark once more, to be read without the log's lock.
    committed: AtomicI64,
    /// The end of the log once more.
    end: AtomicI64,
    waiters: CommitWaiters,
    /// No record will be committed any more.
    failed: AtomicBool,
    /// A sync is under way or queued; changed only by who holds the log.
    syncing: AtomicBool,
    /// An append found no room; the next one that succeeds says so.
    was_full: AtomicBool,
    /// Held while files are synced. The system tells of a failed write only once, so two syncs at a time could each miss one.
    one_sync: Mutex<()>,
}

impl Release {
    /// Of a log that was just opened.
    pub(super) fn of(log: &Log) -> Release {
        Release {
            committed: AtomicI64::new(log.high_watermark().0),
            end: AtomicI64::new(log.log_end_offset().0),
            waiters: CommitWaiters::default(),
            failed: AtomicBool::new(false),
            syncing: AtomicBool::new(false),
            was_full: AtomicBool::new(false),
            one_sync: Mutex::new(()),
        }
    }

    /// Releases what may be; the new high watermark if it moved, and whether a sync must be started.
    pub(super) fn appended(&self, log: &mut Log) -> (Option<Offset>, bool) {
        self.end.store(log.log_end_offset().0, Ordering::Release);
        let moved = self.advance(log);
        let sync = log.sync_due() && !self.syncing.swap(true, Ordering::AcqRel);
        (moved, sync)
    }

    /// There is one replica: what it has released is committed.
    fn advance(&self, log: &mut Log) -> Option<Offset> {
        let up_to = log.releasable_offset();
        if up_to <= log.high_watermark() {
            return None;
        }
        log.set_high_watermark(up_to);
        self.committed.store(up_to.0, Ordering::SeqCst);
        Some(up_to)
    }

    /// What is known of the records before `end`.
    fn outcome(&self, end: Offset) -> Option<Result<(), Lost>> {
        if self.committed.load(Ordering::SeqCst) >= end.0 {
            Some(Ok(()))
        } else if self.failed.load(Ordering::SeqCst) {
            Some(Err(Lost))
        } else {
            None
        }
    }

    /// Keeps syncs away until the guard is dropped.
    pub(super) fn hold_syncs(&self) -> MutexGuard<'_, ()> {
        self.one_sync.lock()
    }

    /// Lets all go who wait for what will not come.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
        self.waiters.fail();
    }
}

impl Partition {
    /// The offset that the next record gets.
    pub fn log_end(&self) -> Offset {
        Offset(self.release.end.load(Ordering::Acquire))
    }

    /// Runs `then` as soon as everything before `end` is committed, or cannot be any more; at once if that is known. `then` must be
    /// quick.
    pub fn when_committed(&self, end: Offset, then: impl FnOnce(Result<(), Lost>) + Send + 'static) {
        match self.release.outcome(end) {
            Some(known) => then(known),
            None => self.release.waiters.add(end, || self.release.outcome(end), Box::new(then)),
        }
    }

    /// Waits for the same.
    pub fn committed(&self, end: Offset) -> Committed {
        if let Some(known) = self.release.outcome(end) {
            return Committed::known(known);
        }
        let (sender, receiver) = oneshot::channel();
        self.when_committed(end, move |outcome| {
            // Who waited may have left.
            let _ = sender.send(outcome);
        });
        Committed::told_by(receiver)
    }

    /// Tells readers and askers that the high watermark has moved.
    pub(super) fn tell(&self, moved: Option<Offset>) {
        if let Some(committed) = moved {
            self.release.waiters.release(committed);
            self.watchers.wake();
        }
    }

    /// Syncs what acknowledgements wait for; whether more came meanwhile.
    pub(super) fn sync_waiting(self: &Arc<Self>) -> bool {
        // An error has taken the partition offline: then nobody waits any more.
        let synced = self.sync_by(|log| log.prepare_sync());
        let log = self.log.lock();
        let again = synced.is_ok() && log.sync_due();
        self.release.syncing.store(again, Ordering::Release);
        again
    }

    /// Brings to disk what is not there yet, with indexes and snapshots, and moves the recovery point. The slow part is done without
    /// holding the log.
    pub fn flush(&self) -> Result<(), StorageError> {
        if self.is_offline() || self.with_log(|log| log.recovery_point() >= log.log_end_offset()) {
            return Ok(());
        }
        self.sync_by(Log::prepare_flush)
    }

    /// Syncs the log if `flush.ms` has passed since it was last.
    pub fn flush_if_overdue(&self, now: Timestamp) -> Result<(), StorageError> {
        if self.is_offline() || !self.with_log(|log| log.sync_overdue(now)) {
            return Ok(());
        }
        self.sync_by(|log| log.prepare_sync())
    }

    fn sync_by(&self, prepare: impl FnOnce(&mut Log) -> Result<FlushTask, StorageError>) -> Result<(), StorageError> {
        let _one = self.release.one_sync.lock();
        let task = self.with_log(prepare);
        let done = task.and_then(FlushTask::run);
        let moved = {
            let mut log = self.log.lock();
            match &done {
                Ok(done) => {
                    log.flushed(*done);
                    log.note_flush_time(clock::now());
                    self.release.advance(&mut log)
                }
                // What the disk has dropped stays dropped: no second attempt.
                Err(error) if !error.is_full() => {
                    log.flush_failed();
                    None
                }
                Err(_) => None,
            }
        };
        self.tell(moved);
        done.map(drop).inspect_err(|error| {
            self.report(error);
            // A log that is broken though its folder works: what waits for it would wait for ever.
            if !error.is_full() && !self.is_offline() {
                tracing::error!(partition = %self.name(), "a log is offline until the broker is restarted: {error}");
                self.take_offline();
            }
        })
    }

    /// Takes note that the log takes records.
    pub(super) fn note_room(&self) {
        if self.release.was_full.load(Ordering::Relaxed) && self.release.was_full.swap(false, Ordering::AcqRel) {
            self.dir().note_room();
        }
    }

    /// Takes note that the log did not take records.
    pub(super) fn note_append_failure(&self, error: &StorageError) {
        if error.is_full() {
            self.release.was_full.store(true, Ordering::Release);
        }
        self.report(error);
    }
}
