//! A disk that fails on demand: a wrapper around any [`Disk`], the real one or the one in memory, for tests.
//!
//! Faults are injected by path prefix and may be switched while the disk is in use:
//!
//! ```
//! # use std::{path::Path, sync::Arc};
//! # use forebay_storage::disk::{Disk, Fault, FaultyDisk, RealDisk};
//! # let folder = tempfile::tempdir().unwrap();
//! # let (a, b) = (folder.path().join("a"), folder.path().join("b"));
//! let disk = FaultyDisk::new(Arc::new(RealDisk));
//! disk.create_dir_all(&a)?;
//! disk.create_dir_all(&b)?;
//! disk.set_space(&a, 10);                       // room for ten bytes more below `a`, then ENOSPC
//! disk.inject(&b, Fault::SyncFails);            // EIO on each sync below `b`
//! assert!(disk.write_atomic(&a.join("x"), &[0; 11]).unwrap_err().is_full());
//! assert!(disk.write_atomic(&b.join("x"), &[0; 11]).unwrap_err().is_disk_failure());
//! disk.heal(&a);                                // both as good as new
//! disk.heal(&b);
//! disk.write_atomic(&a.join("x"), &[0; 11])?;
//! assert_eq!(disk.syncs(&a.join("x")), 2);
//! # Ok::<(), forebay_storage::error::StorageError>(())
//! ```
//!
//! What it does beyond saying no: an append for which the space is too small writes what fits, fails, and is cut back, as with a
//! file system; where even the cut fails, the bytes stay on the disk behind the end that the handle reports, and that handle takes
//! no more. Space comes back when files are cut, replaced or removed. A sync that fails over a [`MemoryDisk`] drops the dirty
//! pages (see there).

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::faults::{Fault, FaultPlan, Operation, Rule, When};
use super::{DirEntry, Disk, DiskFile, DiskSpace, MemoryDisk};
use crate::error::StorageError;
use file::FaultyFile;

/// Fails as told, else passes everything on. Clones share faults, space and counters.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    /// The inner disk once more, if it is in memory: its dirty pages can be dropped.
    memory: Option<MemoryDisk>,
    board: Arc<Mutex<Board>>,
    gate: Arc<Gate>,
}

/// Where syncs wait.
#[derive(Debug, Default)]
struct Gate {
    /// Below which paths they do, and how many are there.
    closed: Mutex<(Vec<PathBuf>, usize)>,
    changed: Condvar,
}

/// What was injected, and what was counted.
#[derive(Debug, Default)]
struct Board {
    rules: Vec<(PathBuf, Rule)>,
    /// Bytes that may still be written below a folder.
    space: BTreeMap<PathBuf, u64>,
    read: BTreeMap<PathBuf, u64>,
    syncs: BTreeMap<PathBuf, u64>,
    /// Writes for which there was too little space.
    refused: BTreeMap<PathBuf, u64>,
    operations: u64,
    /// Neither faults nor limits of space count.
    spared: bool,
}

impl Board {
    /// The space of the longest prefix that has a limit.
    fn space(&mut self, path: &Path) -> Option<&mut u64> {
        if self.spared {
            return None;
        }
        let limited = self.space.iter_mut().filter(|(prefix, _)| path.starts_with(prefix));
        limited.max_by_key(|(prefix, _)| prefix.components().count()).map(|(_, space)| space)
    }
}

impl FaultyDisk {
    /// Passes everything on to `inner` until a fault is injected.
    #[must_use]
    pub fn new(inner: Arc<dyn Disk>) -> FaultyDisk {
        FaultyDisk { inner, memory: None, board: Arc::default(), gate: Arc::default() }
    }

    /// The same over a disk in memory, where a failed sync also drops the dirty pages.
    #[must_use]
    pub fn over_memory(memory: MemoryDisk) -> FaultyDisk {
        let inner = Arc::new(memory.clone());
        FaultyDisk { inner, memory: Some(memory), board: Arc::default(), gate: Arc::default() }
    }

    /// From now on `fault` meets every operation at or below `prefix`, until [`FaultyDisk::heal`].
    pub fn inject(&self, prefix: &Path, fault: Fault) {
        self.add(prefix, Rule { fault, when: When::Always });
    }

