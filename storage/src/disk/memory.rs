//! A disk in memory with two images: what programs see, and what would be left after the power went.
//!
//! The fault model: content written since the last sync of the file, and names changed since the last sync of the folder, may be
//! lost. A crash keeps of the unsynced end of each file as much as the test says, which makes torn writes. A process that is
//! killed loses nothing: open the same disk again without a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{DirEntry, Disk, DiskFile};
use crate::error::StorageError;

/// Files in memory. Clones share the same files.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    dirs: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Arc<Inode>>,
    /// Names as they would be after a crash.
    durable: BTreeMap<PathBuf, Arc<Inode>>,
    locks: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Inode {
    path: PathBuf,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// The durable content is the start of the live one.
    grown_only: bool,
}

impl Inode {
    fn new(path: &Path) -> Arc<Inode> {
        let content = Content { grown_only: true, ..Content::default() };
        Arc::new(Inode { path: path.to_owned(), content: Mutex::new(content) })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn sync(&mut self) {
        if !self.grown_only {
            self.durable.clear();
            self.grown_only = true;
        }
        let known = self.durable.len();
        self.durable.extend_from_slice(&self.live[known..]);
    }
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// The power goes. Of each file, `keep` says how many of the bytes that were appended but not synced survive
    /// (called with the path and their number). Names fall back to what was synced. Open files must not be used after this.
    pub fn crash(&self, mut keep: impl FnMut(&Path, usize) -> usize) {
        let mut state = self.state();
        state.files = state.durable.clone();
        state.locks.clear();
        for (path, inode) in &state.files {
            let mut content = inode.content();
            let mut left = content.durable.clone();
            if content.grown_only {
                let unsynced = &content.live[content.durable.len()..];
                left.extend_from_slice(&unsynced[..keep(path, unsynced.len()).min(unsynced.len())]);
            }
            *content = Content { live: left.clone(), durable: left, grown_only: true };
        }
    }

    /// Every file with its content as programs see it; to compare disks.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.state().files.iter().map(|(path, inode)| (path.clone(), inode.content().live.clone())).collect()
    }

    /// Overwrites a file's content, synced; to damage it in tests.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(inode) = self.state().files.get(path) {
            let mut content = inode.content();
            change(&mut content.live);
            content.grown_only = false;
            content.sync();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(operation: &'static str, path: &Path) -> StorageError {
    StorageError::io(operation, path)(io::ErrorKind::NotFound.into())
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        let inode = self.state().files.get(path).cloned().ok_or_else(|| not_found("open", path))?;
        Ok(Arc::new(MemoryFile { inode }))
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        let inode = Inode::new(path);
        self.state().files.insert(path.to_owned(), inode.clone());
        Ok(Arc::new(MemoryFile { inode }))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        let inode = self.state().files.get(path).cloned().ok_or_else(|| not_found("read", path))?;
        let content = inode.content();
        Ok(content.live.clone())
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        let inode = Inode::new(path);
        let durable = Content { live: content.to_vec(), durable: content.to_vec(), grown_only: true };
        *inode.content() = durable;
        let mut state = self.state();
        state.files.insert(path.to_owned(), inode.clone());
        state.durable.insert(path.to_owned(), inode);
        Ok(())
    }

    fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        let state = self.state();
        Ok(state.files.contains_key(path) || state.dirs.contains(path))
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError> {
        let state = self.state();
        if !state.dirs.contains(dir) {
            return Err(not_found("list", dir));
        }
        let here = |path: &Path, is_dir| {
            let name = (path.parent() == Some(dir)).then(|| path.file_name()?.to_str().map(str::to_owned)).flatten();
            name.map(|name| DirEntry { name, is_dir })
        };
        let dirs = state.dirs.iter().filter_map(|path| here(path, true));
        let files = state.files.keys().filter_map(|path| here(path, false));
        let mut entries: Vec<_> = dirs.chain(files).collect();
        entries.sort_unstable();
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        // Folders are durable at once: which of them a crash takes is not interesting here.
        let mut state = self.state();
        state.dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        let mut state = self.state();
        if let Some(inode) = state.files.remove(from) {
            state.files.insert(to.to_owned(), inode);
            return Ok(());
        }
        if !state.dirs.remove(from) {
            return Err(not_found("rename", from));
        }
        let State { dirs, files, durable, .. } = &mut *state;
        dirs.insert(to.to_owned());
        for names in [files, durable] {
            let inside: Vec<_> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
            for path in inside {
                let inode = names.remove(&path).expect("its key was just listed");
                let rest = path.strip_prefix(from).expect("it starts with the folder");
                names.insert(to.join(rest), inode);
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        self.state().files.remove(path);
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        let mut state = self.state();
        state.dirs.retain(|path| !path.starts_with(dir));
        state.files.retain(|path, _| !path.starts_with(dir));
        state.durable.retain(|path, _| !path.starts_with(dir));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError> {
        let mut state = self.state();
        let State { files, durable, .. } = &mut *state;
        durable.retain(|path, _| path.parent() != Some(dir));
        let here = files.iter().filter(|(path, _)| path.parent() == Some(dir));
        durable.extend(here.map(|(path, inode)| (path.clone(), inode.clone())));
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
            content.live.extend_from_slice(part);
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
        let mut content = self.inode.content();
        let length = length as usize;
        if length < content.live.len() {
            content.live.truncate(length);
            content.grown_only &= length >= content.durable.len();
        }
        Ok(())
    }
}
