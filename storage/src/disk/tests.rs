//! Both disks behave alike; the real one keeps what was read, the one in memory forgets what was not synced.

use std::path::PathBuf;

use super::*;

fn write(file: &dyn DiskFile, bytes: &[u8]) {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    file.append(&mut [IoSlice::new(head), IoSlice::new(tail)]).unwrap();
}

fn both(check: impl Fn(&dyn Disk, PathBuf)) {
    let folder = tempfile::tempdir().unwrap();
    check(&RealDisk, folder.path().join("data"));
    check(&MemoryDisk::new(), PathBuf::from("/data"));
}

#[test]
fn files_grow_at_their_end_and_are_read_anywhere() {
    both(|disk, dir| {
        disk.create_dir_all(&dir).unwrap();
        let path = dir.join("f");
        assert!(disk.open(&path).unwrap_err().is_not_found());
        let file = disk.create(&path).unwrap();
        assert!(file.is_empty() && file.read_at(0, 10).unwrap().is_empty());
        write(&*file, b"hello ");
        let first = file.read_at(0, 100).unwrap();
        write(&*file, b"world");
        assert_eq!(first, &b"hello "[..]);
        assert_eq!(file.read_at(4, 3).unwrap(), &b"o w"[..]);
        assert_eq!(file.read_at(9, usize::MAX).unwrap(), &b"ld"[..]);
        assert!(file.read_at(11, 1).unwrap().is_empty() && file.read_at(u64::MAX, 1).unwrap().is_empty());
        file.sync().unwrap();
        drop(file);
        let file = disk.open(&path).unwrap();
        write(&*file, b"!");
        assert_eq!(disk.read(&path).unwrap(), b"hello world!");
    });
}

#[test]
fn slices_outlive_truncation_removal_and_growth() {
    both(|disk, dir| {
        disk.create_dir_all(&dir).unwrap();
        let path = dir.join("f");
        let file = disk.create(&path).unwrap();
        let large = vec![7u8; 200_000];
        write(&*file, &large);
        let early = file.read_at(0, 200_000).unwrap();
        // Beyond what the first mapping reserved.
        write(&*file, &vec![8u8; 2_000_000]);
        let late = file.read_at(1_000_000, 10).unwrap();
        file.truncate(10).unwrap();
        write(&*file, b"new");
        assert_eq!(early, large, "held through an outgrown mapping");
        assert_eq!(late, &[8u8; 10][..]);
        assert_eq!(file.read_at(8, 100).unwrap(), &[7, 7, b'n', b'e', b'w'][..]);
        let kept = file.read_at(0, 10).unwrap();
        drop((early, late));
        disk.remove_file(&path).unwrap();
        disk.remove_file(&path).unwrap();
        assert_eq!(kept, &[7u8; 10][..]);
        assert!(!disk.exists(&path).unwrap());
    });
}

#[test]
fn slices_outlive_truncation_through_another_handle() {
    both(|disk, dir| {
        disk.create_dir_all(&dir).unwrap();
        let path = dir.join("f");
        let file = disk.create(&path).unwrap();
        write(&*file, &[7u8; 100_000]);
        let held = file.read_at(0, 100_000).unwrap();
        drop(file);
        let file = disk.open(&path).unwrap();
        file.truncate(1).unwrap();
        assert_eq!(held, vec![7u8; 100_000]);
        assert_eq!(disk.read(&path).unwrap(), [7]);
    });
}

#[test]
fn truncation_without_readers_is_in_place() {
    both(|disk, dir| {
        disk.create_dir_all(&dir).unwrap();
        let file = disk.create(&dir.join("f")).unwrap();
        write(&*file, &[1u8; 100_000]);
        drop(file.read_at(0, 100_000).unwrap());
        file.truncate(50_000).unwrap();
        file.truncate(60_000).unwrap();
        assert_eq!(file.len(), 50_000);
        write(&*file, &[2u8; 50_000]);
        assert_eq!(file.read_at(49_999, 2).unwrap(), &[1, 2][..]);
    });
}

#[test]
fn names_are_listed_renamed_and_replaced() {
    both(|disk, dir| {
        disk.create_dir_all(&dir.join("sub")).unwrap();
        disk.write_atomic(&dir.join("a"), b"1").unwrap();
        disk.write_atomic(&dir.join("a"), b"2").unwrap();
        disk.write_atomic(&dir.join("sub/x"), b"3").unwrap();
        disk.rename(&dir.join("a"), &dir.join("b")).unwrap();
        let entry = |name: &str, is_dir| DirEntry { name: name.into(), is_dir };
        assert_eq!(disk.list(&dir).unwrap(), [entry("b", false), entry("sub", true)]);
        assert_eq!(disk.read(&dir.join("b")).unwrap(), b"2");
        disk.rename(&dir.join("sub"), &dir.join("gone")).unwrap();
        assert_eq!(disk.read(&dir.join("gone/x")).unwrap(), b"3");
        disk.sync_dir(&dir).unwrap();
        disk.remove_dir_all(&dir.join("gone")).unwrap();
        disk.remove_dir_all(&dir.join("gone")).unwrap();
        assert_eq!(disk.list(&dir).unwrap(), [entry("b", false)]);
    });
}

#[test]
fn a_lock_is_held_once() {
    both(|disk, dir| {
        disk.create_dir_all(&dir).unwrap();
        let path = dir.join(".lock");
        let held = disk.lock(&path).unwrap();
        assert!(matches!(disk.lock(&path).err(), Some(StorageError::Locked { .. })));
        drop(held);
        disk.lock(&path).unwrap();
    });
}

#[test]
fn a_crash_keeps_what_was_synced() {
    let disk = MemoryDisk::new();
    let dir = PathBuf::from("/d");
    disk.create_dir_all(&dir).unwrap();
    let file = disk.create(&dir.join("named")).unwrap();
    write(&*file, b"synced");
    file.sync().unwrap();
    disk.sync_dir(&dir).unwrap();
    write(&*file, b" torn");
    let unnamed = disk.create(&dir.join("unnamed")).unwrap();
    write(&*unnamed, b"x");
    unnamed.sync().unwrap();
    disk.crash(|_, unsynced| unsynced - 2);
    assert_eq!(disk.read(&dir.join("named")).unwrap(), b"synced to");
    assert!(!disk.exists(&dir.join("unnamed")).unwrap());
    // A truncation that was not synced is undone.
    disk.open(&dir.join("named")).unwrap().truncate(1).unwrap();
    disk.crash(|_, _| 0);
    assert_eq!(disk.read(&dir.join("named")).unwrap(), b"synced to");
}