    /// `fault` spares the next `skip` operations that it could meet at or below `prefix`, then meets `count` of them.
    pub fn inject_window(&self, prefix: &Path, fault: Fault, skip: u64, count: u64) {
        self.add(prefix, Rule { fault, when: When::Window { skip, count } });
    }

    /// `fault` meets one in `one_in` operations at or below `prefix`, as the plan decides.
    pub fn inject_by_chance(&self, prefix: &Path, fault: Fault, one_in: u64, plan: FaultPlan) {
        self.add(prefix, Rule { fault, when: When::Chance { one_in, plan } });
    }

    /// Leaves room for `bytes` more at or below `prefix`. Writes beyond that fail with ENOSPC after what fits; cutting, replacing and
    /// removing files makes room again.
    pub fn set_space(&self, prefix: &Path, bytes: u64) {
        self.board().space.insert(prefix.to_owned(), bytes);
    }

    /// Takes back the faults and the limit of space that were set for exactly this prefix.
    pub fn heal(&self, prefix: &Path) {
        let mut board = self.board();
        board.rules.retain(|(at, _)| at != prefix);
        board.space.remove(prefix);
    }

    /// Takes back all faults and limits.
    pub fn heal_all(&self) {
        let mut board = self.board();
        board.rules.clear();
        board.space.clear();
    }

    /// From now on syncs of files at or below `prefix` wait until [`FaultyDisk::let_syncs_go`].
    pub fn hold_syncs(&self, prefix: &Path) {
        self.closed().0.push(prefix.to_owned());
    }

    /// Lets all syncs go that wait, and those that come.
    pub fn let_syncs_go(&self) {
        self.closed().0.clear();
        self.gate.changed.notify_all();
    }

    /// Waits until `count` syncs wait.
    pub fn await_held_syncs(&self, count: usize) {
        let waiting = self.gate.changed.wait_while(self.closed(), |(_, waiting)| *waiting < count);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }

    fn closed(&self) -> MutexGuard<'_, (Vec<PathBuf>, usize)> {
        self.gate.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_gate(&self, path: &Path) {
        let mut closed = self.closed();
        let held = |prefixes: &[PathBuf]| prefixes.iter().any(|prefix| path.starts_with(prefix));
        if !held(&closed.0) {
            return;
        }
        closed.1 += 1;
        self.gate.changed.notify_all();
        let waited = self.gate.changed.wait_while(closed, |(prefixes, _)| held(prefixes));
        waited.unwrap_or_else(PoisonError::into_inner).1 -= 1;
    }

    /// While `spared`, nothing fails and no window moves: for a look at the state in between.
    pub fn spare(&self, spared: bool) {
        self.board().spared = spared;
    }

    /// Bytes read from files at or below `prefix` since the last [`FaultyDisk::forget_counts`]. A slice of a file counts as a
    /// whole when it is handed out.
    #[must_use]
    pub fn bytes_read(&self, prefix: &Path) -> u64 {
        below(&self.board().read, prefix)
    }

    /// Syncs of files and folders at or below `prefix` that were asked for since the last [`FaultyDisk::forget_counts`].
    #[must_use]
    pub fn syncs(&self, prefix: &Path) -> u64 {
        below(&self.board().syncs, prefix)
    }

    /// Writes at or below `prefix` that found too little space since the last [`FaultyDisk::forget_counts`].
    #[must_use]
    pub fn refused(&self, prefix: &Path) -> u64 {
        below(&self.board().refused, prefix)
    }

