//! The files' text against Kafka's, and damaged files.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::disk::{Disk, MemoryDisk};
use crate::ids::{BrokerId, Offset, TopicId, TopicPartition};

#[test]
fn offset_checkpoint_is_kafkas_text() {
    let disk = MemoryDisk::new();
    let path = Path::new("/logs/recovery-point-offset-checkpoint");
    assert_eq!(read_offset_checkpoint(&disk, path).unwrap(), BTreeMap::new());
    let offsets = BTreeMap::from([(TopicPartition::new("b", 1), Offset(7)), (TopicPartition::new("a", 0), Offset(12))]);
    write_offset_checkpoint(&disk, path, &offsets).unwrap();
    assert_eq!(disk.read(path).unwrap(), b"0\n2\na 0 12\nb 1 7\n");
    assert_eq!(read_offset_checkpoint(&disk, path).unwrap(), offsets);
    for damaged in ["1\n0\n", "0\n2\na 0 12\n", "0\n1\na 0\n", "0\n1\na 0 1 2\n", "", "0\nx\n"] {
        disk.write_atomic(path, damaged.as_bytes()).unwrap();
        assert!(read_offset_checkpoint(&disk, path).is_err(), "{damaged:?}");
    }
}

#[test]
fn meta_properties_read_what_kafka_writes() {
    let disk = MemoryDisk::new();
    let text =
        "#\n#Mon Jan 01 00:00:00 UTC 2024\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\nversion=1\ncluster.id=abc\n";
    disk.write_atomic(Path::new("/d/meta.properties"), text.as_bytes()).unwrap();
    let read = MetaProperties::read(&disk, Path::new("/d")).unwrap().unwrap();
    let expected = MetaProperties {
        cluster_id: "abc".into(),
        node_id: BrokerId(1),
        directory_id: Some(TopicId(Uuid::from_u128(1))),
    };
    assert_eq!(read, expected);
    expected.write(&disk, Path::new("/e")).unwrap();
    assert_eq!(MetaProperties::read(&disk, Path::new("/e")).unwrap(), Some(expected));
    assert_eq!(MetaProperties::read(&disk, Path::new("/none")).unwrap(), None);
}

#[test]
fn partition_metadata_is_kafkas_text() {
    let disk = MemoryDisk::new();
    let id = TopicId(Uuid::from_u128(1));
    write_partition_metadata(&disk, Path::new("/t-0"), id).unwrap();
    let text = disk.read(Path::new("/t-0/partition.metadata")).unwrap();
    assert_eq!(text, b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ");
    assert_eq!(read_partition_metadata(&disk, Path::new("/t-0")).unwrap(), Some(id));
    assert_eq!(read_partition_metadata(&disk, Path::new("/t-1")).unwrap(), None);
}

#[test]
fn clean_shutdown_mark_comes_and_goes() {
    let disk = MemoryDisk::new();
    let dir = Path::new("/d");
    assert!(!clean_shutdown_exists(&disk, dir).unwrap());
    write_clean_shutdown(&disk, dir, 3).unwrap();
    assert!(clean_shutdown_exists(&disk, dir).unwrap());
    assert_eq!(disk.read(&dir.join(CLEAN_SHUTDOWN_FILE)).unwrap(), br#"{"version":0,"brokerEpoch":3}"#);
    remove_clean_shutdown(&disk, dir).unwrap();
    disk.crash(|_, _| 0);
    assert!(!clean_shutdown_exists(&disk, dir).unwrap());
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let disk = MemoryDisk::new();
        let dir = Path::new("/d");
        for name in [META_PROPERTIES_FILE, PARTITION_METADATA_FILE, RECOVERY_POINT_FILE] {
            disk.write_atomic(&dir.join(name), &bytes).unwrap();
        }
        let _ = MetaProperties::read(&disk, dir);
        let _ = read_partition_metadata(&disk, dir);
        let _ = read_offset_checkpoint(&disk, &dir.join(RECOVERY_POINT_FILE));
    }
}
