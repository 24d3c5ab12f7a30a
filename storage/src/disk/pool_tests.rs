//! More files than descriptors: the pool keeps to its bound, and nobody notices.

use std::sync::Arc;

use super::*;

const LIMIT: usize = 8;

fn limited() -> (tempfile::TempDir, LimitedDisk) {
    let folder = tempfile::tempdir().unwrap();
    (folder, LimitedDisk::new(FileLimits { open_files: LIMIT }))
}

fn write(file: &dyn DiskFile, bytes: &[u8]) {
    file.append(&mut [IoSlice::new(bytes)]).unwrap();
}

/// A small generator (xorshift), so that a failure can be run again.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

#[test]
fn a_hundred_files_share_eight_descriptors() {
    let (folder, disk) = limited();
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let create = |n: usize| disk.create(&folder.path().join(n.to_string())).unwrap();
    let mut files: Vec<(Arc<dyn DiskFile>, Vec<u8>)> = (0..100).map(|n| (create(n), Vec::new())).collect();
    let mut held = Vec::new();
    for step in 0..3_000usize {
        let at = random(&mut seed) % files.len();
        let (file, content) = &mut files[at];
        match random(&mut seed) % 8 {
            0..3 => {
                let bytes = vec![step as u8; random(&mut seed) % 200];
                write(&**file, &bytes);
                content.extend(bytes);
            }
            3 => file.sync().unwrap(),
            4 if random(&mut seed).is_multiple_of(20) => {
                let length = content.len() / 2;
                file.truncate(length as u64).unwrap();
                content.truncate(length);
            }
            _ => {
                let from = random(&mut seed) % (content.len() + 1);
                let read = file.read_at(from as u64, 300).unwrap();
                let expected = &content[from..content.len().min(from + 300)];
                assert_eq!(read, expected, "file {at} from byte {from}");
                if held.len() < 50 {
                    held.push((read, expected.to_vec()));
                } else {
                    held[random(&mut seed) % 50] = (read, expected.to_vec());
                }
            }
        }
        assert!(disk.open_files() <= LIMIT, "{} files are open", disk.open_files());
    }
    for (slice, expected) in held {
        assert_eq!(slice, expected, "a slice outlives the mapping's place in the pool");
    }
    for (n, (_, content)) in files.iter().enumerate() {
        assert_eq!(&disk.read(&folder.path().join(n.to_string())).unwrap(), content);
    }
}

#[test]
fn a_file_with_unsynced_writes_is_the_last_to_be_closed() {
    let (folder, disk) = limited();
    let path = |n: usize| folder.path().join(n.to_string());
    let written = disk.create(&path(1000)).unwrap();
    write(&*written, b"not synced");
    let open = |file: &Arc<dyn DiskFile>| format!("{file:?}").contains("open: true");
    for n in 0..100 {
        let file = disk.create(&path(n)).unwrap();
        write(&*file, b"synced");
        file.sync().unwrap();
        assert!(open(&written), "closed although {} others could be", disk.open_files());
    }
    disk.rest();
    disk.rest();
    assert_eq!(disk.open_files(), 1, "only the one with unsynced writes is left");
    // Nothing but such files: one of them is synced and closed.
    let more: Vec<_> = (200..200 + 2 * LIMIT).map(|n| disk.create(&path(n)).unwrap()).collect();
    for file in &more {
        write(&**file, b"x");
        assert!(disk.open_files() <= LIMIT);
    }
    let closed = more.iter().chain([&written]).filter(|file| !open(file));
    assert!(closed.clone().count() > LIMIT);
    for file in closed {
        assert!(format!("{file:?}").contains("unsynced: false"), "{file:?} was closed without a sync");
    }
}

#[test]
fn the_hand_does_not_go_past_thousands_of_unsynced_files_for_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let disk = LimitedDisk::new(FileLimits { open_files: 1_000 });
    let create = |n: usize| disk.create(&folder.path().join(n.to_string())).unwrap();
    let unsynced: Vec<_> = (0..999).map(create).collect();
    unsynced.iter().for_each(|file| write(&**file, b"x"));
    let idle = create(999);
    let open = |file: &Arc<dyn DiskFile>| format!("{file:?}").contains("open: true");
    let _one_more = create(1_000);
    assert!(open(&idle), "999 files were asked before it");
    assert_eq!(unsynced.iter().filter(|file| !open(file)).count(), 1, "one of those near was synced and closed");
}

#[test]
fn files_that_rest_are_opened_again_by_use() {
    let (folder, disk) = limited();
    let file = disk.create(&folder.path().join("f")).unwrap();
    write(&*file, b"one ");
    file.sync().unwrap();
    let slice = file.read_at(0, 4).unwrap();
    disk.rest();
    assert_eq!(disk.open_files(), 1, "it was used since the last rest");
    disk.rest();
    assert_eq!(disk.open_files(), 0);
    write(&*file, b"two");
    assert_eq!((slice, file.read_at(0, 100).unwrap()), ("one ".into(), "one two".into()));
    file.sync().unwrap();
}

#[test]
fn another_file_of_the_same_name_is_not_taken_for_the_old_one() {
    let (folder, disk) = limited();
    let path = folder.path().join("f");
    let old = disk.create(&path).unwrap();
    write(&*old, b"old");
    old.sync().unwrap();
    disk.rest();
    disk.rest();
    let new = disk.create(&path).unwrap();
    write(&*new, b"new content");
    assert!(old.read_at(0, 3).unwrap_err().is_not_found());
    assert!(old.append(&mut [IoSlice::new(b"x")]).unwrap_err().is_not_found());
    assert_eq!(disk.read(&path).unwrap(), b"new content");
}

#[cfg(target_os = "linux")]
#[test]
fn a_region_keeps_its_descriptor() {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    let (folder, disk) = limited();
    let file = disk.create(&folder.path().join("f")).unwrap();
    write(&*file, b"0123456789");
    file.sync().unwrap();
    let region = file.region(2, 5).unwrap();
    let _others: Vec<_> = (0..50).map(|n| disk.create(&folder.path().join(n.to_string())).unwrap()).collect();
    disk.remove_file(&folder.path().join("f")).unwrap();
    let (sender, mut receiver) = UnixStream::pair().unwrap();
    assert_eq!(region.send_to(&sender, 100).unwrap(), 5);
    let mut got = [0; 5];
    receiver.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"23456");
}
