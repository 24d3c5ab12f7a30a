//! Topic configurations that act on files: each test fails when its configuration is ignored.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::compress::CompressionLevels;
use crate::disk::{Disk, RealDisk};

fn names(disk: &dyn Disk, log: &Log) -> Vec<String> {
    disk.list(log.dir()).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// A log on the real file system, in a folder of its own.
fn real(config: LogConfig) -> (tempfile::TempDir, Log) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("t-0");
    let here = LogOptions { disk: Arc::new(RealDisk), dir, ..options(&MemoryDisk::new(), config) };
    (folder, Log::open(here).unwrap())
}

#[test]
fn segment_jitter_spreads_the_rolling_of_segments() {
    // Ages at which the first segments of 20 partitions are rolled.
    let age = |partition: i32, jitter: i64| {
        let config = LogConfig { segment_ms: 1000, segment_jitter_ms: jitter, ..LogConfig::default() };
        let partition = TopicPartition::new("t", partition);
        let mut log = Log::open(LogOptions { partition, ..options(&MemoryDisk::new(), config) }).unwrap();
        append(&mut log, at_time(NOW.0, "v"), as_client());
        let rolls = |age: &i64| {
            append(&mut log, at_time(NOW.0 + age, "v"), as_client());
            log.segment_count() > 1
        };
        (0..2000).step_by(10).find(rolls).unwrap()
    };
    assert_eq!((0..20).map(|partition| age(partition, 0)).collect::<BTreeSet<_>>(), BTreeSet::from([1010]));
    let ages: BTreeSet<_> = (0..20).map(|partition| age(partition, 500)).collect();
    assert!(ages.len() > 10, "{ages:?}");
    assert!(ages.iter().all(|age| (500..=1010).contains(age)), "{ages:?}");
    // Kafka: never more than segment.ms.
    assert!((0..20).all(|partition| age(partition, i64::MAX) <= 1010));
}

#[test]
fn files_wait_for_file_delete_delay() {
    for delay in [0, 1] {
        let disk = MemoryDisk::new();
        let config =
            LogConfig { segment_bytes: 100, retention_ms: 10, file_delete_delay_ms: delay, ..LogConfig::default() };
        let mut log = open(&disk, config.clone());
        for time in [1, 2] {
            append(&mut log, at_time(time, "v"), as_client());
        }
        append(&mut log, at_time(NOW.0, "v"), as_client());
        assert_eq!(log.apply_retention(NOW).unwrap(), 2);
        let waiting = names(&disk, &log).into_iter().filter(|name| name.ends_with(".deleted")).collect::<Vec<_>>();
        let retired = log.take_retired();
        assert_eq!(log.take_retired(), Vec::<PathBuf>::new(), "each file is handed out once");
        if delay == 0 {
            assert!(waiting.is_empty() && retired.is_empty(), "{waiting:?} {retired:?}");
            continue;
        }
        for base in [0, 1] {
            for suffix in ["log", "index", "timeindex"] {
                assert!(waiting.contains(&format!("{base:020}.{suffix}.deleted")), "{waiting:?}");
            }
        }
        assert_eq!(retired, waiting_in_order(&log, &retired, &waiting));
        drop(log);
        let log = open(&disk, config);
        assert!(!names(&disk, &log).iter().any(|name| name.ends_with(".deleted")), "a start removes what waits");
        assert_eq!(log.log_start_offset(), Offset(2));
    }
}

/// The paths of `waiting`, in the order of `retired`.
fn waiting_in_order(log: &Log, retired: &[PathBuf], waiting: &[String]) -> Vec<PathBuf> {
    let mut paths: Vec<_> = waiting.iter().map(|name| log.dir().join(name)).collect();
    paths.sort_by_key(|path| retired.iter().position(|known| known == path));
    paths
}

#[test]
fn without_timestamps_retention_goes_by_the_file_s_time() {
    let config = LogConfig { segment_bytes: 100, retention_ms: 1000, ..LogConfig::default() };
    let (_folder, mut log) = real(config);
    for _ in 0..3 {
        // -1 is Kafka's "no timestamp".
        append(&mut log, at_time(-1, "v"), as_client());
    }
    let written = |base: i64, time: i64| {
        let file = std::fs::File::options().append(true).open(log.dir().join(format!("{base:020}.log"))).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(time as u64)).unwrap();
    };
    written(0, NOW.0 - 1001);
    written(1, NOW.0 - 1000);
    written(2, NOW.0 - 5000);
    assert_eq!(log.apply_retention(NOW).unwrap(), 1, "the second is within the time and holds up the third");
    assert_eq!(log.apply_retention(NOW.plus_ms(1)).unwrap(), 2);
}

