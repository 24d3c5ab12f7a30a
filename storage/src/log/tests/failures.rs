//! Failing and full disks, one case at a time; most were found by the model in `tests/model` first.

use super::*;
use crate::disk::{Disk, Fault, FaultPlan, FaultyDisk};

const DIR: &str = "/data/t-0";

fn faulty() -> (MemoryDisk, FaultyDisk) {
    let memory = MemoryDisk::new();
    (memory.clone(), FaultyDisk::over_memory(memory))
}

fn open_on(disk: &FaultyDisk, recovery_point: i64) -> Log {
    try_open(disk, recovery_point).unwrap()
}

fn try_open(disk: &FaultyDisk, recovery_point: i64) -> Result<Log, StorageError> {
    let options = options(&MemoryDisk::new(), small_segments());
    Log::open(LogOptions { disk: Arc::new(disk.clone()), recovery_point: Offset(recovery_point), ..options })
}

fn dir() -> PathBuf {
    PathBuf::from(DIR)
}

fn full(log: &mut Log, value: &str) {
    match log.append(plain(&[value]), as_client()).unwrap_err() {
        AppendError::Storage(error) => assert!(error.is_full(), "{error}"),
        other => panic!("{other}"),
    }
}

fn text(log: &Log) -> String {
    values(log, log.log_start_offset()).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    let (memory, disk) = faulty();
    let mut log = open_on(&disk, 0);
    append(&mut log, plain(&["a"]), as_client());
    let before = memory.files();
    // Room for half a batch: a short write, which must not stay.
    disk.set_space(&dir(), 40);
    full(&mut log, "x");
    assert_eq!(memory.files(), before);
    assert_eq!((text(&log), log.log_end_offset(), log.is_broken()), ("a".into(), Offset(1), false));
    disk.heal_all();
    append(&mut log, plain(&["b"]), as_client());
    drop(log);
    assert_eq!(text(&open_on(&disk, 0)), "ab");
}

#[test]
fn a_short_write_that_cannot_be_cut_back_breaks_the_log() {
    let (_, disk) = faulty();
    let mut log = open_on(&disk, 0);
    append(&mut log, plain(&["a"]), as_client());
    disk.inject(&dir(), Fault::WriteFails);
    assert!(log.append(plain(&["x"]), as_client()).is_err());
    disk.heal_all();
    assert!(log.is_broken(), "half a batch is in the file");
    assert!(matches!(log.append(plain(&["y"]), as_client()), Err(AppendError::Storage(StorageError::Broken { .. }))));
    assert!(log.close().is_err() && log.flush().is_err());
    assert_eq!(text(&log), "a", "reads go on");
    drop(log);
    let mut log = open_on(&disk, 0);
    append(&mut log, plain(&["b"]), as_client());
    assert_eq!(text(&log), "ab");
}

#[test]
fn a_roll_that_fails_leaves_no_half_segment() {
    // Whichever operation of the roll fails.
    for skip in 0..12 {
        let (memory, disk) = faulty();
        let mut log = open_on(&disk, 0);
        append(&mut log, plain(&["a"]), as_client());
        disk.inject_window(&dir(), Fault::Full, skip, 1);
        let failed = log.roll(NOW).is_err();
        disk.heal_all();
        assert_eq!(log.segment_count(), if failed { 1 } else { 2 });
        let stray = dir().join("00000000000000000001.log");
        assert_eq!(memory.exists(&stray).unwrap(), !failed, "operation {skip}");
        append(&mut log, plain(&["b"]), as_client());
        log.close().unwrap();
        drop(log);
        let options = LogOptions { disk: Arc::new(disk.clone()), clean: true, ..options(&memory, small_segments()) };
        assert_eq!(text(&Log::open(options).unwrap()), "ab", "operation {skip}");
        assert!(failed || skip >= 2, "a roll writes");
    }
}

#[test]
fn an_epoch_that_could_not_be_written_is_written_with_the_next_batch() {
    let (memory, disk) = faulty();
    let mut log = open_on(&disk, 0);
    let epoch = AppendOptions { leader_epoch: LeaderEpoch(4), ..as_client() };
    disk.inject_window(&dir(), Fault::Full, 0, 1);
    assert!(log.append(plain(&["x"]), epoch).is_err());
    assert_eq!(log.latest_epoch(), None);
    append(&mut log, plain(&["a"]), epoch);
    assert_eq!(memory.read(&dir().join("leader-epoch-checkpoint")).unwrap(), b"0\n1\n4 0\n");
}

