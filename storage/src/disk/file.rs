//! A file of the operating system, written through a descriptor and read through a mapping. It has both only while it is used: the
//! pool takes them away, and the next use opens the file again by its name. A renamed file must therefore be opened anew.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::DiskFile;
use super::mapped::{self, Identity};
use super::mmap::{self, Mapping};
use super::pool::{Pool, Which};
use super::region::{FileRegion, Lease};
use crate::error::StorageError;
use crate::ids::Timestamp;

/// Reads of at most so many bytes are copied, which costs less than having their pages checked, and is safe whatever the disk does.
const COPIED: usize = 16 * 1024;

pub(super) struct RealFile {
    me: Weak<RealFile>,
    pool: Arc<Pool>,
    path: PathBuf,
    state: Mutex<State>,
    length: AtomicU64,
    /// Used since the pool last asked.
    used: AtomicBool,
    /// Written through this handle and not synced since.
    unsynced: AtomicBool,
    /// A write could not be undone.
    broken: AtomicBool,
    /// The pool's sync failed, and nobody was told yet.
    lost: AtomicBool,
}

/// Which file it is, so that another one of the same name is not taken for it. Numbers are given to new files again, so the time of
/// birth counts too, where the system knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WhichFile {
    identity: Identity,
    born: Option<SystemTime>,
}

impl WhichFile {
    fn of(found: &Metadata) -> WhichFile {
        WhichFile { identity: mapped::identity_of(found), born: found.created().ok() }
    }
}

struct State {
    which: WhichFile,
    descriptor: Option<Arc<File>>,
    mapping: Option<Arc<Mapping>>,
    /// Shared by the regions that are on their way.
    lease: Weak<Lease>,
}

impl State {
    fn new(which: WhichFile) -> State {
        State { which, descriptor: None, mapping: None, lease: Weak::new() }
    }
}

impl std::fmt::Debug for RealFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let open = self.state.try_lock().is_ok_and(|state| state.descriptor.is_some());
        f.debug_struct("RealFile")
            .field("path", &self.path)
            .field("length", &self.length)
            .field("unsynced", &self.unsynced)
            .field("open", &open)
            .finish_non_exhaustive()
    }
}

impl RealFile {
    /// A file that is there. It gets its descriptor when it is first used.
    pub(super) fn open(pool: &Arc<Pool>, path: &Path) -> Result<Arc<RealFile>, StorageError> {
        let found = fs::metadata(path).map_err(StorageError::io("open", path))?;
        Ok(RealFile::new(pool, path, WhichFile::of(&found), found.len()))
    }

