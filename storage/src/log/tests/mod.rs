//! The log as a whole, on a disk in memory.

mod appends;
mod broken_indexes;
mod compaction;
mod compaction_model;
mod configs;
mod failures;
mod files;
mod flushing;
mod moving;
mod reads;
mod recovery;
mod retention;
mod transactions;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::batch::{BatchBuilder, BatchStamp, ControlKind, ControlRecord, batches};
use crate::compress::Compression;
use crate::disk::MemoryDisk;
use crate::ids::{ProducerEpoch, ProducerId, Sequence, Timestamp};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn options(disk: &MemoryDisk, config: LogConfig) -> LogOptions {
    LogOptions {
        disk: Arc::new(disk.clone()),
        dir: PathBuf::from("/data/t-0"),
        partition: TopicPartition::new("t", 0),
        topic_id: None,
        config,
        recovery_point: Offset::ZERO,
        log_start_offset: Offset::ZERO,
        clean: false,
        now: NOW,
    }
}

fn open(disk: &MemoryDisk, config: LogConfig) -> Log {
    Log::open(options(disk, config)).unwrap()
}

fn new_log(config: LogConfig) -> Log {
    open(&MemoryDisk::new(), config)
}

fn as_client() -> AppendOptions {
    AppendOptions { origin: Origin::Client, leader_epoch: LeaderEpoch(0), now: NOW, verified: false }
}

fn in_transaction() -> AppendOptions {
    AppendOptions { verified: true, ..as_client() }
}

fn as_coordinator() -> AppendOptions {
    AppendOptions { origin: Origin::Coordinator, verified: true, ..as_client() }
}

/// A batch of these values at consecutive milliseconds from NOW.
fn plain(values: &[&str]) -> Bytes {
    stamped(values, &BatchStamp::default())
}

fn stamped(values: &[&str], stamp: &BatchStamp) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    for (at, value) in values.iter().enumerate() {
        builder.push(NOW.plus_ms(at as i64), Some(b"k"), Some(value.as_bytes()), &[]);
    }
    builder.finish(stamp)
}

fn at_time(time: i64, value: &str) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(Timestamp(time), Some(b"k"), Some(value.as_bytes()), &[]);
    builder.finish(&BatchStamp::default())
}

fn stamp(id: i64, epoch: i16, sequence: i32) -> BatchStamp {
    BatchStamp {
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: Sequence(sequence),
        ..BatchStamp::default()
    }
}

fn transactional(id: i64, epoch: i16, sequence: i32) -> BatchStamp {
    BatchStamp { transactional: true, ..stamp(id, epoch, sequence) }
}

fn marker(id: i64, epoch: i16, kind: ControlKind) -> Bytes {
    ControlRecord { kind, coordinator_epoch: 0 }.encode(ProducerId(id), ProducerEpoch(epoch), NOW)
}

/// Appends and moves the high watermark, as the only replica does.
fn append(log: &mut Log, batch: Bytes, options: AppendOptions) -> AppendOutcome {
    let outcome = log.append(batch, options).unwrap();
    log.set_high_watermark(log.log_end_offset());
    outcome
}

/// Values of all data records from `from` on, with their offsets.
fn values(log: &Log, from: Offset) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    let mut next = from;
    while next < log.log_end_offset() {
        let read = log.read(next, 1_000_000, log.log_end_offset(), true).unwrap().bytes;
        assert!(!read.is_empty(), "nothing at {next}");
        for batch in batches(read) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            next = batch.header.next_offset();
            if batch.header.is_control() {
                continue;
            }
            for record in batch.records().unwrap().iter() {
                let record = record.unwrap();
                if record.offset >= from {
                    let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                    found.push((record.offset.0, value));
                }
            }
        }
    }
    found
}

fn small_segments() -> LogConfig {
    LogConfig { segment_bytes: 300, index_interval_bytes: 50, ..LogConfig::default() }
}
