//! What the targets do with a log that opened: everything that a broker would.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use forebay_storage::batch::{BatchBuilder, BatchStamp, batches};
use forebay_storage::compress::Compression;
use forebay_storage::disk::Disk;
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicPartition};
use forebay_storage::log::{AppendOptions, Log, LogConfig, LogOptions, Origin};

/// The broker's clock in all targets.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// The partition in all targets.
pub fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// How a log is opened that is not clean.
pub fn options(disk: Arc<dyn Disk>, dir: PathBuf, config: LogConfig) -> LogOptions {
    LogOptions {
        disk,
        dir,
        partition: partition(),
        topic_id: None,
        config,
        recovery_point: Offset::ZERO,
        log_start_offset: Offset::ZERO,
        clean: false,
        now: NOW,
    }
}

/// A batch of one record.
pub fn one_record(value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(NOW, Some(b"key"), Some(value), &[]);
    builder.finish(&BatchStamp::default())
}

/// An append of a client that the coordinator has confirmed.
pub fn as_client(epoch: LeaderEpoch) -> AppendOptions {
    AppendOptions { origin: Origin::Client, leader_epoch: epoch, now: NOW, verified: true }
}

/// Reads from the start to the end, whatever is there; answers the batches that came.
pub fn read_all(log: &Log) -> usize {
    let (mut at, end) = (log.log_start_offset(), log.log_end_offset());
    let mut count = 0;
    while at < end {
        let Ok(read) = log.read(at, 4096, end, true) else { break };
        let mut reached = at;
        for batch in batches(read.bytes) {
            let batch = batch.expect("a read returns whole batches");
            reached = reached.max(batch.header.next_offset());
            if let Ok(records) = batch.records() {
                // Errors are for the client to see.
                let _ = records.iter().take_while(Result::is_ok).count();
            }
            count += 1;
        }
        if reached == at {
            break;
        }
        at = reached;
    }
    count
}

/// Asks the log everything that clients may ask.
pub fn ask(log: &Log) {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    assert!(start <= log.high_watermark() && log.high_watermark() <= end, "{start} to {end}");
    assert!(log.recovery_point() <= end && log.last_stable_offset() <= end);
    assert!(log.segment_count() > 0);
    read_all(log);
    for time in [i64::MIN, -1, 0, NOW.0, i64::MAX] {
        let _ = log.offset_for_timestamp(Timestamp(time));
    }
    let _ = log.max_timestamp_offset();
    let _ = log.aborted_transactions(start, end);
    let _ = log.active_producers();
    let _ = (log.epoch_end_offset(LeaderEpoch(0)), log.earliest_epoch(), log.epoch_at(start));
    assert!(log.read(Offset(end.0.saturating_add(1)), 1, end, true).is_err() || end.0 == i64::MAX);
}

/// Appends a record and reads it back. Near the largest offset there is no room for one.
pub fn append_and_read(log: &mut Log) {
    let end = log.log_end_offset();
    let epoch = log.latest_epoch().unwrap_or(LeaderEpoch(0));
    let appended = log.append(one_record(b"appended"), as_client(epoch));
    if end.0 >= i64::MAX - 1 {
        return;
    }
    let outcome = appended.unwrap_or_else(|error| panic!("no append at {end}: {error}"));
    assert_eq!((outcome.base_offset, log.log_end_offset()), (end, Offset(end.0 + 1)));
    log.set_high_watermark(log.log_end_offset());
    let read = log.read(end, 1 << 20, log.log_end_offset(), true).expect("what was appended can be read");
    let batch = batches(read.bytes).next().expect("a batch").expect("a whole batch");
    let records = batch.records().expect("records");
    let record = records.iter().next().expect("a record").expect("a whole record");
    assert_eq!((record.offset, record.value), (end, Some(&b"appended"[..])));
}

/// A pass of compaction, if the log wants one.
pub fn compact(log: &mut Log) {
    let mut no_throttle = |_: usize| ();
    let Ok(Some(task)) = log.begin_clean(NOW, 1 << 16) else { return };
    if let Ok(cleaned) = task.run(&mut no_throttle) {
        let _ = log.finish_clean(cleaned);
    }
}
