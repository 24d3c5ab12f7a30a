//! A folder of garbage is opened as a log: an error, or a log that works.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use forebay_storage::disk::{Disk, MemoryDisk};
use forebay_storage::ids::Offset;
use forebay_storage::log::{Log, LogConfig, LogOptions};

use super::logs::{NOW, append_and_read, ask, compact, options};
use super::tree::Tree;

/// See [`Tree`] for what the bytes mean.
pub fn run(data: &[u8]) {
    let Some(tree) = Tree::decode(data) else { return };
    let disk = Arc::new(MemoryDisk::new());
    let dir = Path::new("/data/t-0");
    disk.create_dir_all(dir).expect("a disk in memory");
    for (name, content) in &tree.files {
        let file = disk.create(&dir.join(name)).expect("a disk in memory");
        file.append(&mut [IoSlice::new(content)]).expect("a disk in memory");
        file.sync().expect("a disk in memory");
    }
    disk.sync_dir(dir).expect("a disk in memory");
    let config = LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 100,
        compact: tree.compact,
        delete: !tree.compact,
        ..LogConfig::default()
    };
    let opening = || LogOptions {
        clean: tree.clean,
        recovery_point: Offset(tree.recovery_point),
        log_start_offset: Offset(tree.log_start),
        ..options(disk.clone(), dir.to_owned(), config.clone())
    };
    let Ok(mut log) = Log::open(opening()) else { return };
    ask(&log);
    // Errors of reading are answers too, where the log was believed to have been closed in order.
    compact(&mut log);
    if !log_works(&mut log, tree.clean) {
        return;
    }
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    log.close().expect("a disk in memory");
    drop(log);
    let again = LogOptions { clean: true, log_start_offset: start, recovery_point: end, ..opening() };
    let again = Log::open(again).expect("a log that was closed in order opens");
    assert_eq!((again.log_start_offset(), again.log_end_offset()), (start, end));
}

/// A log that was recovered takes appends, keeps its word about them, and can be cut.
fn log_works(log: &mut Log, clean: bool) -> bool {
    if clean {
        let epoch = log.latest_epoch().unwrap_or_default();
        return log.append(super::logs::one_record(b"x"), super::logs::as_client(epoch)).is_ok();
    }
    append_and_read(log);
    append_and_read(log);
    ask(log);
    log.apply_retention(NOW).expect("a recovered log");
    let end = log.log_end_offset();
    if end.0 < i64::MAX - 1 {
        log.truncate_to(Offset(end.0 - 1), NOW).expect("a recovered log");
        append_and_read(log);
    }
    true
}
