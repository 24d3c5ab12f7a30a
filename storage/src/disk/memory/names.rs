//! Which names stand for which files: as programs see it, and as it would be after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Inode;
use crate::disk::FaultPlan;

/// A change of names that the folder's sync has not made durable yet.
#[derive(Debug)]
enum Change {
    Folder(PathBuf),
    Put(PathBuf, Arc<Inode>),
    Removed(PathBuf),
    Renamed { from: PathBuf, to: PathBuf, inode: Arc<Inode> },
}

impl Change {
    fn paths(&self) -> [&Path; 2] {
        match self {
            Change::Folder(path) | Change::Put(path, _) | Change::Removed(path) => [path, path],
            Change::Renamed { from, to, .. } => [from, to],
        }
    }

    /// Whether a later change must not overtake this one.
    fn touches_same(&self, later: &Change) -> bool {
        self.paths().iter().any(|path| later.paths().contains(path))
    }

    /// Whether the change is one of entries of this folder.
    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Change::Folder(path) | Change::Put(path, _) | Change::Removed(path) => path.parent() == Some(dir),
            Change::Renamed { from, to, .. } => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

/// Names of files and folders.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, Arc<Inode>>,
    durable_dirs: BTreeSet<PathBuf>,
    durable: BTreeMap<PathBuf, Arc<Inode>>,
    changes: Vec<Change>,
}

impl Names {
    pub(super) fn make_dirs(&mut self, dir: &Path) {
        for path in dir.ancestors() {
            if self.dirs.insert(path.to_owned()) {
                self.changes.push(Change::Folder(path.to_owned()));
            }
        }
    }

    pub(super) fn put(&mut self, path: &Path, inode: Arc<Inode>) {
        self.files.insert(path.to_owned(), inode.clone());
        self.changes.push(Change::Put(path.to_owned(), inode));
    }

    /// As `put`, durable at once.
    pub(super) fn put_durable(&mut self, path: &Path, inode: Arc<Inode>) {
        self.changes.retain(|change| !matches!(change, Change::Put(at, _) | Change::Removed(at) if at == path));
        self.files.insert(path.to_owned(), inode.clone());
        self.durable.insert(path.to_owned(), inode);
    }

    pub(super) fn remove(&mut self, path: &Path) {
        if self.files.remove(path).is_some() {
            self.changes.push(Change::Removed(path.to_owned()));
        }
    }

    /// Renames a file or folder; false if it is not there. Folders are renamed durably.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> bool {
        if let Some(inode) = self.files.remove(from) {
            self.files.insert(to.to_owned(), inode.clone());
            self.changes.push(Change::Renamed { from: from.to_owned(), to: to.to_owned(), inode });
            return true;
        }
        if !self.dirs.contains(from) {
            return false;
        }
        self.sync_dir(from);
        let moved = |path: &PathBuf| match path.strip_prefix(from) {
            Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
            Ok(rest) => to.join(rest),
            Err(_) => path.clone(),
        };
        self.changes.retain(|change| !matches!(change, Change::Folder(at) if at == from));
        self.dirs = self.dirs.iter().map(moved).collect();
        self.durable_dirs = self.durable_dirs.iter().chain([&from.to_owned()]).map(moved).collect();
        for names in [&mut self.files, &mut self.durable] {
            *names = std::mem::take(names).into_iter().map(|(path, inode)| (moved(&path), inode)).collect();
        }
        true
    }

    /// Removes a folder and all in it, durably.
    pub(super) fn remove_dir(&mut self, dir: &Path) {
        self.sync_dir(dir);
        for dirs in [&mut self.dirs, &mut self.durable_dirs] {
            dirs.retain(|path| !path.starts_with(dir));
        }
        for names in [&mut self.files, &mut self.durable] {
            names.retain(|path, _| !path.starts_with(dir));
        }
        self.changes.retain(|change| !matches!(change, Change::Folder(at) if at.starts_with(dir)));
    }

    /// Makes the changes in a folder durable, in their order.
    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let (here, elsewhere) = std::mem::take(&mut self.changes).into_iter().partition(|change| change.is_in(dir));
        self.changes = elsewhere;
        Vec::into_iter(here).for_each(|change| self.make_durable(change));
    }

    /// The system makes some changes durable on its own account.
    pub(super) fn write_back(&mut self, plan: &mut FaultPlan) {
        for change in std::mem::take(&mut self.changes) {
            let waits = self.changes.iter().any(|earlier| earlier.touches_same(&change));
            if plan.below(2) == 1 && !waits { self.make_durable(change) } else { self.changes.push(change) }
        }
    }

    /// The power goes: each change survives or not.
    pub(super) fn crash(&mut self, plan: &mut FaultPlan) {
        for change in std::mem::take(&mut self.changes) {
            if plan.below(2) == 1 {
                self.make_durable(change);
            }
        }
        self.dirs = self.durable_dirs.clone();
        self.files = self.durable.clone();
        let Names { dirs, files, durable, .. } = self;
        // A folder that is lost takes its files along.
        files.retain(|path, _| path.parent().is_none_or(|dir| dirs.contains(dir)));
        durable.clone_from(files);
    }

    /// The power goes: folders survive, no other change does.
    pub(super) fn crash_plainly(&mut self) {
        self.changes.clear();
        self.durable_dirs = self.dirs.clone();
        self.files = self.durable.clone();
    }

    /// A change whose precondition was lost does not happen.
    fn make_durable(&mut self, change: Change) {
        match change {
            Change::Folder(path) => drop(self.durable_dirs.insert(path)),
            Change::Put(path, inode) => drop(self.durable.insert(path, inode)),
            Change::Removed(path) => drop(self.durable.remove(&path)),
            Change::Renamed { from, to, inode } => {
                if self.durable.get(&from).is_some_and(|found| Arc::ptr_eq(found, &inode)) {
                    self.durable.remove(&from);
                    self.durable.insert(to, inode);
                }
            }
        }
    }
}
