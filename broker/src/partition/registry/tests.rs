//! Partitions are opened when they are needed; what is known of the others is not lost; what is broken costs nobody else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::checkpoint::{RECOVERY_POINT_FILE, read_offset_checkpoint};
use forebay_storage::compress::Compression;
use forebay_storage::disk::{Disk, Fault, FaultyDisk, MemoryDisk};
use forebay_storage::ids::{LeaderEpoch, Offset, Timestamp, TopicId, TopicPartition};
use uuid::Uuid;

use super::{Absent, FoundDir, NewPartition, PartitionConfig, Partitions};
use crate::partition::Isolation;

const TOPIC: &str = "t";

fn wanted(numbers: impl IntoIterator<Item = i32>, is_new: bool) -> Vec<NewPartition> {
    let new = |number| NewPartition {
        name: TopicPartition::new(TOPIC, number),
        topic_id: TopicId(Uuid::from_u128(7)),
        leader_epoch: LeaderEpoch(0),
        config: PartitionConfig::default(),
        is_new,
    };
    numbers.into_iter().map(new).collect()
}

/// The partitions as a start finds them; nothing opens them in the background.
fn start(disk: &MemoryDisk, dirs: &[&str], clean: bool) -> Arc<Partitions> {
    let found = |path: &&str| {
        disk.create_dir_all(Path::new(path)).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        FoundDir { path: PathBuf::from(path), clean, failure: None }
    };
    let found: Vec<FoundDir> = dirs.iter().map(found).collect();
    let partitions = Arc::new(Partitions::new(Arc::new(disk.clone()), &found));
    partitions.look_around();
    partitions
}

fn append(partitions: &Partitions, number: i32, records: usize) {
    let mut batch = BatchBuilder::new(Compression::None);
    for _ in 0..records {
        batch.push(Timestamp(1_700_000_000_000), None, Some(b"value"), &[]);
    }
    let bytes = batch.finish(&BatchStamp::default());
    partitions.find(TOPIC, number).unwrap().append(bytes, false).unwrap();
}

fn end(partitions: &Partitions, number: i32) -> i64 {
    partitions.find(TOPIC, number).unwrap().offsets().2.0
}

fn recovery_points(disk: &MemoryDisk, dir: &str) -> BTreeMap<i32, i64> {
    let points = read_offset_checkpoint(disk, &Path::new(dir).join(RECOVERY_POINT_FILE)).unwrap();
    points.into_iter().map(|(name, point)| (name.partition, point.0)).collect()
}

#[test]
fn a_log_is_opened_when_it_is_first_used() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, true));
    assert!(partitions.all().is_empty() && !disk.exists(Path::new("/d/t-0")).unwrap(), "nothing is made yet");
    append(&partitions, 1, 5);
    assert_eq!(partitions.all().len(), 1);
    partitions.flush();
    drop(partitions);
    // kill -9: nothing was closed.
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, false));
    assert!(partitions.exists(TOPIC, 1) && partitions.all().is_empty());
    let read = partitions.find(TOPIC, 1).unwrap().read(Offset::ZERO, 1000, Isolation::ReadUncommitted, true).unwrap();
    assert_eq!((read.records.is_empty(), read.high_watermark), (false, Offset(5)));
    assert_eq!(partitions.find(TOPIC, 3).err(), Some(Absent::Unknown));
    assert_eq!(partitions.all().len(), 1);
}

#[test]
fn what_is_known_of_logs_that_were_not_opened_is_kept() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, true));
    (0..3).for_each(|number| append(&partitions, number, 10 + number as usize));
    partitions.find(TOPIC, 2).unwrap().delete_records(Offset(4)).unwrap();
    partitions.flush();
    partitions.checkpoint();
    drop(partitions);
    let known = BTreeMap::from([(0, 10), (1, 11), (2, 12)]);
    assert_eq!(recovery_points(&disk, "/d"), known);
    disk.crash(|_, _| 0);
    // Started, checkpointed while only one log was opened, and stopped at once.
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, false));
    append(&partitions, 0, 1);
    partitions.flush();
    partitions.checkpoint();
    assert_eq!(recovery_points(&disk, "/d"), BTreeMap::from([(0, 11), (1, 11), (2, 12)]));
    assert!(partitions.close().is_empty(), "two logs were not read since the crash: the folder is not clean");
    drop(partitions);
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, false));
    assert_eq!((0..3).map(|number| end(&partitions, number)).collect::<Vec<_>>(), [11, 11, 12]);
    assert_eq!(partitions.find(TOPIC, 2).unwrap().offsets().0, Offset(4), "deleted records stay deleted");
    // All of them are open now.
    assert_eq!(partitions.close(), [PathBuf::from("/d")]);
}

#[test]
fn logs_that_were_closed_in_order_stay_so_without_being_opened() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..2, true));
    (0..2).for_each(|number| append(&partitions, number, 3));
    assert_eq!(partitions.close(), [PathBuf::from("/d")]);
    let partitions = start(&disk, &["/d"], true);
    partitions.add(wanted(0..2, false));
    assert_eq!(end(&partitions, 0), 3);
    assert_eq!(partitions.close(), [PathBuf::from("/d")]);
    assert_eq!(recovery_points(&disk, "/d"), BTreeMap::from([(0, 3), (1, 3)]));
}

