//! Compaction, one rule at a time. Expected offsets of transactions are those of Kafka's LogCleanerTest.

use std::sync::atomic::{AtomicI64, Ordering};

use super::compaction_model::{DyingDisk, stored_batches};
use super::*;
use crate::batch::{Batch, HEADER_SIZE};
use crate::disk::Disk;
use crate::error::StorageError;

const DAY: i64 = 24 * 3_600_000;

fn config() -> LogConfig {
    LogConfig { compact: true, delete: false, file_delete_delay_ms: 0, ..LogConfig::default() }
}

fn eager(log: &mut Log) {
    let config = CompactionConfig { min_cleanable_dirty_ratio: 0.0, ..CompactionConfig::default() };
    log.update_compaction_config(config);
}

fn compacted(disk: &MemoryDisk, config: LogConfig) -> Log {
    let mut log = open(disk, config);
    eager(&mut log);
    log
}

/// A batch of these keys; a key below zero is a tombstone of its absolute value.
fn keyed(keys: &[i32], codec: Compression, stamp: &BatchStamp) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    for (at, key) in keys.iter().enumerate() {
        let value = (*key >= 0).then_some(&b"value"[..]);
        builder.push(NOW.plus_ms(at as i64), Some(&key.abs().to_be_bytes()), value, &[("h", None)]);
    }
    builder.finish(stamp)
}

fn put(log: &mut Log, keys: &[i32]) {
    append(log, keyed(keys, Compression::None, &BatchStamp::default()), as_client());
}

fn put_as(log: &mut Log, keys: &[i32], sequence: i32) {
    append(log, keyed(keys, Compression::None, &transactional(1, 0, sequence)), in_transaction());
}

fn end(log: &mut Log, kind: ControlKind) {
    append(log, marker(1, 0, kind), as_coordinator());
}

/// A pass over everything, as if nothing had been compacted yet.
fn clean(log: &mut Log, now: Timestamp) -> CleanStats {
    log.roll(NOW).unwrap();
    log.set_cleaned_up_to(None);
    let task = log.begin_clean(now, 1 << 20).unwrap().unwrap();
    log.finish_clean(task.run(&mut |_| {}).unwrap()).unwrap()
}

fn stored(log: &Log) -> Vec<Batch> {
    stored_batches(log, log.log_start_offset())
}

fn offsets(log: &Log) -> Vec<i64> {
    let offsets =
        |batch: Batch| -> Vec<_> { batch.records().unwrap().iter().map(|record| record.unwrap().offset.0).collect() };
    stored(log).into_iter().flat_map(offsets).collect()
}

fn names(disk: &MemoryDisk, log: &Log) -> Vec<String> {
    disk.list(log.dir()).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn the_last_record_of_each_key_stays_at_its_offset() {
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, config());
    put(&mut log, &[1, 2, 3]);
    put(&mut log, &[4]);
    put(&mut log, &[1, 3]);
    log.roll(NOW).unwrap();
    put(&mut log, &[4]);
    let before = stored(&log);
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    put(&mut log, &[2]);
    let stats = log.finish_clean(task.run(&mut |_| {}).unwrap()).unwrap();
    // The active segment supersedes nothing yet.
    assert_eq!(offsets(&log), [1, 3, 4, 5, 6, 7]);
    assert_eq!((stats.records_before, stats.records_after, stats.cleaned_up_to), (6, 4, Offset(6)));
    assert!(stats.replaced && stats.bytes_after < stats.bytes_before);
    let after = stored(&log);
    assert_eq!(after[1].bytes, before[1].bytes, "an untouched batch is copied");
    let (old, new) = (before[0].header, after[0].header);
    assert_eq!((new.base_offset, new.last_offset_delta, new.record_count), (old.base_offset, 2, 1));
    assert_eq!((new.leader_epoch, new.attributes, new.max_timestamp), (old.leader_epoch, 0, NOW.plus_ms(1)));
    // Any offset can be asked for.
    for from in 0..8 {
        let first = stored_batches(&log, Offset(from)).remove(0);
        assert!(first.header.last_offset().0 >= from && first.header.base_offset.0 <= from);
    }
    assert!(log.clean_plan(NOW).unwrap().is_none());
}

