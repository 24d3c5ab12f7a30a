//! The bytes of the files beside the batches, computed by hand.

use super::*;
use crate::disk::Disk;

#[test]
fn index_files_are_kafkas() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig { index_interval_bytes: 100, ..LogConfig::default() });
    let size = at_time(1, "v").len();
    assert!((50..100).contains(&size));
    for time in [10, 40, 30, 50, 20] {
        append(&mut log, at_time(time, "v"), as_client());
    }
    log.close().unwrap();
    // Bytes since the last entry exceed 100 before the third and before the fifth batch.
    let position = |at: usize| ((at * size) as u32).to_be_bytes();
    let expected = [&2i32.to_be_bytes()[..], &position(2), &4i32.to_be_bytes(), &position(4)].concat();
    assert_eq!(disk.read(&log.dir().join("00000000000000000000.index")).unwrap(), expected);
    // The largest time so far with its offset: 40 at 1, then 50 at 3; nothing newer at the end.
    let entry = |time: i64, offset: i32| [&time.to_be_bytes()[..], &offset.to_be_bytes()].concat();
    let expected = [entry(40, 1), entry(50, 3)].concat();
    assert_eq!(disk.read(&log.dir().join("00000000000000000000.timeindex")).unwrap(), expected);
    assert!(!disk.exists(&log.dir().join("00000000000000000000.txnindex")).unwrap());
}

#[test]
fn a_closed_segment_ends_its_time_index_with_its_largest_time() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig::default());
    for time in [10, 40, 30] {
        append(&mut log, at_time(time, "v"), as_client());
    }
    log.close().unwrap();
    let expected = [&40i64.to_be_bytes()[..], &1i32.to_be_bytes()].concat();
    assert_eq!(disk.read(&log.dir().join("00000000000000000000.timeindex")).unwrap(), expected);
    assert_eq!(disk.read(&log.dir().join("00000000000000000000.index")).unwrap(), []);
}

#[test]
fn transaction_index_and_snapshot_are_kafkas() {
    let disk = MemoryDisk::new();
    let mut log = open(&disk, LogConfig::default());
    append(&mut log, stamped(&["a", "b"], &transactional(258, 3, 7)), in_transaction());
    append(&mut log, marker(258, 3, ControlKind::Abort), as_coordinator());
    append(&mut log, stamped(&["c"], &transactional(258, 3, 9)), in_transaction());
    log.close().unwrap();
    // version, producer id, first offset, last offset, last stable offset
    let expected =
        [&0i16.to_be_bytes()[..], &258i64.to_be_bytes(), &0i64.to_be_bytes(), &2i64.to_be_bytes(), &3i64.to_be_bytes()]
            .concat();
    assert_eq!(disk.read(&log.dir().join("00000000000000000000.txnindex")).unwrap(), expected);
    // producer id, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch, start of the transaction
    let entries = [
        &1i32.to_be_bytes()[..],
        &258i64.to_be_bytes(),
        &3i16.to_be_bytes(),
        &9i32.to_be_bytes(),
        &3i64.to_be_bytes(),
        &0i32.to_be_bytes(),
        &NOW.0.to_be_bytes(),
        &0i32.to_be_bytes(),
        &3i64.to_be_bytes(),
    ]
    .concat();
    let crc = crc32c::crc32c(&entries).to_be_bytes();
    let expected = [&1i16.to_be_bytes()[..], &crc, &entries].concat();
    assert_eq!(disk.read(&log.dir().join("00000000000000000004.snapshot")).unwrap(), expected);
}
