//! Old segments go, and what goes with them.

use super::*;
use crate::disk::Disk;

/// One record each in segments of their own, at these times.
fn spread(times: &[i64], config: LogConfig) -> (MemoryDisk, Log) {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig { segment_bytes: 100, file_delete_delay_ms: 0, ..config });
    for time in times {
        append(&mut log, at_time(*time, "v"), as_client());
    }
    assert_eq!(log.segment_count(), times.len());
    (disk, log)
}

#[test]
fn by_time_of_records() {
    let (disk, mut log) = spread(&[100, 300, 200, 1000], LogConfig { retention_ms: 500, ..LogConfig::default() });
    assert_eq!(log.apply_retention(Timestamp(600)).unwrap(), 0);
    assert_eq!(log.apply_retention(Timestamp(701)).unwrap(), 1, "the second is younger and holds up the third");
    assert_eq!(log.apply_retention(Timestamp(801)).unwrap(), 2);
    assert_eq!(log.log_start_offset(), Offset(3));
    let names: Vec<_> = disk.list(log.dir()).unwrap().into_iter().map(|entry| entry.name).collect();
    assert!(!names.iter().any(|name| name.starts_with("00000000000000000002")), "{names:?}");
    // The active segment goes too when all in it is too old, after a roll.
    assert_eq!(log.apply_retention(Timestamp(1501)).unwrap(), 1);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (Offset(4), Offset(4)));
    assert_eq!(append(&mut log, at_time(2000, "v"), as_client()).base_offset, Offset(4));
}

/// A file that is held open keeps its place on the disk although its name is gone.
#[test]
fn deleted_files_are_not_held_open() {
    let (_, mut log) = spread(&[1, 2, 3, 4], LogConfig { retention_ms: -1, ..LogConfig::default() });
    let held = |log: &mut Log| log.unsynced.len() + log.producers.take_unsynced().len();
    assert!(held(&mut log) > 3, "nothing was synced yet");
    let (_, mut log) = spread(&[1, 2, 3, 4], LogConfig { retention_ms: -1, ..LogConfig::default() });
    log.increment_log_start_offset(Offset(3)).unwrap();
    let snapshots = log.producers.take_unsynced().len();
    assert_eq!((log.segment_count(), log.unsynced.len(), snapshots), (1, 0, 1), "the active segment's snapshot alone");
}

#[test]
fn by_size() {
    let one = at_time(1, "v").len() as i64;
    let (_, mut log) = spread(&[1, 2, 3, 4], LogConfig { retention_ms: -1, ..LogConfig::default() });
    log.update_config(LogConfig { retention_bytes: 2 * one + 1, retention_ms: -1, ..log.config().clone() });
    assert_eq!(log.apply_retention(NOW).unwrap(), 1);
    assert_eq!(log.size_in_bytes() as i64, 3 * one);
    log.update_config(LogConfig { delete: false, retention_bytes: 0, ..log.config().clone() });
    assert_eq!(log.apply_retention(NOW).unwrap(), 0);
}

#[test]
fn never_beyond_the_high_watermark() {
    let (_, mut log) = spread(&[1, 2, 3], LogConfig { retention_ms: 10, ..LogConfig::default() });
    log.set_high_watermark(Offset(2));
    assert_eq!(log.apply_retention(NOW).unwrap(), 2);
    assert_eq!(log.log_start_offset(), Offset(2));
}

#[test]
fn deleted_records_stay_deleted() {
    let (disk, mut log) = spread(&[1, 2, 3, 4], LogConfig { retention_ms: -1, ..LogConfig::default() });
    let held = log.read(Offset(0), 1000, Offset(1), true).unwrap().bytes;
    log.increment_log_start_offset(Offset(2)).unwrap();
    assert_eq!((log.segment_count(), log.log_start_offset()), (2, Offset(2)));
    assert_eq!(batches(held).count(), 1, "bytes read before stay readable");
    assert!(matches!(log.read(Offset(1), 10, Offset(4), true), Err(ReadError::OffsetOutOfRange { .. })));
    log.increment_log_start_offset(Offset(1)).unwrap();
    assert_eq!(log.log_start_offset(), Offset(2));
    log.increment_log_start_offset(Offset(99)).unwrap();
    assert_eq!(log.log_start_offset(), Offset(4), "at most the high watermark");
    drop(log);
    let start = Offset(4);
    let log = Log::open(LogOptions { log_start_offset: start, ..options(&disk, LogConfig::default()) }).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (start, Offset(4)));
}

#[test]
fn epochs_follow_the_start() {
    let mut log = new_log(LogConfig { segment_bytes: 100, retention_ms: -1, ..LogConfig::default() });
    for epoch in [0, 0, 3, 3] {
        append(&mut log, at_time(1, "v"), AppendOptions { leader_epoch: LeaderEpoch(epoch), ..as_client() });
    }
    log.increment_log_start_offset(Offset(3)).unwrap();
    assert_eq!(log.earliest_epoch(), Some((LeaderEpoch(3), Offset(3))));
}

#[test]
fn a_full_disk_does_not_keep_what_is_too_old() {
    use crate::disk::FaultyDisk;
    let disk = FaultyDisk::over_memory(MemoryDisk::new());
    let config = LogConfig { retention_ms: 1000, file_delete_delay_ms: 0, ..small_segments() };
    let open = || {
        let options = options(&MemoryDisk::new(), config.clone());
        Log::open(LogOptions { disk: Arc::new(disk.clone()), ..options }).unwrap()
    };
    let mut log = open();
    for _ in 0..16 {
        append(&mut log, plain(&["old"]), as_client());
    }
    assert!(log.segment_count() > 2);
    disk.set_space(log.dir(), 0);
    assert!(log.apply_retention(NOW.plus_ms(100_000)).unwrap() > 0);
    assert!(log.segment_count() <= 2 && log.log_start_offset() > Offset(0));
    // And a start finds the log as it is.
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    log.flush().unwrap();
    drop(log);
    let log = open();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (start, end));
}
