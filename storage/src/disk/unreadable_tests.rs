//! Pages that cannot be read are errors of the disk, not the end of the process. A file that is cut off behind the disk's back stands
//! for a medium that fails: the system answers an access to a page beyond the end of a file as it answers one that it cannot read.

use std::fs::OpenOptions;
use std::io::IoSlice;

use super::*;

/// Bytes written; more than fits in any read that is copied.
const SIZE: usize = 3 << 20;

/// A file of which only the first page is left, and its folder.
fn cut_off() -> (tempfile::TempDir, Arc<dyn DiskFile>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let file = RealDisk.create(&path).unwrap();
    file.append(&mut [IoSlice::new(&vec![7; SIZE])]).unwrap();
    assert_eq!(file.read_at(0, SIZE).unwrap(), vec![7; SIZE], "it is mapped and read before it fails");
    OpenOptions::new().write(true).open(&path).unwrap().set_len(4096).unwrap();
    (folder, file)
}

#[test]
fn a_page_that_cannot_be_read_is_a_failure_of_the_disk() {
    let (_folder, file) = cut_off();
    for (position, length) in [(0, SIZE), (0, 1 << 20), (1 << 20, 1 << 20), (SIZE - 61, 61), (8192, 8), (0, usize::MAX)]
    {
        let error = match file.read_at(position as u64, length) {
            // Looked at, so that one which is handed out all the same does what it would do to the broker.
            Ok(bytes) => panic!("{length} bytes at {position} were read, the last is {}", bytes[bytes.len() - 1]),
            Err(error) => error,
        };
        assert!(error.is_disk_failure(), "{error}");
    }
    assert_eq!(file.read_at(100, 61).unwrap(), vec![7; 61], "what is there can be read");
}
