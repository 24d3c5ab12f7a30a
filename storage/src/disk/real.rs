//! The file system of the machine.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::RealFile;
use super::pool::Pool;
use super::{DirEntry, Disk, DiskFile, DiskSpace, exclusive};
use crate::error::StorageError;

/// The file system of the machine. All of them share the descriptors and mappings of the process (`limits`, `pool`).
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        Ok(RealFile::open(Pool::of_process(), path)?)
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        Ok(RealFile::create(Pool::of_process(), path)?)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        fs::read(path).map_err(StorageError::io("read", path))
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&temporary, path)?;
            sync_folder(path.parent().unwrap_or(Path::new(".")))
        };
        write().map_err(StorageError::io("write", path))
    }

    fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        path.try_exists().map_err(StorageError::io("look at", path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError> {
        let read = || -> io::Result<Vec<DirEntry>> {
            let mut entries = Vec::new();
            for entry in fs::read_dir(dir)? {
                let entry = entry?;
                // Names that are not UTF-8 are not ours.
                if let Ok(name) = entry.file_name().into_string() {
                    entries.push(DirEntry { name, is_dir: is_dir(&entry)? });
                }
            }
            entries.sort_unstable();
            Ok(entries)
        };
        read().map_err(StorageError::io("list", dir))
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        fs::create_dir_all(dir).map_err(StorageError::io("create folder", dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        fs::rename(from, to).map_err(StorageError::io("rename", from))
    }

    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        gone_is_fine(fs::remove_file(path)).map_err(StorageError::io("remove", path))
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        gone_is_fine(fs::remove_dir_all(dir)).map_err(StorageError::io("remove folder", dir))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError> {
        sync_folder(dir).map_err(StorageError::io("sync folder", dir))
    }

    fn rest(&self) {
        Pool::of_process().rest();
    }

    #[cfg(unix)]
    fn space(&self, dir: &Path) -> Result<Option<DiskSpace>, StorageError> {
        let found =
            rustix::fs::statvfs(dir).map_err(|error| StorageError::io("look at the disk of", dir)(error.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Some(DiskSpace { total: bytes(found.f_blocks), usable: bytes(found.f_bavail) }))
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
        exclusive::lock(path)
    }
}

/// Whether it is a folder, or a link to one. Most file systems know without another look.
fn is_dir(entry: &fs::DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    Ok(if kind.is_symlink() { entry.path().is_dir() } else { kind.is_dir() })
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn sync_folder(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_dir: &Path) -> io::Result<()> {
    // Windows has no such thing: names are durable with the file system's own journal.
    Ok(())
}