#[test]
fn tombstones_wait_for_their_time() {
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, config());
    put(&mut log, &[1, 2]);
    put(&mut log, &[-1, 3]);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [1, 2, 3]);
    // KIP-534: the horizon is set by the pass that removed what the tombstone deletes.
    let header = stored(&log)[1].header;
    assert_eq!(header.delete_horizon(), Some(NOW.plus_ms(DAY)));
    let times = |log: &Log| -> Vec<_> {
        let batch = stored(log).remove(1);
        batch.records().unwrap().iter().map(|record| record.unwrap().timestamp).collect()
    };
    assert_eq!(times(&log), [NOW, NOW.plus_ms(1)], "times do not change with it");
    put(&mut log, &[4]);
    clean(&mut log, NOW.plus_ms(DAY - 1));
    assert_eq!(offsets(&log), [1, 2, 3, 4]);
    assert_eq!(stored(&log)[1].header.delete_horizon(), Some(NOW.plus_ms(DAY)), "the horizon stays where it is");
    put(&mut log, &[5]);
    clean(&mut log, NOW.plus_ms(DAY));
    assert_eq!(offsets(&log), [1, 3, 4, 5]);
    assert_eq!(times(&log), [NOW.plus_ms(1)]);
}

#[test]
fn a_tombstone_never_goes_before_what_it_deletes() {
    let mut gone = 0;
    for changes in 0..40 {
        let inner = MemoryDisk::new();
        let disk = Arc::new(DyingDisk { inner: inner.clone(), left: AtomicI64::new(i64::MAX) });
        let config = LogConfig { segment_bytes: 300, ..config() };
        let mut log = Log::open(LogOptions { disk: disk.clone(), ..options(&inner, config.clone()) }).unwrap();
        eager(&mut log);
        put(&mut log, &[1]);
        log.roll(NOW).unwrap();
        [2, 3, -1].into_iter().for_each(|key| put(&mut log, &[key]));
        log.roll(NOW).unwrap();
        // The keys of offsets 0 and 1 fit into the map; the tombstone is passed, and its time begins.
        let task = log.begin_clean(NOW, 3 * 24).unwrap().unwrap();
        log.finish_clean(task.run(&mut |_| {}).unwrap()).unwrap();
        assert_eq!((offsets(&log), log.cleaned_up_to()), (vec![0, 1, 2, 3], Some(Offset(2))));
        disk.left.store(changes, Ordering::Relaxed);
        let task = log.begin_clean(NOW.plus_ms(DAY), 1 << 20).unwrap().unwrap();
        let _ = task.run(&mut |_| {}).and_then(|cleaned| log.finish_clean(cleaned));
        drop(log);
        let found = offsets(&open(&inner, config));
        assert!(!found.contains(&0) || found.contains(&3), "{found:?} after {changes} changes");
        gone += usize::from(!found.contains(&3));
    }
    assert!((1..40).contains(&gone), "{gone}");
}