#[test]
fn index_entries_wait_while_the_disk_is_full() {
    let (memory, disk) = faulty();
    let config = LogConfig { index_interval_bytes: 1, ..LogConfig::default() };
    let mut log = Log::open(LogOptions { disk: Arc::new(disk.clone()), ..options(&memory, config.clone()) }).unwrap();
    let index = dir().join("00000000000000000000.index");
    disk.set_space(&index, 0);
    // More entries than wait before they are written.
    (0..600).for_each(|_| _ = append(&mut log, plain(&["v"]), as_client()));
    assert!(memory.read(&index).unwrap().is_empty());
    assert!(log.flush().unwrap_err().is_full() && !log.is_broken());
    disk.heal_all();
    log.flush().unwrap();
    assert_eq!(memory.read(&index).unwrap().len(), 599 * 8);
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let (_, disk) = faulty();
    let mut log = open_on(&disk, 0);
    append(&mut log, plain(&["a"]), as_client());
    disk.inject_window(&dir(), Fault::SyncFails, 0, 1);
    assert!(log.flush().unwrap_err().is_disk_failure());
    assert!(log.flush().is_err() && log.close().is_err(), "the second sync would succeed, and lie");
    assert_eq!((log.recovery_point(), log.durable_offset()), (Offset(0), Offset(0)));
    assert_eq!(text(&log), "a");
}

#[test]
fn what_a_failed_sync_dropped_is_written_anew() {
    let (memory, disk) = faulty();
    let mut log = open_on(&disk, 0);
    append(&mut log, plain(&["a"]), as_client());
    disk.inject_window(&dir(), Fault::SyncFails, 0, 1);
    log.flush().unwrap_err();
    drop(log);
    // The process starts again; the system still shows what it never wrote.
    let mut log = open_on(&disk, 0);
    append(&mut log, plain(&["b"]), as_client());
    log.flush().unwrap();
    drop(log);
    memory.crash(|_, _| 0);
    assert_eq!(text(&open_on(&disk, 2)), "ab");
    assert!(!memory.exists(&dir().join("sync-failed")).unwrap());
}

#[test]
fn a_truncation_that_fails_breaks_the_log() {
    for skip in 0..4 {
        let (_, disk) = faulty();
        let mut log = open_on(&disk, 0);
        ["a", "b", "c", "d", "e", "f"].iter().for_each(|value| _ = append(&mut log, plain(&[value]), as_client()));
        disk.inject_window(&dir(), Fault::WriteFails, skip, 1);
        assert!(log.truncate_to(Offset(1), NOW).is_err());
        disk.heal_all();
        assert!(log.is_broken());
        assert!(log.read(Offset(0), 1000, Offset(6), true).is_err(), "records might be passed over");
        drop(log);
        let log = open_on(&disk, 0);
        assert!("abcdef".starts_with(&text(&log)) && !text(&log).is_empty(), "{}", text(&log));
    }
}

#[test]
fn a_truncation_shows_what_was_stable() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig::default());
    append(&mut log, stamped(&["a"], &transactional(1, 0, 0)), in_transaction());
    append(&mut log, marker(1, 0, ControlKind::Abort), as_coordinator());
    append(&mut log, plain(&["b"]), as_client());
    append(&mut log, plain(&["c"]), as_client());
    log.truncate_to(Offset(3), NOW).unwrap();
    assert_eq!(log.last_stable_offset(), Offset(3), "the transaction has ended");
}

#[test]
fn no_snapshot_outlives_the_log_that_it_speaks_of() {
    // Wherever a full truncation is interrupted, the log is the old one, or a new one that knows of no transaction.
    for skip in 0..20 {
        let (_, disk) = faulty();
        let mut log = open_on(&disk, 0);
        append(&mut log, stamped(&["a"], &transactional(1, 0, 0)), in_transaction());
        log.roll(NOW).unwrap();
        append(&mut log, plain(&["b"]), as_client());
        disk.inject_window(&dir(), Fault::EverythingFails, skip, 1);
        let _ = log.truncate_fully_and_start_at(Offset(2), NOW);
        disk.heal_all();
        drop(log);
        let log = open_on(&disk, 0);
        if log.log_start_offset() == Offset(2) {
            assert!(log.active_producers().is_empty(), "operation {skip}");
            assert_eq!(log.last_stable_offset(), Offset(2));
        }
    }
}

