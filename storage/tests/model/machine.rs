//! A log, the disk under it, and what is to be expected of both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_storage::disk::{Disk, FaultyDisk, MemoryDisk};
use forebay_storage::error::StorageError;
use forebay_storage::ids::{Offset, Timestamp, TopicPartition};
use forebay_storage::log::{CompactionConfig, Log, LogConfig, LogOptions};

use crate::history::{History, ModelBatch};
use crate::steps::{Lose, Step};

pub const NOW: i64 = 1_700_000_000_000;

/// What the broker has written down; it may lag behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checkpoints {
    pub recovery_point: i64,
    pub log_start: i64,
    pub cleaned_up_to: Option<i64>,
}

/// A truncation that failed: the log may be anything from its old to its new state.
#[derive(Clone, Copy, Debug)]
pub struct HalfCut {
    /// Everything before it stays.
    pub keeps: i64,
    /// Where the log begins anew if everything was to go.
    pub restarts_at: Option<i64>,
}

pub struct Machine {
    pub memory: MemoryDisk,
    pub disk: FaultyDisk,
    pub log: Option<Log>,
    pub compact: bool,
    pub history: History,
    /// First offset that may be read.
    pub start: i64,
    /// Everything before it was promised to survive the loss of power.
    pub durable: i64,
    pub checkpoints: Checkpoints,
    /// Faults may strike.
    pub armed: bool,
    /// Batches whose append failed half-way: they may be found when the log is opened anew.
    pub maybe: Vec<ModelBatch>,
    /// A sync has failed, so that what is read need not be on the disk.
    pub sync_failed: bool,
    pub half_cut: Option<HalfCut>,
    /// Up to where records were deleted at most: the log may begin before it again, but the epochs do not.
    pub deleted: i64,
    /// Where the log ended at the last compaction.
    pub cleaned: i64,
    /// The log was read again after some of its batches were gone: it may not know all producers.
    pub forgetful: bool,
    /// The producers were read from a snapshot perhaps, which holds the last batch of each.
    pub only_last: bool,
    /// What the log knows of producers cannot be told any more.
    pub producers_unknown: bool,
    pub leader_epoch: i32,
    /// Epochs in which the next batches come.
    pub producer_epochs: BTreeMap<i64, i16>,
    pub now: i64,
    pub serial: usize,
}

pub fn dir() -> PathBuf {
    PathBuf::from("/data/t-0")
}

impl Machine {
    pub fn new(compact: bool) -> Machine {
        let memory = MemoryDisk::with_page_size(64);
        memory.create_dir_all(Path::new("/data")).unwrap();
        memory.sync_dir(Path::new("/")).unwrap();
        let mut machine = Machine {
            disk: FaultyDisk::over_memory(memory.clone()),
            memory,
            log: None,
            compact,
            history: History::default(),
            start: 0,
            durable: 0,
            checkpoints: Checkpoints::default(),
            armed: false,
            maybe: Vec::new(),
            sync_failed: false,
            half_cut: None,
            deleted: 0,
            cleaned: 0,
            forgetful: false,
            only_last: false,
            producers_unknown: false,
            leader_epoch: 0,
            producer_epochs: BTreeMap::new(),
            now: NOW,
            serial: 0,
        };
        machine.log = Some(machine.open(false).unwrap());
        machine
    }

    pub fn run(&mut self, step: Step) {
        let restarts = matches!(step, Step::Kill { .. } | Step::Crash(_) | Step::Restart | Step::Append { .. });
        if self.log().is_broken() && !restarts {
            self.kill(Lose::Nothing);
        }
        match step {
            Step::Append { records, codec } => self.append_plain(&records, codec),
            Step::AppendMany { batches } => self.append_many(&batches),
            Step::Idempotent { producer, records, codec } => self.append_as(producer, &records, codec, false),
            Step::InTransaction { producer, records, codec } => self.append_as(producer, &records, codec, true),
            Step::Repeat { producer, back } => self.repeat(producer, back),
            Step::Gap { producer } => self.leave_gap(producer),
            Step::Fenced { producer } => self.write_fenced(producer),
            Step::End { producer, commit } => self.end_transaction(producer, commit),
            Step::NewProducerEpoch { producer } => self.new_producer_epoch(producer),
            Step::NewLeaderEpoch => self.leader_epoch += 1,
            Step::Roll => self.roll(),
            Step::Flush => self.flush(),
            Step::Sync => self.sync(),
            Step::Checkpoint => self.checkpoint(),
            Step::Truncate(at) => self.truncate(at),
            Step::TruncateFully { ahead } => self.truncate_fully(ahead),
            Step::DeleteRecords(at) => self.delete_records(at),
            Step::Retain => self.retain(),
            Step::Wait(ms) => self.now += ms,
            Step::Clean { keys } => self.clean(keys),
            Step::WriteBack(seed) => self.memory.write_back(&mut forebay_storage::disk::FaultPlan::from_seed(seed)),
            Step::Kill { lose } => self.kill(lose),
            Step::Crash(seed) => self.crash(seed),
            Step::Restart => self.restart(),
            Step::Fail { fault, skip, count } => {
                self.armed = true;
                self.disk.inject_window(&dir(), fault, skip, count);
            }
            Step::Space(bytes) => {
                self.armed = true;
                self.disk.set_space(&dir(), bytes);
            }
            Step::Heal => self.heal(),
        }
        self.check();
    }

    /// After all: a healthy disk takes a batch, keeps it over the loss of power, and everything promised is there.
    pub fn finish(&mut self) {
        self.heal();
        if self.log().is_broken() {
            self.kill(Lose::Nothing);
        }
        self.append_plain(&[(0, true)], 0);
        self.flush();
        assert_eq!(self.durable, self.history.end);
        self.crash(0);
        self.check();
    }

    pub fn heal(&mut self) {
        self.armed = false;
        self.disk.heal_all();
    }

    pub fn log(&mut self) -> &mut Log {
        self.log.as_mut().expect("every step leaves an open log")
    }

    pub fn look(&self) -> &Log {
        self.log.as_ref().expect("every step leaves an open log")
    }

    /// The disk may refuse only if a fault was injected, or after it has refused before.
    pub fn may_fail<T>(&self, result: Result<T, StorageError>, was_broken: bool) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                assert!(self.armed || was_broken, "a healthy disk refused: {error}");
                None
            }
        }
    }

    pub fn config(&self) -> LogConfig {
        LogConfig {
            segment_bytes: 500,
            index_interval_bytes: 100,
            compact: self.compact,
            delete: false,
            compaction: CompactionConfig {
                min_cleanable_dirty_ratio: 0.0,
                delete_retention_ms: 1000,
                ..CompactionConfig::default()
            },
            ..LogConfig::default()
        }
    }

    pub fn open(&self, clean: bool) -> Result<Log, StorageError> {
        let mut log = Log::open(LogOptions {
            disk: Arc::new(self.disk.clone()),
            dir: dir(),
            partition: TopicPartition::new("t", 0),
            topic_id: None,
            config: self.config(),
            recovery_point: Offset(self.checkpoints.recovery_point),
            log_start_offset: Offset(self.checkpoints.log_start),
            clean,
            now: Timestamp(self.now),
        })?;
        log.set_cleaned_up_to(self.checkpoints.cleaned_up_to.map(Offset));
        Ok(log)
    }
}