#[test]
fn a_commit_marker_goes_after_its_records() {
    // LogCleanerTest.testCommitMarkerRemoval
    let mut log = compacted(&MemoryDisk::new(), config());
    put_as(&mut log, &[1], 0);
    put_as(&mut log, &[2, 3], 1);
    end(&mut log, ControlKind::Commit);
    put_as(&mut log, &[2], 3);
    end(&mut log, ControlKind::Commit);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [0, 2, 3, 4, 5]);
    put_as(&mut log, &[1, 3], 4);
    end(&mut log, ControlKind::Commit);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [3, 4, 5, 6, 7, 8]);
    put(&mut log, &[9]);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [3, 4, 5, 6, 7, 8, 9]);
    put(&mut log, &[10]);
    clean(&mut log, NOW.plus_ms(DAY));
    assert_eq!(offsets(&log), [4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn aborted_records_go_and_their_marker_later() {
    // LogCleanerTest.testAbortMarkerRemoval
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, config());
    put_as(&mut log, &[1], 0);
    put_as(&mut log, &[2, 3], 1);
    end(&mut log, ControlKind::Abort);
    put_as(&mut log, &[3], 3);
    end(&mut log, ControlKind::Commit);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [3, 4, 5]);
    let aborted = log.aborted_transactions(Offset(0), Offset(6)).unwrap();
    assert_eq!(aborted.iter().map(|a| (a.first_offset.0, a.last_offset.0)).collect::<Vec<_>>(), [(0, 3)]);
    put(&mut log, &[9]);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [3, 4, 5, 6]);
    assert_eq!(log.aborted_transactions(Offset(0), Offset(6)).unwrap(), [], "nothing is left of it to be hidden");
    assert!(!names(&disk, &log).iter().any(|name| name.ends_with("txnindex")));
    put(&mut log, &[10]);
    clean(&mut log, NOW.plus_ms(DAY));
    assert_eq!(offsets(&log), [4, 5, 6, 7]);
}

#[test]
fn an_aborted_value_supersedes_nothing() {
    let mut log = compacted(&MemoryDisk::new(), config());
    put(&mut log, &[1]);
    put_as(&mut log, &[1], 0);
    end(&mut log, ControlKind::Abort);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [0, 2]);
}

#[test]
fn the_last_sequence_of_each_producer_stays() {
    // LogCleanerTest.testDuplicateCheckAfterCleaning
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, config());
    let batch = |id, sequence| keyed(&[1, 2], Compression::None, &stamp(id, 0, sequence));
    for (id, sequence) in [(1, 0), (2, 0), (1, 2), (3, 0), (2, 2)] {
        append(&mut log, batch(id, sequence), as_client());
    }
    put(&mut log, &[1, 2]);
    clean(&mut log, NOW);
    assert_eq!(offsets(&log), [10, 11]);
    let counts: Vec<_> = stored(&log).iter().map(|b| (b.header.base_offset.0, b.header.record_count)).collect();
    assert_eq!(counts, [(4, 0), (6, 0), (8, 0), (10, 2)]);
    assert_eq!(stored(&log)[0].bytes.len(), HEADER_SIZE);
    drop(log);
    for name in disk.files().into_keys().filter(|path| path.extension().is_some_and(|end| end == "snapshot")) {
        disk.remove_file(&name).unwrap();
    }
    let mut log = open(&disk, config());
    for (id, sequence, base) in [(1, 2, 4), (3, 0, 6), (2, 2, 8)] {
        let again = append(&mut log, batch(id, sequence), as_client());
        assert!(again.duplicate);
        assert_eq!(again.base_offset, Offset(base));
    }
    assert!(!append(&mut log, batch(1, 4), as_client()).duplicate);
}

#[test]
fn batches_keep_their_codec() {
    for codec in Compression::ALL {
        let mut log = compacted(&MemoryDisk::new(), config());
        let stamp = BatchStamp::default();
        append(&mut log, keyed(&(0..100).collect::<Vec<_>>(), codec, &stamp), as_client());
        append(&mut log, keyed(&(0..99).collect::<Vec<_>>(), codec, &stamp), as_client());
        clean(&mut log, NOW);
        assert_eq!(offsets(&log), (99..199).collect::<Vec<_>>());
        assert!(stored(&log).iter().all(|batch| batch.header.compression() == Ok(codec)));
    }
}

#[test]
fn small_segments_become_one() {
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, LogConfig { segment_bytes: 1000, ..config() });
    for key in 0..100 {
        put(&mut log, &[key % 7]);
    }
    let count = log.segment_count();
    let stats = clean(&mut log, NOW);
    assert_eq!((stats.segments_before, stats.keyless), (count, 0));
    assert_eq!(offsets(&log), (93..100).collect::<Vec<_>>());
    while clean(&mut log, NOW).replaced {}
    assert_eq!(log.segment_count(), 2, "the compacted one and the active one");
    let logs = names(&disk, &log).into_iter().filter(|name| name.ends_with(".log")).collect::<Vec<_>>();
    assert_eq!(logs, ["00000000000000000000.log", "00000000000000000100.log"]);
}