#[test]
fn a_rebuilt_index_is_whole_or_not_there() {
    for skip in 0..8 {
        let (memory, disk) = faulty();
        let mut log = open_on(&disk, 0);
        append(&mut log, at_time(NOW.0, "a"), as_client());
        append(&mut log, at_time(NOW.0 + 5, "b"), as_client());
        log.roll(NOW).unwrap();
        append(&mut log, at_time(NOW.0 + 9, "c"), as_client());
        log.flush().unwrap();
        drop(log);
        for ending in ["index", "timeindex"] {
            memory.remove_file(&dir().join("00000000000000000000").with_extension(ending)).unwrap();
        }
        disk.inject_window(&dir(), Fault::Full, skip, 1);
        let failed = try_open(&disk, 3).is_err();
        disk.heal_all();
        let log = open_on(&disk, 3);
        let found = log.offset_for_timestamp(NOW.plus_ms(5)).unwrap().map(|(offset, _, _)| offset);
        assert_eq!(found, Some(Offset(1)), "operation {skip} failed: {failed}");
    }
}

#[test]
fn deleted_segments_that_are_back_do_not_hide_what_follows() {
    // Two segments are deleted; a crash undoes the first removal and not the second.
    let memory = MemoryDisk::new();
    let config = LogConfig { file_delete_delay_ms: 0, ..small_segments() };
    let mut log = open(&memory, config.clone());
    for value in ["a", "b", "c"] {
        append(&mut log, plain(&[value]), as_client());
        log.roll(NOW).unwrap();
    }
    append(&mut log, plain(&["d"]), as_client());
    log.flush().unwrap();
    let first = memory.read(&dir().join("00000000000000000000.log")).unwrap();
    log.increment_log_start_offset(Offset(2)).unwrap();
    drop(log);
    memory.write_atomic(&dir().join("00000000000000000000.log"), &first).unwrap();
    let log = open(&memory, config);
    assert_eq!((text(&log), log.log_start_offset()), ("cd".into(), Offset(2)));
}

#[test]
fn what_recovery_cuts_is_told() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig::default());
    append(&mut log, plain(&["a"]), as_client());
    let size = log.size_in_bytes();
    drop(log);
    assert!(open(&disk, LogConfig::default()).cuts().is_empty());
    let path = dir().join("00000000000000000000.log");
    disk.damage(&path, |bytes| bytes.extend([7; 100]));
    let log = open(&disk, LogConfig::default());
    let [cut] = log.cuts() else { panic!("{:?}", log.cuts()) };
    assert_eq!((&cut.file, cut.position, cut.bytes, cut.end), (&path, size, 100, Offset(1)));
    let told = cut.to_string();
    assert!(told.contains("cut off 100 bytes") && told.contains("00000000000000000000.log"), "{told}");
    assert_eq!((text(&log), log.size_in_bytes()), ("a".into(), size));
}

#[test]
fn recovery_reads_only_what_lies_beyond_the_recovery_point() {
    let (memory, disk) = faulty();
    let mut log = open_on(&disk, 0);
    (0..40).for_each(|at| _ = append(&mut log, plain(&[&format!("value {at}")]), as_client()));
    log.flush().unwrap();
    let point = log.recovery_point();
    append(&mut log, plain(&["last"]), as_client());
    let last = log.segments.keys().next_back().copied().unwrap();
    assert!(log.segment_count() > 8);
    drop(log);
    disk.forget_counts();
    let log = open_on(&disk, point.0);
    assert_eq!(log.log_end_offset(), Offset(41));
    for path in memory.files().into_keys().filter(|path| path.extension().is_some_and(|end| end == "log")) {
        let beyond = path == dir().join(format!("{:020}.log", last.0));
        assert_eq!(disk.bytes_read(&path) > 0, beyond, "{}", path.display());
    }
    // Without a recovery point it is all read.
    drop(log);
    disk.forget_counts();
    drop(open_on(&disk, 0));
    assert!(disk.bytes_read(&dir()) > memory.files().values().map(|bytes| bytes.len() as u64).sum::<u64>() / 2);
}

#[test]
fn the_same_plan_crashes_in_the_same_way() {
    let run = |seed| {
        let disk = MemoryDisk::with_page_size(16);
        let mut log = open(&disk, small_segments());
        (0..10).for_each(|at| _ = append(&mut log, plain(&[&format!("value {at}")]), as_client()));
        disk.crash_by(&mut FaultPlan::from_seed(seed));
        disk.files()
    };
    assert_eq!(run(5), run(5));
    assert!((0..20).any(|seed| run(seed) != run(5)));
}