    /// Operations of any kind since the last [`FaultyDisk::forget_counts`]; the bound for windows that try each of them.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.board().operations
    }

    /// Sets all counters to zero.
    pub fn forget_counts(&self) {
        let mut board = self.board();
        board.read.clear();
        board.syncs.clear();
        board.refused.clear();
        board.operations = 0;
    }

    fn add(&self, prefix: &Path, rule: Rule) {
        self.board().rules.push((prefix.to_owned(), rule));
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the operation may happen; each rule that could meet it is asked.
    fn admit(&self, operation: Operation, path: &Path) -> Result<(), StorageError> {
        let mut board = self.board();
        board.operations += 1;
        if matches!(operation, Operation::Sync | Operation::SyncDir) {
            *board.syncs.entry(path.to_owned()).or_default() += 1;
        }
        if board.spared {
            return Ok(());
        }
        let rules = board.rules.iter_mut().filter(|(prefix, _)| path.starts_with(prefix));
        let met: Vec<Fault> = rules.filter_map(|(_, rule)| rule.meets(operation)).collect();
        match met.first() {
            None => Ok(()),
            Some(fault) => Err(StorageError::io(operation.verb(), path)(fault.error())),
        }
    }

    /// Takes up to `wanted` bytes of space; returns how many there were.
    fn take_space(&self, path: &Path, wanted: u64) -> u64 {
        let mut board = self.board();
        let Some(space) = board.space(path) else { return wanted };
        let taken = wanted.min(*space);
        *space -= taken;
        if taken < wanted {
            *board.refused.entry(path.to_owned()).or_default() += 1;
        }
        taken
    }

    fn give_space(&self, path: &Path, bytes: u64) {
        if let Some(space) = self.board().space(path) {
            *space += bytes;
        }
    }

    /// Bytes of a file, or of all files in a folder, as far as they would come free with it.
    fn size_of(&self, path: &Path) -> u64 {
        if self.board().space(path).is_none() {
            return 0;
        }
        match self.inner.list(path) {
            Ok(entries) => entries.iter().map(|entry| self.size_of(&path.join(&entry.name))).sum(),
            Err(_) => self.inner.open(path).map_or(0, |file| file.len()),
        }
    }

    fn count_read(&self, path: &Path, bytes: usize) {
        *self.board().read.entry(path.to_owned()).or_default() += bytes as u64;
    }

    fn wrap(&self, path: &Path, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let length = AtomicU64::new(inner.len());
        Arc::new(FaultyFile {
            disk: self.clone(),
            path: path.to_owned(),
            inner,
            length,
            broken: AtomicBool::new(false),
        })
    }
}

fn below(counts: &BTreeMap<PathBuf, u64>, prefix: &Path) -> u64 {
    counts.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        self.admit(Operation::Open, path)?;
        Ok(self.wrap(path, self.inner.open(path)?))
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, StorageError> {
        self.admit(Operation::Create, path)?;
        let freed = self.size_of(path);
        let file = self.inner.create(path)?;
        self.give_space(path, freed);
        Ok(self.wrap(path, file))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        self.admit(Operation::Read, path)?;
        let content = self.inner.read(path)?;
        self.count_read(path, content.len());
        Ok(content)
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        self.admit(Operation::WriteAtomic, path)?;
        self.admit(Operation::Sync, path)?;
        let wanted = content.len() as u64;
        let taken = self.take_space(path, wanted);
        if taken < wanted {
            self.give_space(path, taken);
            return Err(StorageError::io("write", path)(Fault::Full.error()));
        }
        let freed = self.size_of(path);
        self.inner.write_atomic(path, content)?;
        self.give_space(path, freed);
        // The folder's sync comes last: when it fails, the new content is there already.
        self.admit(Operation::SyncDir, path.parent().unwrap_or(path))
    }

    fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        self.admit(Operation::List, path)?;
        self.inner.exists(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>, StorageError> {
        self.admit(Operation::List, dir)?;
        self.inner.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        self.admit(Operation::Create, dir)?;
        self.inner.create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.admit(Operation::Rename, from)?;
        let freed = self.size_of(to);
        self.inner.rename(from, to)?;
        self.give_space(to, freed);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        self.admit(Operation::Remove, path)?;
        let freed = self.size_of(path);
        self.inner.remove_file(path)?;
        self.give_space(path, freed);
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> Result<(), StorageError> {
        self.admit(Operation::Remove, dir)?;
        let freed = self.size_of(dir);
        self.inner.remove_dir_all(dir)?;
        self.give_space(dir, freed);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), StorageError> {
        self.admit(Operation::SyncDir, dir)?;
        self.inner.sync_dir(dir)
    }

    fn space(&self, dir: &Path) -> Result<Option<DiskSpace>, StorageError> {
        self.admit(Operation::List, dir)?;
        self.inner.space(dir)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Send + Sync>, StorageError> {
        self.admit(Operation::Open, path)?;
        self.inner.lock(path)
    }
}
