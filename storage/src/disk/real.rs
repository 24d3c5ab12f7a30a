//! Files of the operating system, read through mappings.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;

use super::mmap::{self, Mapping};
use super::region::{FileRegion, Lease};
use super::{DirEntry, Disk, DiskFile, exclusive, mapped};
use crate::error::StorageError;
use crate::ids::Timestamp;

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        let file = RealFile::append_handle(path).map_err(StorageError::io("open", path))?;
        let length = file.metadata().map_err(StorageError::io("look at", path))?.len();
        Ok(Arc::new(RealFile::new(path, file, length)))
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        // A new file instead of a truncated one: the old one may be mapped.
        self.remove_file(path)?;
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path);
        Ok(Arc::new(RealFile::new(path, file.map_err(StorageError::io("create", path))?, 0)))
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
                    entries.push(DirEntry { name, is_dir: entry.path().is_dir() });
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

    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
        exclusive::lock(path)
    }
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

struct RealFile {
    path: PathBuf,
    /// The handle and its mapping; swapped together when truncation has to go by way of a copy.
    state: Mutex<State>,
    length: AtomicU64,
    broken: AtomicBool,
}

struct State {
    file: Arc<File>,
    mapping: Option<Arc<Mapping>>,
    /// Shared by the regions that are on their way.
    lease: Weak<Lease>,
}

impl State {
    fn new(file: File) -> State {
        State { file: Arc::new(file), mapping: None, lease: Weak::new() }
    }

    /// A mapping that reaches to `end`, which lies within the `written` bytes of the file. One that became too small lives on
    /// under its slices.
    fn mapping(&mut self, end: u64, written: u64) -> io::Result<&Arc<Mapping>> {
        if self.mapping.as_ref().is_none_or(|mapping| mapping.reserved() < end) {
            self.mapping = Some(Arc::new(Mapping::new(&self.file, written)?));
        }
        Ok(self.mapping.as_ref().expect("set just above if it was not there"))
    }

    /// What keeps the file from being made shorter while a region of it is sent.
    fn lease(&mut self) -> io::Result<Arc<Lease>> {
        if let Some(lease) = self.lease.upgrade() {
            return Ok(lease);
        }
        let lease = Arc::new(Lease::new(&self.file)?);
        self.lease = Arc::downgrade(&lease);
        Ok(lease)
    }
}

impl std::fmt::Debug for RealFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealFile").field("path", &self.path).field("length", &self.length).finish_non_exhaustive()
    }
}

impl RealFile {
    fn new(path: &Path, file: File, length: u64) -> RealFile {
        let state = Mutex::new(State::new(file));
        RealFile { path: path.to_owned(), state, length: AtomicU64::new(length), broken: AtomicBool::new(false) }
    }

    fn append_handle(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).append(true).open(path)
    }

    fn file(&self) -> Arc<File> {
        self.state().file.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a shorter copy in this file's place; the old content lives on under the slices that were read from it.
    fn replace_by_copy(&self, state: &mut State, length: u64) -> io::Result<()> {
        let mut copy_path = self.path.as_os_str().to_owned();
        copy_path.push(".cut");
        let copy_path = PathBuf::from(copy_path);
        let mut source = io::Read::take(File::open(&self.path)?, length);
        let mut copy = File::create(&copy_path)?;
        io::copy(&mut source, &mut copy)?;
        copy.sync_all()?;
        fs::rename(&copy_path, &self.path)?;
        *state = State::new(RealFile::append_handle(&self.path)?);
        Ok(())
    }
}

impl DiskFile for RealFile {
    fn len(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<(), StorageError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(StorageError::Broken { path: self.path.clone() });
        }
        let total: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let file = self.file();
        if let Err(error) = write_all_vectored(&file, parts) {
            // What was written of it lies beyond every slice, so cutting it off is safe.
            if file.set_len(self.len()).is_err() {
                self.broken.store(true, Ordering::Release);
            }
            return Err(StorageError::io("write to", &self.path)(error));
        }
        self.length.fetch_add(total, Ordering::AcqRel);
        Ok(())
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Bytes, StorageError> {
        // The lock is held until the slice exists, so that `truncate` cannot come between.
        let mut state = self.state();
        let written = self.len();
        let end = position.saturating_add(length as u64).min(written);
        if position >= end {
            return Ok(Bytes::new());
        }
        let mapping = state.mapping(end, written).map_err(StorageError::io("map", &self.path))?;
        Ok(mmap::slice(mapping, position as usize, (end - position) as usize))
    }

    fn region(&self, position: u64, length: usize) -> Option<FileRegion> {
        // The lock is held until the lease exists, so that `truncate` cannot come between.
        let mut state = self.state();
        let within = position.checked_add(length as u64).is_some_and(|end| end <= self.len());
        if !within || !cfg!(target_os = "linux") {
            return None;
        }
        // Without a lease the bytes go through memory, which says what is wrong with the file if something is.
        state.lease().ok().map(|lease| FileRegion::new(lease, position, length))
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.file().sync_data().map_err(StorageError::io("sync", &self.path))
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        if length >= self.len() {
            return Ok(());
        }
        let mut state = self.state();
        state.mapping = None;
        let in_place = !self.broken.load(Ordering::Acquire);
        let cut = match in_place.then(|| mapped::shorten_unmapped(&state.file, length)) {
            Some(Ok(true)) => Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(false)) | None => self.replace_by_copy(&mut state, length),
        };
        cut.map_err(StorageError::io("truncate", &self.path))?;
        self.length.store(length, Ordering::Release);
        self.broken.store(false, Ordering::Release);
        Ok(())
    }

    fn reserve(&self, length: u64) -> Result<(), StorageError> {
        if length == 0 {
            return Ok(());
        }
        reserve(&self.file(), length).map_err(StorageError::io("reserve room for", &self.path))
    }

    fn release(&self) -> Result<(), StorageError> {
        self.file().set_len(self.len()).map_err(StorageError::io("trim", &self.path))
    }

    fn modified(&self) -> Result<Timestamp, StorageError> {
        let modified = self.file().metadata().and_then(|found| found.modified());
        let modified = modified.map_err(StorageError::io("look at", &self.path))?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Ok(Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    fn set_modified(&self, time: Timestamp) -> Result<(), StorageError> {
        let time = UNIX_EPOCH + Duration::from_millis(time.0.max(0).unsigned_abs());
        self.file().set_modified(time).map_err(StorageError::io("date", &self.path))
    }
}

/// Sets blocks aside beyond the end of the file, which stays where it is: what is read and appended does not change, and after a crash
/// there is no tail of zeros.
#[cfg(target_os = "linux")]
fn reserve(file: &File, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _length: u64) -> io::Result<()> {
    Ok(())
}

fn write_all_vectored(mut file: &File, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match file.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut parts, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