#[test]
fn what_recovery_has_cut_off_stays_away() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig::default());
    append(&mut log, plain(&["a"]), as_client());
    log.flush().unwrap();
    append(&mut log, plain(&["b"]), as_client());
    append(&mut log, plain(&["c"]), as_client());
    log.flush().unwrap();
    let path = dir().join("00000000000000000000.log");
    let whole = disk.read(&path).unwrap();
    drop(log);
    // The second batch is damaged; the third is whole, and would follow on another second one.
    disk.damage(&path, |bytes| bytes[whole.len() / 3 + 65] ^= 1);
    let mut log = open(&disk, LogConfig::default());
    assert_eq!(text(&log), "a");
    append(&mut log, plain(&["x"]), as_client());
    drop(log);
    disk.crash(|_, _| 0);
    assert_eq!(disk.read(&path).unwrap().len(), whole.len() / 3, "the cut is durable");
}

#[test]
fn offsets_are_not_given_out_again_after_everything_was_deleted() {
    let memory = MemoryDisk::new();
    let config = LogConfig { file_delete_delay_ms: 0, ..small_segments() };
    let mut log = open(&memory, config.clone());
    append(&mut log, plain(&["a"]), as_client());
    log.flush().unwrap();
    log.roll(NOW).unwrap();
    log.increment_log_start_offset(Offset(1)).unwrap();
    drop(log);
    // The removal of the first segment survives, and not the name of the second one, if it is left to chance.
    for seed in 0..50 {
        memory.crash_by(&mut FaultPlan::from_seed(seed));
        assert_eq!(open(&memory, config.clone()).log_end_offset(), Offset(1), "seed {seed}");
    }
}

/// Segments of 16 MB with an index entry every 4 KB, as Kafka's defaults have it.
fn large_segments() -> LogConfig {
    LogConfig { segment_bytes: 16 << 20, ..LogConfig::default() }
}

fn kilobyte(sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(NOW.plus_ms(i64::from(sequence)), Some(b"k"), Some(&[b'x'; 950]), &[]);
    builder.finish(&stamp(7, 0, sequence))
}

#[test]
fn recovery_reads_a_segment_from_the_recovery_point_on() {
    let (memory, disk) = faulty();
    let on_disk = |point: Offset| LogOptions {
        disk: Arc::new(disk.clone()),
        recovery_point: point,
        ..options(&memory, large_segments())
    };
    let mut log = Log::open(on_disk(Offset::ZERO)).unwrap();
    (0..10_000).for_each(|at| _ = append(&mut log, kilobyte(at), as_client()));
    log.flush().unwrap();
    let point = log.recovery_point();
    (10_000..10_003).for_each(|at| _ = append(&mut log, kilobyte(at), as_client()));
    assert!(log.size_in_bytes() > 10_000_000 && log.segment_count() == 1);
    let producers = log.active_producers();
    drop(log);
    let files = memory.files();
    disk.forget_counts();
    let log = Log::open(on_disk(point)).unwrap();
    let read = disk.bytes_read(&dir());
    assert!(read < 100_000, "{read} bytes were read");
    assert_eq!((log.log_end_offset(), log.active_producers()), (Offset(10_003), producers));
    drop(log);
    // Recovery of the whole segment makes the same indexes.
    let short: Vec<_> =
        memory.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains("index")).collect();
    drop(Log::open(on_disk(Offset::ZERO)).unwrap());
    for (path, content) in short {
        assert_eq!(memory.files()[&path], content, "{}", path.display());
    }
    // An index that is not in order is not relied on.
    for (index, entry) in [("index", 8), ("timeindex", 12)] {
        for damage in [0usize, 1, 2, 3] {
            let path = dir().join(format!("00000000000000000000.{index}"));
            memory.damage(&path, |bytes| {
                *bytes = files[&path].clone();
                match damage {
                    0 => bytes.clear(),
                    1 => bytes.truncate(bytes.len() / 2 / entry * entry),
                    2 => bytes[100 * entry..].fill(0),
                    _ => bytes[100 * entry..].fill(0xee),
                }
            });
            let log = Log::open(on_disk(point)).unwrap();
            assert_eq!(log.log_end_offset(), Offset(10_003));
            let found = log.offset_for_timestamp(NOW.plus_ms(7_777)).unwrap().map(|(offset, ..)| offset);
            assert_eq!(found, Some(Offset(7_777)), "{index}, damage {damage}");
        }
    }
}
