//! Crashes: what is torn goes, all before it stays, and the state is what it was.

use super::*;
use crate::disk::Disk;

/// What must be the same after a restart.
fn state(log: &Log) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        values(log, log.log_start_offset()),
        (log.log_start_offset(), log.log_end_offset(), log.last_stable_offset()),
        log.active_producers(),
        log.aborted_transactions(Offset(0), log.log_end_offset()).unwrap(),
        log.epochs.entries().to_vec(),
        log.offset_for_timestamp(NOW).unwrap(),
    )
}

/// Data, idempotent and transactional producers, aborts, an open transaction, two epochs, several segments.
fn busy_log(disk: &MemoryDisk) -> Log {
    let mut log = open(disk, small_segments());
    append(&mut log, plain(&["a", "b"]), as_client());
    append(&mut log, stamped(&["c"], &stamp(1, 0, 0)), as_client());
    append(&mut log, stamped(&["d"], &transactional(2, 0, 0)), in_transaction());
    append(&mut log, stamped(&["e", "f"], &stamp(1, 0, 1)), as_client());
    append(&mut log, marker(2, 0, ControlKind::Abort), as_coordinator());
    append(&mut log, stamped(&["g"], &transactional(3, 1, 0)), in_transaction());
    append(&mut log, stamped(&["h"], &transactional(2, 1, 0)), in_transaction());
    append(&mut log, marker(3, 1, ControlKind::Commit), as_coordinator());
    let newer = AppendOptions { leader_epoch: LeaderEpoch(2), ..as_client() };
    append(&mut log, plain(&["i"]), newer);
    append(&mut log, stamped(&["j"], &stamp(1, 0, 3)), newer);
    assert!(log.segment_count() >= 3);
    log
}

#[test]
fn a_killed_process_loses_nothing() {
    let disk = MemoryDisk::new();
    let log = busy_log(&disk);
    let before = state(&log);
    drop(log);
    let log = open(&disk, small_segments());
    assert_eq!(state(&log), before);
}

#[test]
fn the_same_on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let here = |clean| LogOptions {
        disk: Arc::new(crate::disk::RealDisk),
        dir: folder.path().join("t-0"),
        clean,
        ..options(&MemoryDisk::new(), small_segments())
    };
    let mut log = Log::open(here(false)).unwrap();
    for value in 0..50 {
        append(&mut log, plain(&[&format!("value {value}")]), as_client());
    }
    append(&mut log, stamped(&["x"], &transactional(1, 0, 0)), in_transaction());
    append(&mut log, marker(1, 0, ControlKind::Abort), as_coordinator());
    let before = state(&log);
    let held = log.read(Offset(40), 1000, Offset(50), true).unwrap().bytes;
    let copy = held.to_vec();
    drop(log);
    let mut log = Log::open(here(false)).unwrap();
    assert_eq!(state(&log), before);
    log.close().unwrap();
    drop(log);
    let mut log = Log::open(here(true)).unwrap();
    assert_eq!(state(&log), before);
    log.truncate_to(Offset(41), NOW).unwrap();
    assert_eq!(values(&log, Offset(0)).len(), 41);
    std::fs::remove_dir_all(log.delete().unwrap()).unwrap();
    assert_eq!(held, copy);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_closed_log_opens_as_it_was() {
    let disk = MemoryDisk::new();
    let mut log = busy_log(&disk);
    let before = state(&log);
    log.close().unwrap();
    drop(log);
    disk.crash(|_, _| 0);
    let files = disk.files();
    let log = Log::open(LogOptions { clean: true, ..options(&disk, small_segments()) }).unwrap();
    assert_eq!(state(&log), before);
    assert_eq!(log.recovery_point(), log.log_end_offset());
    let untouched = |(path, bytes): (&PathBuf, &Vec<u8>)| files.get(path) == Some(bytes);
    assert!(disk.files().iter().all(untouched), "opening a clean log changes no file");
    // Recovery comes to the same result, and rebuilds the same indexes.
    drop(log);
    let log = open(&disk, small_segments());
    assert_eq!(state(&log), before);
}