#[test]
fn a_log_that_cannot_be_opened_costs_nobody_else() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, true));
    (0..3).for_each(|number| append(&partitions, number, 1));
    partitions.flush();
    drop(partitions);
    disk.damage(Path::new("/d/t-1/leader-epoch-checkpoint"), |content| *content = b"garbage".to_vec());
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..3, false));
    partitions.open_in_background();
    partitions.wait_until_open();
    assert_eq!(partitions.find(TOPIC, 1).err(), Some(Absent::Offline));
    assert_eq!(partitions.offline_of(TOPIC), [1].into());
    assert_eq!((end(&partitions, 0), end(&partitions, 2)), (1, 1));
    assert!(partitions.dirs().all(|dir| !dir.is_offline()), "one file without sense is no failure of the disk");
    assert!(partitions.close().is_empty(), "nobody knows where that log ends");
}

#[test]
fn new_logs_go_to_the_working_folder_with_the_fewest() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/a", "/b", "/c"], false);
    partitions.add(wanted(0..6, true));
    let dir = |partitions: &Partitions, number| partitions.dir_of(TOPIC, number).unwrap();
    let dirs: Vec<PathBuf> = (0..6).map(|number| dir(&partitions, number)).collect();
    assert_eq!(dirs, ["/a", "/b", "/c", "/a", "/b", "/c"].map(PathBuf::from));
    (0..6).for_each(|number| append(&partitions, number, 1));
    partitions.dir_failed(Path::new("/b"), "it was unplugged");
    partitions.add(wanted(6..10, true));
    assert!((6..10).all(|number| dir(&partitions, number) != Path::new("/b")));
    assert_eq!(partitions.offline_of(TOPIC), [1, 4].into());
    assert_eq!(partitions.find(TOPIC, 1).err(), Some(Absent::Offline));
    assert_eq!(end(&partitions, 0), 1);
    let offline: Vec<bool> = partitions.dirs().map(|dir| dir.is_offline()).collect();
    assert_eq!(offline, [false, true, false]);
}

#[test]
fn a_log_in_a_folder_that_failed_is_not_made_again_elsewhere() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/a", "/b"], false);
    partitions.add(wanted(0..2, true));
    (0..2).for_each(|number| append(&partitions, number, 1));
    partitions.close();
    let failed = FoundDir { path: "/b".into(), clean: false, failure: Some("no such device".into()) };
    let found = [FoundDir { path: "/a".into(), clean: true, failure: None }, failed];
    let partitions = Partitions::new(Arc::new(disk.clone()), &found);
    partitions.look_around();
    partitions.add(wanted(0..2, false));
    assert_eq!(end(&partitions, 0), 1);
    assert_eq!(partitions.find(TOPIC, 1).err(), Some(Absent::Offline));
    assert!(!disk.exists(Path::new("/a/t-1")).unwrap());
}

#[test]
fn a_partition_in_two_folders_is_offline_until_somebody_chooses() {
    let disk = MemoryDisk::new();
    for dir in ["/a/t-0", "/b/t-0", "/b/t-1"] {
        disk.create_dir_all(Path::new(dir)).unwrap();
    }
    let partitions = start(&disk, &["/a", "/b"], false);
    partitions.add(wanted(0..2, false));
    assert_eq!(partitions.find(TOPIC, 0).err(), Some(Absent::Offline));
    assert_eq!(end(&partitions, 1), 0);
    assert_eq!(partitions.dir_of(TOPIC, 1), Some(PathBuf::from("/b")));
}

#[test]
fn a_configuration_set_before_the_log_was_opened_is_in_force() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..1, true));
    let mut config = PartitionConfig { min_insync_replicas: 3, ..PartitionConfig::default() };
    config.log.max_message_bytes = 77;
    partitions.update_config(TOPIC, &config);
    let partition = partitions.find(TOPIC, 0).unwrap();
    assert_eq!(partition.min_insync_replicas(), 3);
    assert_eq!(partition.with_log(|log| log.config().max_message_bytes), 77);
}

#[test]
fn a_topic_that_nobody_opened_is_deleted_with_its_files() {
    let disk = MemoryDisk::new();
    let partitions = start(&disk, &["/d"], false);
    partitions.add(wanted(0..1, true));
    append(&partitions, 0, 1);
    partitions.close();
    let partitions = start(&disk, &["/d"], true);
    partitions.add(wanted(0..1, false));
    partitions.delete_topic(TOPIC, TopicId(Uuid::from_u128(8)));
    assert!(partitions.exists(TOPIC, 0), "another topic was meant");
    partitions.delete_topic(TOPIC, TopicId(Uuid::from_u128(7)));
    assert_eq!(partitions.find(TOPIC, 0).err(), Some(Absent::Unknown));
    assert!(!disk.exists(Path::new("/d/t-0")).unwrap());
    // One of the same name begins anew.
    partitions.add(wanted(0..1, true));
    assert_eq!(end(&partitions, 0), 0);
}

#[test]
fn a_log_without_room_waits_once_however_often_it_is_asked_for() {
    let disk = FaultyDisk::over_memory(MemoryDisk::new());
    disk.create_dir_all(Path::new("/d")).unwrap();
    let found = FoundDir { path: "/d".into(), clean: false, failure: None };
    let partitions = Partitions::new(Arc::new(disk.clone()), &[found]);
    partitions.add(wanted(0..1, true));
    disk.inject(Path::new("/d"), Fault::Full);
    for _ in 0..3 {
        assert_eq!(partitions.find(TOPIC, 0).err(), Some(Absent::Offline));
    }
    let waiting: Vec<i32> = partitions.waiting.lock().keys().map(|name| name.partition).collect();
    assert_eq!(waiting, [0]);
    let name = TopicPartition::new(TOPIC, 0);
    assert!(partitions.find_existing(&name).is_err(), "it is there, and offline");
    disk.heal_all();
    assert!(partitions.find_existing(&name).unwrap().is_some());
    assert!(partitions.find_existing(&TopicPartition::new("other", 0)).unwrap().is_none());
}
