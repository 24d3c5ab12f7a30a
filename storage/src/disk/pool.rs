//! Who among the files has a descriptor and a mapping: more files than may be open share a bounded number of places.
//!
//! The places form a ring with a hand (the clock algorithm): a file that was used since the hand last passed is spared once. A file
//! with writes that were not synced keeps its descriptor while there is another near to take: the system tells of a failed write to those
//! who have the file open at that moment, and of one that nobody was told of only while it remembers the file at all, so a sync
//! through a later descriptor could miss it. When the hand meets nothing but such files, one is synced before it is closed. How far the
//! hand goes for one file is bounded, so that thousands of files that cannot be closed do not make each new one slow.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::file::RealFile;
use super::limits::FileLimits;

/// Descriptors that are given back at once when the process has no more.
const GIVEN_BACK: usize = 64;
/// How many files are asked for their place before the next kind of files has to give one.
const ASKED_AT_ONCE: usize = 64;

/// Which files may be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those not used since they were last asked, and without unsynced writes.
    Idle,
    /// Those without unsynced writes.
    Synced,
    /// All; those with unsynced writes are synced before.
    Any,
}

#[derive(Debug)]
pub(super) struct Pool {
    limit: usize,
    /// The files that have a place, the next to be asked first. Some may be gone.
    ring: Mutex<VecDeque<Weak<RealFile>>>,
}

impl Pool {
    pub(super) fn new(limits: FileLimits) -> Arc<Pool> {
        Arc::new(Pool { limit: limits.open_files.max(1), ring: Mutex::default() })
    }

    /// The pool of the whole process, as large as its limits allow when it is first used.
    pub(super) fn of_process() -> &'static Arc<Pool> {
        static POOL: OnceLock<Arc<Pool>> = OnceLock::new();
        POOL.get_or_init(|| Pool::new(FileLimits::of_process()))
    }

    /// Opens a descriptor; where the process has no more of them, some files give theirs back first.
    pub(super) fn open(&self, open: impl Fn() -> io::Result<File>) -> io::Result<File> {
        match open() {
            Err(error) if is_out_of_descriptors(&error) => {
                let room = self.ring().len().saturating_sub(GIVEN_BACK);
                self.shrink(room, Which::Synced, usize::MAX);
                open()
            }
            done => done,
        }
    }

    /// Gives a place to a file that has just opened its descriptor; others lose theirs if there are too many.
    pub(super) fn admit(&self, file: &Weak<RealFile>) {
        let crowded = {
            let mut ring = self.ring();
            ring.push_back(file.clone());
            ring.len() > self.limit
        };
        if crowded {
            let kinds = [Which::Idle, Which::Synced, Which::Any];
            kinds.into_iter().all(|which| !self.shrink(self.limit, which, ASKED_AT_ONCE));
        }
    }

    /// Closes the files that were not used since this was called the last time.
    pub(super) fn rest(&self) {
        self.shrink(0, Which::Idle, usize::MAX);
    }

    /// Goes around, but once at most and past no more than `patience` files that stay, and closes files until no more than `limit` have
    /// a place; whether that is so.
    fn shrink(&self, limit: usize, which: Which, patience: usize) -> bool {
        let mut asked = 0;
        loop {
            let next = {
                let mut ring = self.ring();
                if ring.len() <= limit {
                    return true;
                }
                if asked >= ring.len().min(patience) {
                    return false;
                }
                ring.pop_front()
            };
            // Not under the lock of the ring: a file may have to be synced.
            let Some(file) = next.as_ref().and_then(Weak::upgrade) else { continue };
            if !file.let_go(which) {
                self.ring().extend(next);
                asked += 1;
            }
        }
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Weak<RealFile>>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files that have a descriptor or a mapping.
    #[cfg(test)]
    pub(super) fn open_files(&self) -> usize {
        self.ring().iter().filter_map(Weak::upgrade).filter(|file| file.is_open()).count()
    }
}

/// EMFILE and ENFILE, for which the standard library has no kind yet.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}
