//! What a sync saves, and what may be shown before it.

use std::path::Path;

use super::*;
use crate::disk::{Disk, FaultyDisk};

fn syncing(messages: i64) -> LogConfig {
    LogConfig { flush_messages: messages, ..small_segments() }
}

fn sync(log: &mut Log) {
    let done = log.prepare_sync().unwrap().run().unwrap();
    log.flushed(done);
}

#[test]
fn a_sync_saves_every_batch_whatever_segment_it_is_in() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, syncing(1));
    for value in ["a", "b", "c", "d", "e", "f"] {
        append(&mut log, plain(&[value]), as_client());
    }
    assert!(log.segment_count() > 1, "the test is about several files");
    sync(&mut log);
    assert_eq!((log.durable_offset(), log.recovery_point()), (Offset(6), Offset(0)));
    append(&mut log, plain(&["lost"]), as_client());
    disk.crash(|_, _| 0);
    let log = open(&disk, syncing(1));
    assert_eq!(values(&log, Offset(0)).into_iter().map(|(_, value)| value).collect::<String>(), "abcdef");
}

#[test]
fn a_sync_saves_a_segment_that_began_after_the_last_one() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, syncing(1));
    append(&mut log, plain(&["a"]), as_client());
    sync(&mut log);
    log.roll(NOW).unwrap();
    append(&mut log, plain(&["b"]), as_client());
    sync(&mut log);
    disk.crash(|_, _| 0);
    assert_eq!(values(&open(&disk, syncing(1)), Offset(0)), [(0, "a".into()), (1, "b".into())]);
}

#[test]
fn with_n_messages_fewer_than_n_are_released_before_they_are_on_disk() {
    let mut log = new_log(syncing(3));
    let mut released = Vec::new();
    for value in ["a", "b", "c", "d"] {
        log.append(plain(&[value]), as_client()).unwrap();
        released.push((log.releasable_offset().0, log.sync_due()));
    }
    assert_eq!(released, [(1, false), (2, false), (0, true), (0, true)]);
    let task = log.prepare_sync().unwrap();
    log.append(plain(&["e"]), as_client()).unwrap();
    let done = task.run().unwrap();
    log.flushed(done);
    assert_eq!((log.durable_offset(), log.releasable_offset(), log.sync_due()), (Offset(4), Offset(5), false));
}

#[test]
fn without_the_setting_all_is_released_and_nothing_is_due() {
    let mut log = new_log(small_segments());
    log.append(plain(&["a", "b"]), as_client()).unwrap();
    assert_eq!((log.releasable_offset(), log.sync_due(), log.syncs_before_release()), (Offset(2), false, false));
}

#[test]
fn what_a_killed_process_left_is_synced_before_anybody_sees_it() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, syncing(1));
    append(&mut log, plain(&["a"]), as_client());
    drop(log);
    let again = open(&disk, syncing(1));
    assert_eq!((again.high_watermark(), again.durable_offset()), (Offset(1), Offset(1)));
    disk.crash(|_, _| 0);
    assert_eq!(values(&open(&disk, syncing(1)), Offset(0)), [(0, "a".into())]);
}

#[test]
fn a_sync_from_before_a_cut_says_nothing_of_what_came_after() {
    let mut log = new_log(syncing(1));
    append(&mut log, plain(&["a"]), as_client());
    append(&mut log, plain(&["b"]), as_client());
    let task = log.prepare_sync().unwrap();
    log.truncate_to(Offset(1), NOW).unwrap();
    append(&mut log, plain(&["c"]), as_client());
    let done = task.run().unwrap();
    log.flushed(done);
    assert_eq!(log.durable_offset(), Offset(0));
}

#[test]
fn the_time_alone_makes_a_sync_due() {
    let mut log = new_log(LogConfig { flush_ms: 500, ..LogConfig::default() });
    assert!(!log.sync_overdue(NOW.plus_ms(10_000)), "nothing to sync");
    log.note_flush_time(NOW);
    append(&mut log, plain(&["a"]), as_client());
    assert!(!log.sync_overdue(NOW.plus_ms(499)));
    assert!(log.sync_overdue(NOW.plus_ms(500)));
    sync(&mut log);
    assert!(!log.sync_overdue(NOW.plus_ms(500)));
}

#[test]
fn after_a_failed_sync_nothing_is_synced_or_written() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, syncing(1));
    append(&mut log, plain(&["a"]), as_client());
    log.flush_failed();
    assert!(log.prepare_sync().is_err() && log.prepare_flush().is_err() && log.close().is_err());
    assert!(log.append(plain(&["b"]), as_client()).is_err());
    assert!(disk.exists(log.dir()).unwrap());
}

#[test]
fn closing_syncs_only_what_is_not_on_disk() {
    let memory = MemoryDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    let at = |clean| {
        let from = LogOptions { disk: Arc::new(disk.clone()), ..options(&memory, small_segments()) };
        Log::open(LogOptions { clean, ..from }).unwrap()
    };
    let syncs_of_close = |mut log: Log| {
        let before = disk.syncs(Path::new("/"));
        log.close().unwrap();
        disk.syncs(Path::new("/")) - before
    };
    assert_eq!(syncs_of_close(at(false)), 0, "it is empty");
    let mut log = at(true);
    append(&mut log, plain(&["a"]), as_client());
    assert!(syncs_of_close(log) > 0);
    assert_eq!(syncs_of_close(at(true)), 0, "nothing has changed since the last closing");
    // Nobody knows what a killed process has left to the system to write.
    assert!(syncs_of_close(at(false)) > 0);
    let mut log = at(true);
    log.truncate_to(Offset(0), NOW).unwrap();
    assert!(syncs_of_close(log) > 0, "it was cut");
}