#[test]
fn recovered_indexes_are_those_that_were_written() {
    let disk = MemoryDisk::new();
    let mut log = busy_log(&disk);
    log.close().unwrap();
    drop(log);
    let before = disk.files();
    let paths = before.keys().filter(|path| path.to_str().unwrap().contains("index"));
    for path in paths.clone() {
        disk.damage(path, |bytes| bytes.clear());
    }
    drop(open(&disk, small_segments()));
    let after = disk.files();
    for path in paths {
        assert_eq!(after.get(path), before.get(path), "{}", path.display());
    }
}

#[test]
fn a_torn_last_batch_is_cut_off_at_every_byte() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig::default());
    append(&mut log, stamped(&["a", "b"], &stamp(1, 0, 0)), as_client());
    append(&mut log, stamped(&["c"], &transactional(2, 0, 0)), in_transaction());
    let kept = log.size_in_bytes() as usize;
    let before = state(&log);
    append(&mut log, marker(2, 0, ControlKind::Abort), as_coordinator());
    let path = log.dir().join("00000000000000000000.log");
    let whole = disk.read(&path).unwrap();
    drop(log);
    for length in kept..whole.len() {
        let mut torn = whole[..length].to_vec();
        disk.damage(&path, |bytes| *bytes = torn.clone());
        let mut log = open(&disk, LogConfig::default());
        assert_eq!(state(&log), before, "cut at {length}");
        assert_eq!(log.size_in_bytes() as usize, kept);
        assert_eq!(append(&mut log, plain(&["x"]), as_client()).base_offset, Offset(3));
        drop(log);
        // As long as it should be, but the end was never written.
        torn.resize(whole.len(), 0xee);
        disk.damage(&path, |bytes| *bytes = torn);
        assert_eq!(state(&open(&disk, LogConfig::default())), before, "garbage from {length}");
    }
}

#[test]
fn damage_in_the_middle_takes_all_that_follows() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, small_segments());
    for value in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        append(&mut log, plain(&[value]), as_client());
    }
    let second = log.segments.keys().nth(1).copied().unwrap();
    let path = log.dir().join(format!("{:020}.log", second.0));
    drop(log);
    disk.damage(&path, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let log = open(&disk, small_segments());
    assert_eq!(log.segments.keys().last(), Some(&second));
    assert_eq!(values(&log, Offset(0)).len() as i64, log.log_end_offset().0);
    assert!(log.log_end_offset() > second);
}

#[test]
fn what_was_flushed_survives_the_loss_of_all_else() {
    let disk = MemoryDisk::new();
    let mut log = busy_log(&disk);
    log.flush().unwrap();
    let before = state(&log);
    let point = log.recovery_point();
    let newer = AppendOptions { leader_epoch: LeaderEpoch(2), ..as_client() };
    append(&mut log, plain(&["lost"; 3]), newer);
    append(&mut log, plain(&["lost"]), newer);
    drop(log);
    disk.crash(|_, unsynced| unsynced / 2);
    let log = Log::open(LogOptions { recovery_point: point, ..options(&disk, small_segments()) }).unwrap();
    assert_eq!(state(&log), before);
}

#[test]
fn a_damaged_snapshot_is_passed_over() {
    let disk = MemoryDisk::new();
    let log = busy_log(&disk);
    let before = state(&log);
    drop(log);
    let snapshots: Vec<_> =
        disk.files().into_keys().filter(|path| path.extension().is_some_and(|end| end == "snapshot")).collect();
    assert!(!snapshots.is_empty());
    disk.damage(snapshots.last().unwrap(), |bytes| bytes[8] ^= 1);
    assert_eq!(state(&open(&disk, small_segments())), before);
}