#[test]
fn with_little_memory_it_takes_more_passes() {
    let mut log = compacted(&MemoryDisk::new(), config());
    for round in 0..2 {
        for key in 0..40 {
            put(&mut log, &[key]);
        }
        assert_eq!(round, log.segment_count() as i32 / 2);
        log.roll(NOW).unwrap();
    }
    let mut passes = 0;
    while let Some(task) = log.begin_clean(NOW, 20 * 24).unwrap() {
        let stats = log.finish_clean(task.run(&mut |_| {}).unwrap()).unwrap();
        passes += 1;
        assert_eq!(stats.cleaned_up_to.0, (passes * 18).min(80), "18 of 20 slots are used at a time");
    }
    assert_eq!(passes, 5);
    assert_eq!(offsets(&log), (40..80).collect::<Vec<_>>());
}

#[test]
fn what_is_compacted_when() {
    let mut log = open(&MemoryDisk::new(), LogConfig { segment_bytes: 200, ..config() });
    assert!(log.clean_plan(NOW).unwrap().is_none());
    for time in 0..10 {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(NOW.plus_ms(1000 * time), Some(b"k"), Some(b"v"), &[]);
        append(&mut log, builder.finish(&BatchStamp::default()), as_client());
    }
    // Two batches a segment; 8 is where the active one begins.
    let plan = log.clean_plan(NOW).unwrap().unwrap();
    assert_eq!((plan.first_dirty, plan.first_uncleanable), (Offset(0), Offset(8)));
    assert_eq!((plan.clean_bytes, plan.overdue, plan.dirty_ratio()), (0, false, 1.0));
    log.set_cleaned_up_to(Some(Offset(4)));
    assert!(log.clean_plan(NOW).unwrap().is_none(), "half is not more than half");
    let default = CompactionConfig::default();
    let lag = |min, max| CompactionConfig { min_compaction_lag_ms: min, max_compaction_lag_ms: max, ..default.clone() };
    log.update_compaction_config(lag(0, 1000));
    assert!(log.clean_plan(NOW.plus_ms(5000)).unwrap().is_none());
    assert!(log.clean_plan(NOW.plus_ms(5001)).unwrap().unwrap().overdue, "offset 4 waits for more than a second");
    log.set_cleaned_up_to(Some(Offset(99)));
    log.update_compaction_config(lag(3000, i64::MAX));
    let plan = log.clean_plan(NOW.plus_ms(8000)).unwrap().unwrap();
    assert_eq!((plan.first_dirty, plan.first_uncleanable), (Offset(0), Offset(6)), "records 6 and 7 are too young");
    log.update_compaction_config(default);
    log.set_high_watermark(Offset(5));
    assert_eq!(log.clean_plan(NOW).unwrap().unwrap().first_uncleanable, Offset(4));
    log.update_config(LogConfig { compact: false, ..log.config().clone() });
    assert!(log.clean_plan(NOW).unwrap().is_none());
}

#[test]
fn a_log_that_changed_meanwhile_keeps_what_it_has() {
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, LogConfig { segment_bytes: 300, ..config() });
    (0..20).for_each(|key| put(&mut log, &[key % 3]));
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    let cleaned = task.run(&mut |_| {}).unwrap();
    log.truncate_to(Offset(10), NOW).unwrap();
    put(&mut log, &[1]);
    let before = stored(&log).iter().map(|batch| batch.bytes.clone()).collect::<Vec<_>>();
    assert!(!log.finish_clean(cleaned).unwrap().replaced);
    assert_eq!(stored(&log).iter().map(|batch| batch.bytes.clone()).collect::<Vec<_>>(), before);
    assert!(!names(&disk, &log).iter().any(|name| name.ends_with(".cleaned")));
    // The same for a pass that notices it itself, and for a log that is gone.
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    log.truncate_to(Offset(8), NOW).unwrap();
    let cleaned = task.run(&mut |_| {}).unwrap();
    assert!(!log.finish_clean(cleaned).unwrap().replaced);
    assert_eq!(offsets(&log), (0..8).collect::<Vec<_>>());
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    let cleaned = task.run(&mut |_| {}).unwrap();
    log.delete().unwrap();
    assert!(!log.finish_clean(cleaned).unwrap().replaced);
    assert!(disk.files().is_empty() || log.append(plain(&["x"]), as_client()).is_err());
}

