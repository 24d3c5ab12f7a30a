//! Two folders change places in one step.

use std::io;
use std::path::Path;

use crate::error::StorageError;

/// Gives each of two files or folders, both of which are there, the name of the other: after a crash either both have changed
/// or neither has, once [`super::Disk::sync_dir`] of the folder around them has returned. `false`, and nothing is changed, where the
/// file system cannot.
///
/// # Errors
/// One of them is not there, or may not be renamed.
pub fn exchange(one: &Path, other: &Path) -> Result<bool, StorageError> {
    system(one, other).map_err(StorageError::io("exchange", one))
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn system(one: &Path, other: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn system(_one: &Path, _other: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_change_places_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for (dir, file) in [(&one, "a"), (&other, "b")] {
            std::fs::create_dir(dir).unwrap();
            std::fs::write(dir.join(file), file).unwrap();
        }
        if exchange(&one, &other).unwrap() {
            assert!(one.join("b").exists() && other.join("a").exists());
            assert!(!one.join("a").exists() && !other.join("b").exists());
        }
        assert!(exchange(&one, &folder.path().join("none")).unwrap_err().is_not_found());
    }
}
