//! A disk in memory with two images: what programs see, and what would be left after the power went.
//!
//! The fault model. Assume of a disk only what POSIX promises, and of the rest the worst that file systems have been seen to do:
//!
//! - **A write is in no hurry.** What was appended since the last sync of its file is in dirty pages. A crash keeps any of them and
//!   loses any others, in any order and independently in each file: a later page may survive without an earlier one.
//! - **The length is metadata.** It may be durable while the data is not: the missing pages read as zeros, or as garbage. Or the
//!   data was written and the length was not.
//! - **Writes tear.** Of a page that was on its way, the first bytes may be new and the rest old, cut at any byte.
//! - **The system writes when it likes** ([`MemoryDisk::write_back`]), so that what was cut off or replaced later may have been
//!   durable in between.
//! - **Names are data of their folder.** Files created, renamed and removed since the last sync of the folder are so after a crash,
//!   or not, each for itself; a rename happens as a whole or not at all. A new folder may be gone with all in it.
//! - **A sync that fails is worse than none** ([`MemoryDisk::drop_dirty_pages`]): the dirty pages count as clean though they are
//!   not on the medium; programs still read what they wrote, the next sync succeeds, and the data is gone after a crash.
//! - **A killed process loses nothing:** open the same disk again without a crash.
//!
//! What is synced stays, undamaged; bit rot is for tests to do by hand ([`MemoryDisk::damage`]). Renaming and removing whole folders is
//! durable at once. Operations do not fail here: for EIO, ENOSPC and short writes put a [`super::FaultyDisk`] before it.
//!
//! All of it is decided by a [`FaultPlan`], so that the same plan gives the same disk.

mod content;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use self::content::Content;
use self::names::Names;
use super::{DirEntry, Disk, DiskFile, FaultPlan};
use crate::error::StorageError;

/// Bytes of a page, unless the test wants smaller ones.
const PAGE: usize = 4096;

/// Files in memory. Clones share the same files.
#[derive(Clone, Debug)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
    page: usize,
}

#[derive(Debug, Default)]
struct State {
    names: Names,
    locks: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Inode {
    path: PathBuf,
    content: Mutex<Content>,
}

impl Inode {
    fn new(path: &Path, content: Content) -> Arc<Inode> {
        Arc::new(Inode { path: path.to_owned(), content: Mutex::new(content) })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryDisk {
    fn default() -> MemoryDisk {
        MemoryDisk::with_page_size(PAGE)
    }
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// An empty disk whose dirty pages have `page` bytes, at least one: small ones scatter small files.
    #[must_use]
    pub fn with_page_size(page: usize) -> MemoryDisk {
        MemoryDisk { state: Arc::default(), page: page.max(1) }
    }

    /// The power goes. Of each file, `keep` says how many of the bytes that were appended but not synced survive
    /// (called with the path and their number). Names of files fall back to what was synced. Open files must not be used after this.
    pub fn crash(&self, mut keep: impl FnMut(&Path, usize) -> usize) {
        let mut state = self.state();
        state.names.crash_plainly();
        state.locks.clear();
        for (path, inode) in &state.names.files {
            inode.content().crash_keeping(|unsynced| keep(path, unsynced));
        }
    }

    /// The power goes, and takes of all that was not synced what the plan says; with a plan of zeros, everything. Open files must
    /// not be used after this.
    pub fn crash_by(&self, plan: &mut FaultPlan) {
        let mut state = self.state();
        state.names.crash(plan);
        state.locks.clear();
        for inode in state.names.files.values() {
            inode.content().crash(plan);
        }
    }

    /// The system makes some of what is dirty durable, as the plan says.
    pub fn write_back(&self, plan: &mut FaultPlan) {
        let mut state = self.state();
        state.names.write_back(plan);
        for inode in state.names.files.values() {
            inode.content().write_back(plan);
        }
    }

    /// What a failed sync of a file does: its dirty pages count as clean and are not on the medium.
    pub fn drop_dirty_pages(&self, path: &Path) {
        if let Some(inode) = self.state().names.files.get(path) {
            inode.content().drop_dirty();
        }
    }

    /// Every file with its content as programs see it; to compare disks.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        state.names.files.iter().map(|(path, inode)| (path.clone(), inode.content().live.clone())).collect()
    }

    /// Overwrites a file's content, synced; to damage it in tests.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(inode) = self.state().names.files.get(path) {
            let mut content = inode.content();
            change(&mut content.live);
            *content = Content::durable(self.page, &content.live);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inode(&self, operation: &'static str, path: &Path) -> Result<Arc<Inode>, StorageError> {
        self.state().names.files.get(path).cloned().ok_or_else(|| not_found(operation, path))
    }
}

fn not_found(operation: &'static str, path: &Path) -> StorageError {
    StorageError::io(operation, path)(io::ErrorKind::NotFound.into())
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        Ok(Arc::new(MemoryFile { inode: self.inode("open", path)? }))
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        let inode = Inode::new(path, Content::new(self.page));
        self.state().names.put(path, inode.clone());
        Ok(Arc::new(MemoryFile { inode }))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        let inode = self.inode("read", path)?;
        let content = inode.content();
        Ok(content.live.clone())
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        let inode = Inode::new(path, Content::durable(self.page, content));
        self.state().names.put_durable(path, inode);
        Ok(())
    }

    fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        let state = self.state();
        Ok(state.names.files.contains_key(path) || state.names.dirs.contains(path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError> {
        let state = self.state();
        if !state.names.dirs.contains(dir) {
            return Err(not_found("list", dir));
        }
        let here = |path: &Path, is_dir| {
            let name = (path.parent() == Some(dir)).then(|| path.file_name()?.to_str().map(str::to_owned)).flatten();
            name.map(|name| DirEntry { name, is_dir })
        };
        let dirs = state.names.dirs.iter().filter_map(|path| here(path, true));
        let files = state.names.files.keys().filter_map(|path| here(path, false));
        let mut entries: Vec<_> = dirs.chain(files).collect();
        entries.sort_unstable();
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        self.state().names.make_dirs(dir);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        let renamed = self.state().names.rename(from, to);
        if renamed { Ok(()) } else { Err(not_found("rename", from)) }
    }

    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        self.state().names.remove(path);
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        self.state().names.remove_dir(dir);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError> {
        self.state().names.sync_dir(dir);
        Ok(())
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
        if !self.state().locks.insert(path.to_owned()) {
            return Err(StorageError::Locked { path: path.to_owned() });
        }
        Ok(Box::new(Lock { disk: self.clone(), path: path.to_owned() }))
    }
}

struct Lock {
    disk: MemoryDisk,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct MemoryFile {
    inode: Arc<Inode>,
}

impl DiskFile for MemoryFile {
    fn len(&self) -> u64 {
        self.inode.content().live.len() as u64
    }

    fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<(), StorageError> {
        let mut content = self.inode.content();
        for part in parts {
            content.append(part);
        }
        Ok(())
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Bytes, StorageError> {
        let content = self.inode.content();
        let start = usize::try_from(position)
            .map_err(|error| StorageError::io("read", &self.inode.path)(io::Error::other(error)))?
            .min(content.live.len());
        let end = start.saturating_add(length).min(content.live.len());
        Ok(Bytes::copy_from_slice(&content.live[start..end]))
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.inode.content().sync();
        Ok(())
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        self.inode.content().truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }
}