#[test]
fn retention_may_be_faster() {
    for start in [2, 3, 5, 9, 12] {
        let disk = MemoryDisk::new();
        let mut log = compacted(&disk, LogConfig { segment_bytes: 300, delete: true, ..config() });
        (0..20).for_each(|key| put(&mut log, &[key % 6]));
        let held = log.read(Offset(0), 1000, Offset(20), true).unwrap().bytes;
        let copy = held.to_vec();
        // Three batches a segment, two segments to be one.
        log.update_config(LogConfig { segment_bytes: 600, ..log.config().clone() });
        let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
        let dirty_end = log.clean_plan(NOW).unwrap().unwrap().first_uncleanable.0;
        let cleaned = task.run(&mut |_| {}).unwrap();
        log.increment_log_start_offset(Offset(start)).unwrap();
        let stats = log.finish_clean(cleaned).unwrap();
        assert!(stats.replaced);
        assert_eq!(held, copy, "bytes read before stay readable");
        let expected: Vec<_> = (0..20).filter(|at| *at >= (dirty_end - 6).max(start)).collect();
        let found: Vec<_> = offsets(&log).into_iter().filter(|at| *at >= start).collect();
        assert_eq!(found, expected, "from {start}");
        drop(log);
        let log_start_offset = Offset(start);
        let log = Log::open(LogOptions { log_start_offset, ..options(&disk, config()) }).unwrap();
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (log_start_offset, Offset(20)));
    }
}

#[test]
fn damaged_batches_are_not_given_a_new_checksum() {
    let disk = MemoryDisk::new();
    let mut log = compacted(&disk, config());
    put(&mut log, &[1, 2]);
    put(&mut log, &[2]);
    log.roll(NOW).unwrap();
    let path = log.dir().join("00000000000000000000.log");
    disk.damage(&path, |bytes| bytes[HEADER_SIZE + 8] ^= 1);
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    assert!(matches!(task.run(&mut |_| {}), Err(StorageError::Corrupt { .. })));
    assert!(!names(&disk, &log).iter().any(|name| name.ends_with(".cleaned")));
}

#[test]
fn on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let here = |clean| LogOptions {
        disk: Arc::new(crate::disk::RealDisk),
        dir: folder.path().join("t-0"),
        clean,
        ..options(&MemoryDisk::new(), LogConfig { segment_bytes: 5000, ..config() })
    };
    let mut log = Log::open(here(false)).unwrap();
    eager(&mut log);
    (0..1000).for_each(|key| put(&mut log, &[key % 50]));
    let held = log.read(Offset(0), 1000, Offset(20), true).unwrap().bytes;
    let copy = held.to_vec();
    let mut bytes = 0;
    log.roll(NOW).unwrap();
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    let stats = log.finish_clean(task.run(&mut |count| bytes += count).unwrap()).unwrap();
    assert_eq!(bytes as u64, 2 * stats.bytes_before + stats.bytes_after, "read twice, written once");
    assert_eq!(held, copy);
    assert_eq!(offsets(&log), (950..1000).collect::<Vec<_>>());
    log.close().unwrap();
    for clean in [true, false] {
        let log = Log::open(here(clean)).unwrap();
        assert_eq!(offsets(&log), (950..1000).collect::<Vec<_>>());
        assert_eq!(log.log_end_offset(), Offset(1000));
    }
}
