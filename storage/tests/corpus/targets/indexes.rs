//! The three indexes: as files by themselves, and beside a good log that was closed in order, so that they are believed.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_storage::disk::{Disk, MemoryDisk};
use forebay_storage::ids::{LeaderEpoch, Offset};
use forebay_storage::inspect::{abort_index, offset_index, time_index};
use forebay_storage::log::{Log, LogConfig, LogOptions};

use super::logs::{append_and_read, as_client, ask, one_record, options, read_all};

const SUFFIXES: [&str; 3] = ["index", "timeindex", "txnindex"];

/// The first byte says which of the files the rest becomes (bits 0 to 2) and whether the log was closed in order (bit 3).
pub fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let (offsets, times, aborts) = (offset_index(rest, Offset(7)), time_index(rest, Offset(7)), abort_index(rest));
    assert!(offsets.entries.len() * 8 + offsets.unused_bytes + offsets.ragged_bytes <= rest.len());
    assert!(times.entries.len() * 12 + times.unused_bytes + times.ragged_bytes <= rest.len());
    assert!(aborts.entries.len() * 34 + aborts.ragged_bytes <= rest.len());

    let (disk, dir) = (Arc::new(MemoryDisk::new()), PathBuf::from("/t-0"));
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let mut log = Log::open(options(disk.clone(), dir.clone(), config.clone())).expect("an empty disk opens");
    for _ in 0..4 {
        log.append(one_record(b"value"), as_client(LeaderEpoch(0))).expect("a good batch");
    }
    log.close().expect("a disk in memory");
    drop(log);
    for (bit, suffix) in SUFFIXES.iter().enumerate() {
        if how & (1 << bit) != 0 {
            put(&*disk, &dir.join(format!("{:020}.{suffix}", 0)), rest);
        }
    }
    let clean = how & 8 != 0;
    let opened = Log::open(LogOptions {
        clean,
        recovery_point: Offset(4),
        ..options(disk.clone(), dir.clone(), config.clone())
    });
    if let Ok(mut log) = opened {
        ask(&log);
        append_and_read(&mut log);
        let _ = log.close();
    }
    // Recovery from the start believes no index.
    let log = Log::open(options(disk, dir, config)).expect("recovery makes indexes anew");
    assert!(read_all(&log) >= 4, "no index may cost a record");
}

fn put(disk: &dyn Disk, path: &Path, content: &[u8]) {
    let file = disk.create(path).expect("a disk in memory");
    file.append(&mut [IoSlice::new(content)]).expect("a disk in memory");
}