    /// A new file, in place of one of that name.
    pub(super) fn create(pool: &Arc<Pool>, path: &Path) -> Result<Arc<RealFile>, StorageError> {
        let create = || OpenOptions::new().read(true).append(true).create_new(true).open(path);
        let create = || match pool.open(create) {
            // A new file instead of a truncated one: the old one may be mapped.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(path)?;
                pool.open(create)
            }
            done => done,
        };
        let describe = |file: File| file.metadata().map(|found| (file, WhichFile::of(&found)));
        let (descriptor, which) = create().and_then(describe).map_err(StorageError::io("create", path))?;
        let file = RealFile::new(pool, path, which, 0);
        file.state().descriptor = Some(Arc::new(descriptor));
        pool.admit(&file.me);
        Ok(file)
    }

    fn new(pool: &Arc<Pool>, path: &Path, which: WhichFile, length: u64) -> Arc<RealFile> {
        Arc::new_cyclic(|me| RealFile {
            me: me.clone(),
            pool: pool.clone(),
            path: path.to_owned(),
            state: Mutex::new(State::new(which)),
            length: AtomicU64::new(length),
            used: AtomicBool::new(true),
            unsynced: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its descriptor, opened if it has none. While somebody holds it, the pool does not take it away.
    fn descriptor(&self, state: &mut State) -> io::Result<Arc<File>> {
        self.used.store(true, Ordering::Relaxed);
        if let Some(descriptor) = &state.descriptor {
            return Ok(descriptor.clone());
        }
        let descriptor = self.pool.open(|| append_handle(&self.path))?;
        if WhichFile::of(&descriptor.metadata()?) != state.which {
            return Err(io::Error::new(io::ErrorKind::NotFound, "another file has taken its name"));
        }
        let descriptor = Arc::new(descriptor);
        state.descriptor = Some(descriptor.clone());
        // Its place in the pool may be left from before: then it has two for a while.
        self.pool.admit(&self.me);
        Ok(descriptor)
    }

    fn file(&self) -> io::Result<Arc<File>> {
        self.descriptor(&mut self.state())
    }

    /// The descriptor, for a write that has to be synced one day.
    fn file_to_write(&self) -> io::Result<Arc<File>> {
        let mut state = self.state();
        // Under the lock, so that the pool sees it before it may close the file.
        self.unsynced.store(true, Ordering::Release);
        self.descriptor(&mut state)
    }

    /// A mapping that reaches to `end`, which lies within the `written` bytes of the file. One that became too small lives on
    /// under its slices.
    fn mapping(&self, state: &mut State, end: u64, written: u64) -> io::Result<Arc<Mapping>> {
        if let Some(mapping) = state.mapping.as_ref().filter(|mapping| mapping.reserved() >= end) {
            self.used.store(true, Ordering::Relaxed);
            return Ok(mapping.clone());
        }
        let descriptor = self.descriptor(state)?;
        let mapping = Arc::new(Mapping::new(&descriptor, written)?);
        state.mapping = Some(mapping.clone());
        Ok(mapping)
    }

    /// A slice of the mapped file, cut at the end of what was written. Whether its pages can be read was not looked at.
    fn slice(&self, position: u64, length: usize) -> Result<(Bytes, Arc<Mapping>), StorageError> {
        // The lock is held until the slice exists, so that `truncate` cannot come between.
        let mut state = self.state();
        let written = self.len();
        let end = position.saturating_add(length as u64).min(written);
        let start = position.min(end);
        let mapping = self.mapping(&mut state, end, written).map_err(StorageError::io("map", &self.path))?;
        Ok((mmap::slice(&mapping, start as usize, (end - start) as usize), mapping))
    }

    /// A copy of a stretch that lies within what was written.
    fn copy(&self, position: u64, length: usize) -> Result<Bytes, StorageError> {
        let mut bytes = vec![0; length];
        let read = |file: Arc<File>| read_up_to(&file, &mut bytes, position);
        let read = self.file().and_then(read).map_err(StorageError::io("read", &self.path))?;
        // Shorter than it was: cut off meanwhile by its owner, or by nobody who may.
        if position + (read as u64) < self.len().min(position + length as u64) {
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than what was written to it");
            return Err(StorageError::io("read", &self.path)(error));
        }
        bytes.truncate(read);
        Ok(bytes.into())
    }

    /// What keeps the file from being made shorter, and its descriptor from being closed, while a region of it is sent.
    fn lease(&self, state: &mut State) -> io::Result<Arc<Lease>> {
        if let Some(lease) = state.lease.upgrade() {
            self.used.store(true, Ordering::Relaxed);
            return Ok(lease);
        }
        let lease = Arc::new(Lease::new(&self.descriptor(state)?)?);
        state.lease = Arc::downgrade(&lease);
        Ok(lease)
    }

    /// Gives up descriptor and mapping if it is among those that may be closed; whether it has none now. Slices stay readable.
    pub(super) fn let_go(&self, which: Which) -> bool {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let Some(descriptor) = &state.descriptor else { return true };
        if (self.used.swap(false, Ordering::Relaxed) && which == Which::Idle) || Arc::strong_count(descriptor) > 1 {
            return false;
        }
        if self.unsynced.load(Ordering::Acquire) {
            if which != Which::Any {
                return false;
            }
            if descriptor.sync_data().is_err() {
                // Told to whoever syncs or writes next; until then the descriptor stays.
                self.lost.store(true, Ordering::Release);
                return false;
            }
            self.unsynced.store(false, Ordering::Release);
        }
        state.descriptor = None;
        state.mapping = None;
        true
    }

    /// Whether it has a descriptor or a mapping.
    #[cfg(test)]
    pub(super) fn is_open(&self) -> bool {
        let state = self.state();
        state.descriptor.is_some() || state.mapping.is_some()
    }

    /// Puts a shorter copy in this file's place; the old content lives on under the slices that were read from it.
    fn replace_by_copy(&self, state: &mut State, length: u64) -> io::Result<()> {
        let mut copy_path = self.path.as_os_str().to_owned();
        copy_path.push(".cut");
        let copy_path = PathBuf::from(copy_path);
        let mut source = io::Read::take(self.pool.open(|| File::open(&self.path))?, length);
        let mut copy = self.pool.open(|| File::create(&copy_path))?;
        io::copy(&mut source, &mut copy)?;
        copy.sync_all()?;
        fs::rename(&copy_path, &self.path)?;
        *state = State::new(WhichFile::of(&copy.metadata()?));
        self.unsynced.store(false, Ordering::Release);
        self.descriptor(state).map(drop)
    }

    /// Says once that writes were lost when the pool closed the file.
    fn check_lost(&self) -> Result<(), StorageError> {
        if self.lost.swap(false, Ordering::AcqRel) {
            self.broken.store(true, Ordering::Release);
            let error = io::Error::other("written data was lost when the file was closed for lack of descriptors");
            return Err(StorageError::io("sync", &self.path)(error));
        }
        Ok(())
    }
}

impl DiskFile for RealFile {
    fn len(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<(), StorageError> {
        self.check_lost()?;
        if self.broken.load(Ordering::Acquire) {
            return Err(StorageError::Broken { path: self.path.clone() });
        }
        let total: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let file = self.file_to_write().map_err(StorageError::io("open", &self.path))?;
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
        let written = self.len();
        let end = position.saturating_add(length as u64).min(written);
        if position >= end {
            return Ok(Bytes::new());
        }
        if end - position <= COPIED as u64 {
            return self.copy(position, (end - position) as usize);
        }
        let (bytes, mapping) = self.slice(position, length)?;
        // Without the lock, for the disk may be slow. The slice holds the mapping, which keeps the file as long as it is.
        mapping.fault_in(position as usize, bytes.len()).map_err(StorageError::io("read", &self.path))?;
        Ok(bytes)
    }

    fn read_to_send(&self, position: u64, length: usize) -> Result<(Bytes, Option<FileRegion>), StorageError> {
        match self.region(position, length) {
            // The system says what is wrong when the region is sent.
            Some(region) => Ok((self.slice(position, length)?.0, Some(region))),
            None => Ok((self.read_at(position, length)?, None)),
        }
    }

    fn region(&self, position: u64, length: usize) -> Option<FileRegion> {
        // The lock is held until the lease exists, so that `truncate` cannot come between.
        let mut state = self.state();
        let within = position.checked_add(length as u64).is_some_and(|end| end <= self.len());
        if !within || !cfg!(target_os = "linux") {
            return None;
        }
        // Without a lease the bytes go through memory, which says what is wrong with the file if something is.
        self.lease(&mut state).ok().map(|lease| FileRegion::new(lease, position, length))
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.check_lost()?;
        let file = self.file().map_err(StorageError::io("open", &self.path))?;
        // What is written from here on may not be part of it.
        let unsynced = self.unsynced.swap(false, Ordering::AcqRel);
        file.sync_data().map_err(|error| {
            self.unsynced.fetch_or(unsynced, Ordering::AcqRel);
            StorageError::io("sync", &self.path)(error)
        })
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        if length >= self.len() {
            return Ok(());
        }
        let mut state = self.state();
        state.mapping = None;
        self.unsynced.store(true, Ordering::Release);
        let in_place = !self.broken.load(Ordering::Acquire);
        let shorten = |state: &mut State| mapped::shorten_unmapped(&*self.descriptor(state)?, length);
        let cut = match in_place.then(|| shorten(&mut state)) {
            Some(Ok(true)) => Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(false)) | None => self.replace_by_copy(&mut state, length),
        };
        cut.map_err(StorageError::io("truncate", &self.path))?;
        self.length.store(length, Ordering::Release);
        self.broken.store(false, Ordering::Release);
        Ok(())
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    fn reserve(&self, length: u64) -> Result<(), StorageError> {
        if length == 0 {
            return Ok(());
        }
        let reserve = |file: Arc<File>| reserve(&file, length);
        self.file().and_then(reserve).map_err(StorageError::io("reserve room for", &self.path))
    }

    fn release(&self) -> Result<(), StorageError> {
        let trim = |file: Arc<File>| file.set_len(self.len());
        self.file().and_then(trim).map_err(StorageError::io("trim", &self.path))
    }

    fn modified(&self) -> Result<Timestamp, StorageError> {
        let modified = fs::metadata(&self.path).and_then(|found| found.modified());
        let modified = modified.map_err(StorageError::io("look at", &self.path))?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Ok(Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    fn set_modified(&self, time: Timestamp) -> Result<(), StorageError> {
        let time = UNIX_EPOCH + Duration::from_millis(time.0.max(0).unsigned_abs());
        let date = |file: Arc<File>| file.set_modified(time);
        self.file().and_then(date).map_err(StorageError::io("date", &self.path))
    }
}

/// Fills the buffer from a position on, as far as the file goes; how far that is.
fn read_up_to(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read_some(file, &mut buffer[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

/// Moves the file's position, which nothing here relies on: it is written at its end only.
#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

fn append_handle(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
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
