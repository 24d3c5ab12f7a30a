//! A snapshot of producers, by itself and in the folder of a log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_storage::disk::{Disk, MemoryDisk};
use forebay_storage::ids::{LeaderEpoch, Offset};
use forebay_storage::inspect::snapshot;
use forebay_storage::log::{Log, LogConfig, LogOptions};

use super::logs::{append_and_read, as_client, ask, one_record, options};
use super::tree::repair_snapshot;

/// Bit 0 of the first byte gives the snapshot the checksum of its content, bit 1 puts it at the end of a log of four records that was
/// closed in order, else in the middle of one that was not.
pub fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let mut bytes = rest.to_vec();
    if how & 1 != 0 {
        repair_snapshot(&mut bytes);
    }
    if let Ok(entries) = snapshot(&bytes) {
        assert_eq!(entries.len() * 46 + 10, bytes.len());
    }
    let (disk, dir) = (Arc::new(MemoryDisk::new()), PathBuf::from("/t-0"));
    let mut log = Log::open(options(disk.clone(), dir.clone(), LogConfig::default())).expect("an empty disk opens");
    for _ in 0..4 {
        log.append(one_record(b"value"), as_client(LeaderEpoch(0))).expect("a good batch");
    }
    log.close().expect("a disk in memory");
    drop(log);
    let clean = how & 2 != 0;
    let at = if clean { 4 } else { 2 };
    disk.write_atomic(&Path::new("/t-0").join(format!("{at:020}.snapshot")), &bytes).expect("a disk in memory");
    let opening = LogOptions { clean, recovery_point: Offset(at), ..options(disk, dir, LogConfig::default()) };
    if let Ok(mut log) = Log::open(opening) {
        assert_eq!(log.log_end_offset(), Offset(4), "a snapshot decides nothing about the records");
        ask(&log);
        append_and_read(&mut log);
    }
}