#[test]
fn leftovers_of_deletion_and_compaction_are_settled() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, small_segments());
    for value in ["a", "b", "c", "d", "e", "f"] {
        append(&mut log, plain(&[value]), as_client());
    }
    let dir = log.dir().to_owned();
    let first = disk.read(&dir.join("00000000000000000000.log")).unwrap();
    let before = values(&log, Offset(0));
    drop(log);
    // A compaction that kept everything of the first segment, and was to be named when the process died.
    disk.write_atomic(&dir.join("00000000000000000000.log.swap"), &first).unwrap();
    for name in ["00000000000000000007.log.cleaned", "00000000000000000000.index.deleted", "00000000000000000099.index"]
    {
        disk.write_atomic(&dir.join(name), b"x").unwrap();
    }
    let log = Log::open(LogOptions { clean: true, ..options(&disk, small_segments()) }).unwrap();
    assert_eq!(values(&log, Offset(0)), before);
    let names: Vec<_> = disk.list(&dir).unwrap().into_iter().map(|entry| entry.name).collect();
    let known = [".log", ".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint"];
    assert!(names.iter().all(|name| known.iter().any(|end| name.ends_with(end))), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("99")), "{names:?}");
}

#[test]
fn a_topic_id_is_kept_and_checked() {
    let disk = MemoryDisk::new();
    let id = TopicId(uuid::Uuid::from_u128(7));
    drop(Log::open(LogOptions { topic_id: Some(id), ..options(&disk, LogConfig::default()) }).unwrap());
    assert_eq!(open(&disk, LogConfig::default()).topic_id(), Some(id));
    let other = Some(TopicId(uuid::Uuid::from_u128(8)));
    assert!(Log::open(LogOptions { topic_id: other, ..options(&disk, LogConfig::default()) }).is_err());
}

#[test]
fn a_deleted_log_leaves_nothing() {
    let disk = MemoryDisk::new();
    let mut log = busy_log(&disk);
    let gone = log.delete().unwrap();
    assert!(is_deleted_dir(&gone.file_name().unwrap().to_string_lossy()));
    disk.remove_dir_all(&gone).unwrap();
    assert!(disk.files().is_empty());
    assert!(log.append(plain(&["x"]), as_client()).is_err());
}

#[test]
fn truncation_takes_state_back() {
    let disk = MemoryDisk::new();
    let mut log = busy_log(&disk);
    // Offset 4 is "e", in the batch that begins there.
    log.truncate_to(Offset(5), NOW).unwrap();
    assert_eq!(log.log_end_offset(), Offset(4), "the batch that contains it goes as a whole");
    assert_eq!(log.last_stable_offset(), Offset(3));
    assert!(log.has_ongoing_transaction(ProducerId(2)), "its marker is gone");
    assert_eq!(log.aborted_transactions(Offset(0), Offset(99)).unwrap(), []);
    assert_eq!(append(&mut log, stamped(&["e"], &stamp(1, 0, 1)), as_client()).base_offset, Offset(4));
    let before = state(&log);
    drop(log);
    let mut log = open(&disk, small_segments());
    assert_eq!(state(&log), before);
    log.truncate_fully_and_start_at(Offset(100), NOW).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset(), log.segment_count()), (Offset(100), Offset(100), 1));
    assert!(log.active_producers().is_empty());
    assert_eq!(append(&mut log, plain(&["x"]), as_client()).base_offset, Offset(100));
}

/// The last index entries of a sealed segment were once lost although its batches were flushed.
#[test]
fn index_entries_written_on_rolling_survive_a_kill_and_a_crash() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, small_segments());
    append(&mut log, plain(&["a"]), as_client());
    log.flush().unwrap();
    log.roll(NOW).unwrap();
    let opened_at = |recovery_point| LogOptions { recovery_point, ..options(&disk, small_segments()) };
    let point = log.recovery_point();
    drop(log);
    let mut log = Log::open(opened_at(point)).unwrap();
    log.flush().unwrap();
    let point = log.recovery_point();
    drop(log);
    disk.crash(|_, _| 0);
    let log = Log::open(opened_at(point)).unwrap();
    assert_eq!(values(&log, Offset(0)), [(0, "a".to_owned())]);
    assert_eq!(log.offset_for_timestamp(NOW).unwrap().map(|(offset, _, _)| offset), Some(Offset(0)));
}
