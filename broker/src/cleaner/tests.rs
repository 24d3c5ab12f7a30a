//! The cleaner over disks that fail, pass by pass.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use bytes::Bytes;
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::checkpoint::{CLEANER_OFFSET_FILE, read_offset_checkpoint};
use forebay_storage::compress::Compression;
use forebay_storage::disk::{Disk, Fault, FaultyDisk, MemoryDisk};
use forebay_storage::ids::{LeaderEpoch, Offset, TopicId, TopicPartition};
use forebay_storage::log::{CompactionConfig, LogConfig};
use uuid::Uuid;

use super::Cleaner;
use super::pass::clean_filthiest;
use super::state::Shared;
use crate::clock;
use crate::config::settings::CleanerSettings;
use crate::metrics::CleanerMetrics;
use crate::partition::{FoundDir, NewPartition, Partition, PartitionConfig, Partitions};

const SETTINGS: CleanerSettings = CleanerSettings {
    enable: true,
    threads: 1,
    backoff_ms: 1,
    dedupe_buffer_size: 1 << 20,
    max_bytes_per_second: f64::MAX,
};

struct World {
    disk: FaultyDisk,
    partitions: Arc<Partitions>,
    cleaner: Shared,
}

impl World {
    /// A node with the folders `/a` and `/b`, of which each has a compacted partition with this many segments of the same key.
    fn new(segments: [usize; 2]) -> World {
        let disk = FaultyDisk::over_memory(MemoryDisk::new());
        let dirs = ["/a", "/b"].map(|path| FoundDir { path: path.into(), clean: false, failure: None });
        dirs.iter().for_each(|dir| disk.create_dir_all(&dir.path).unwrap());
        let partitions = Arc::new(Partitions::new(Arc::new(disk.clone()), &dirs));
        partitions.add((0..2).map(partition).collect());
        for (number, count) in (0..2).zip(segments) {
            for _ in 0..count {
                let of = partitions.get("t", number).unwrap();
                of.append(batch(), false).unwrap();
                of.with_log(|log| log.roll(clock::now())).unwrap();
            }
        }
        let cleaner = Shared::new(partitions.clone(), CleanerMetrics::default(), Box::new(|| SETTINGS));
        World { disk, partitions, cleaner }
    }

    fn pass(&self) -> bool {
        clean_filthiest(&self.cleaner, &SETTINGS)
    }

    fn partition(&self, number: i32) -> Arc<Partition> {
        self.partitions.get("t", number).unwrap()
    }

    fn segments(&self, number: i32) -> usize {
        self.partition(number).with_log(|log| log.segment_count())
    }

    fn dir(&self, number: i32) -> PathBuf {
        self.partition(number).dir().path().to_owned()
    }

    fn checkpoint(&self, number: i32) -> Option<Offset> {
        let file = self.dir(number).join(CLEANER_OFFSET_FILE);
        read_offset_checkpoint(&self.disk, &file).unwrap().get(&TopicPartition::new("t", number)).copied()
    }
}

fn partition(number: i32) -> NewPartition {
    let compaction = CompactionConfig { min_cleanable_dirty_ratio: 0.0, ..CompactionConfig::default() };
    NewPartition {
        name: TopicPartition::new("t", number),
        topic_id: TopicId(Uuid::from_u128(7)),
        leader_epoch: LeaderEpoch(0),
        config: PartitionConfig {
            log: LogConfig { compact: true, delete: false, compaction, ..LogConfig::default() },
            min_insync_replicas: 1,
        },
        is_new: true,
    }
}

fn batch() -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(clock::now(), Some(b"key"), Some(b"value"), &[]);
    builder.finish(&BatchStamp::default())
}