#[test]
fn compaction_keeps_the_file_s_time() {
    let compaction = CompactionConfig { min_cleanable_dirty_ratio: 0.0, ..CompactionConfig::default() };
    let (_folder, mut log) = real(LogConfig { compact: true, compaction, ..LogConfig::default() });
    for _ in 0..2 {
        append(&mut log, at_time(-1, "v"), as_client());
    }
    log.roll(NOW).unwrap();
    let path = log.dir().join("00000000000000000000.log");
    let time = UNIX_EPOCH + Duration::from_secs(1000);
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    let task = log.begin_clean(NOW, 1 << 20).unwrap().unwrap();
    assert!(log.finish_clean(task.run(&mut |_| {}).unwrap()).unwrap().replaced);
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), time);
}

#[test]
fn levels_of_compression_act() {
    // Text that compresses, but not to nothing.
    let mut seed = 1u64;
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ["alpha ", "beta ", "gamma ", "delta ", "epsilon ", "zeta ", "eta ", "theta "][(seed >> 60) as usize % 8]
    };
    let text: String = (0..20_000).map(|_| word()).collect();
    let stored = |codec, levels| {
        let mut log = new_log(LogConfig { compression: Some(codec), levels, ..LogConfig::default() });
        append(&mut log, plain(&[&text]), as_client());
        assert_eq!(values(&log, Offset(0))[0].1, text);
        log.size_in_bytes()
    };
    let gzip = |gzip| stored(Compression::Gzip, CompressionLevels { gzip, ..CompressionLevels::default() });
    assert!(gzip(9) < gzip(1), "{} {}", gzip(9), gzip(1));
    assert_eq!(gzip(-1), gzip(6), "zlib's own default");
    let zstd = |zstd| stored(Compression::Zstd, CompressionLevels { zstd, ..CompressionLevels::default() });
    assert!(zstd(19) < zstd(3) && zstd(3) < zstd(-50), "{} {} {}", zstd(19), zstd(3), zstd(-50));
    // LZ4 has its fast compressor alone, whatever the level.
    stored(Compression::Lz4, CompressionLevels { lz4: 17, ..CompressionLevels::default() });
}

#[cfg(target_os = "linux")]
#[test]
fn preallocated_segments_have_their_room_and_give_it_back() {
    use std::os::unix::fs::MetadataExt;
    const SIZE: u64 = 4 << 20;
    let config = LogConfig { segment_bytes: SIZE, preallocate: true, ..LogConfig::default() };
    let (folder, mut log) = real(config.clone());
    let on_disk = |log: &Log, base: i64| {
        let found = std::fs::metadata(log.dir().join(format!("{base:020}.log"))).unwrap();
        (found.len(), found.blocks() * 512)
    };
    assert_eq!(on_disk(&log, 0).0, 0, "what is read and appended does not change");
    assert!(on_disk(&log, 0).1 >= SIZE);
    append(&mut log, plain(&["a"]), as_client());
    log.roll(NOW).unwrap();
    assert!(on_disk(&log, 0).1 < SIZE, "a segment that is full is trimmed");
    assert!(on_disk(&log, 1).1 >= SIZE);
    append(&mut log, plain(&["b"]), as_client());
    log.close().unwrap();
    assert!(on_disk(&log, 1).1 < SIZE, "so is the last one when the log is closed");
    let dir = folder.path().join("t-0");
    let here = LogOptions { disk: Arc::new(RealDisk), dir, ..options(&MemoryDisk::new(), config.clone()) };
    let mut log = Log::open(here).unwrap();
    log.roll(NOW).unwrap();
    assert!(on_disk(&log, 2).1 >= SIZE);
    log.update_config(LogConfig { preallocate: false, ..config });
    assert!(on_disk(&log, 2).1 < SIZE, "and when it is switched off");
    assert_eq!(values(&log, Offset(0)).len(), 2);
}

#[test]
fn a_crash_of_kafka_with_preallocated_files_is_recovered() {
    // Kafka makes the file long; what it has not written yet is zeros, and a crash leaves them.
    let (folder, mut log) = real(LogConfig::default());
    append(&mut log, plain(&["a", "b"]), as_client());
    let size = log.size_in_bytes();
    drop(log);
    let dir = folder.path().join("t-0");
    for file in ["log", "index", "timeindex"] {
        let path = dir.join(format!("{:020}.{file}", 0));
        std::fs::File::options().write(true).open(path).unwrap().set_len(1 << 16).unwrap();
    }
    let here = LogOptions { disk: Arc::new(RealDisk), dir, ..options(&MemoryDisk::new(), LogConfig::default()) };
    let mut log = Log::open(here).unwrap();
    assert_eq!((log.log_end_offset(), log.size_in_bytes()), (Offset(2), size));
    assert_eq!(append(&mut log, plain(&["c"]), as_client()).base_offset, Offset(2));
    assert_eq!(values(&log, Offset(0)).len(), 3);
}