#[test]
fn the_dirtiest_log_is_first_and_a_pass_is_noted_after_it_is_in_place() {
    let world = World::new([3, 5]);
    assert!(world.pass());
    // All bytes of both are dirty; of equals the last one is chosen, and the other then.
    let first = if world.segments(0) == 2 { 0 } else { 1 };
    assert_eq!((world.segments(first), world.checkpoint(first)), (2, None), "put in place, and not noted yet");
    assert!(world.pass());
    assert_eq!((world.segments(0), world.segments(1)), (2, 2));
    assert_eq!(world.checkpoint(first), Some(Offset([3, 5][first as usize])));
    assert!(!world.pass(), "there is nothing more to do");
    assert_eq!((world.checkpoint(0), world.checkpoint(1)), (Some(Offset(3)), Some(Offset(5))));
    // The process dies before it notes a pass: the same is compacted once more.
    world.disk.remove_file(&world.dir(0).join(CLEANER_OFFSET_FILE)).unwrap();
    let dirs = ["/a", "/b"].map(|path| FoundDir { path: path.into(), clean: false, failure: None });
    let again = Arc::new(Partitions::new(Arc::new(world.disk.clone()), &dirs));
    again.look_around();
    again.add((0..2).map(partition).collect());
    Shared::new(again.clone(), CleanerMetrics::default(), Box::new(|| SETTINGS)).write_checkpoints();
    assert_eq!(world.checkpoint(1), Some(Offset(5)), "nothing is forgotten of a log that was not opened yet");
    (0..2).for_each(|number| drop(again.find("t", number).unwrap()));
    let cleaner = Shared::new(again.clone(), CleanerMetrics::default(), Box::new(|| SETTINGS));
    assert!(clean_filthiest(&cleaner, &SETTINGS), "the one without a checkpoint");
    assert!(!clean_filthiest(&cleaner, &SETTINGS), "the other goes on where it was");
    let cleaned = |number| again.get("t", number).unwrap().with_log(|log| log.cleaned_up_to());
    assert_eq!((cleaned(0), cleaned(1)), (Some(Offset(3)), Some(Offset(5))));
}

#[test]
fn a_disk_that_fails_takes_its_folder_offline_and_no_other() {
    for fault in [Fault::ReadFails, Fault::WriteFails, Fault::SyncFails] {
        let world = World::new([3, 3]);
        world.disk.inject(&world.dir(0), fault);
        while !world.partition(0).is_offline() || world.segments(1) > 2 {
            world.pass();
        }
        assert!(!world.partition(1).is_offline(), "{fault:?}");
        assert!(!world.pass(), "{fault:?}: a log that is offline is left alone");
    }
}

#[test]
fn a_full_disk_is_tried_again() {
    let world = World::new([3, 0]);
    world.disk.inject(Path::new("/"), Fault::Full);
    assert!(!world.pass());
    assert!(!world.partition(0).is_offline());
    assert_eq!(world.segments(0), 4);
    world.disk.heal(Path::new("/"));
    assert!(world.pass());
    assert_eq!(world.segments(0), 2);
}

#[test]
fn a_log_whose_keys_find_no_room_is_given_up() {
    let world = World::new([3, 0]);
    let of = world.partition(0);
    let mut builder = BatchBuilder::new(Compression::None);
    (0..100u32).for_each(|key| builder.push(clock::now(), Some(&key.to_be_bytes()), Some(b"v"), &[]));
    let many = builder.finish(&BatchStamp::default());
    of.append(many, false).unwrap();
    of.with_log(|log| log.roll(clock::now())).unwrap();
    // Room for two keys: the first three segments have one.
    let tight = CleanerSettings { dedupe_buffer_size: 72, ..SETTINGS };
    assert!(clean_filthiest(&world.cleaner, &tight));
    assert!(!clean_filthiest(&world.cleaner, &tight), "not even one batch");
    assert!(!clean_filthiest(&world.cleaner, &tight));
    assert_eq!(world.cleaner.metrics.uncleanable_partitions.get(), 1);
    assert!(of.append(batch(), false).is_ok());
}

#[test]
fn there_are_as_many_threads_as_are_set_now() {
    let world = World::new([1, 1]);
    let wanted = Arc::new(AtomicI32::new(2));
    let asked = wanted.clone();
    // Who pauses longer than any test does is woken to end.
    let settings =
        move || CleanerSettings { threads: asked.load(Ordering::Relaxed), backoff_ms: i64::MAX / 2, ..SETTINGS };
    let cleaner = Cleaner::start(world.partitions.clone(), CleanerMetrics::default(), settings).unwrap();
    let running = || cleaner.threads.lock().iter().filter(|thread| !thread.is_finished()).count();
    assert_eq!(running(), 2);
    for count in [4, 1, 0, 3] {
        wanted.store(count, Ordering::Relaxed);
        cleaner.resize().unwrap();
        assert_eq!(running(), count as usize);
    }
    cleaner.stop();
    cleaner.resize().unwrap();
    assert_eq!(running(), 0, "none begins after the end");
}
