//! State on disk, where memory has no room for it: the changelog's records, each key's last one, in a fjall keyspace.
//!
//! # What it is worth
//! Nothing: the changelog is the truth. The store has a record [`About`] that says up to which offset of the changelog it is
//! complete. It is written in bulk and in order (an ingestion of fjall: new tables beside the old ones, seen all at once), with that
//! record among the rest, so a crash leaves the old store or the new one. Records after the offset are played again on top; each of
//! them says the whole of its key, so it does not matter if the store has some of them already.
//!
//! Its keys are those of the changelog, and the key of the changelog's beginning is that of [`About`].

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use serde::{Deserialize, Serialize};

/// The form written today.
const VERSION: u32 = 1;

/// The key of [`About`]: the first one there can be.
pub(super) const ABOUT: &[u8] = &[0];

/// Longest key in bytes: fjall's limit.
pub const MAX_KEY_BYTES: usize = 65_535;

/// Least bytes of cache, whatever the budget.
const MIN_CACHE_BYTES: u64 = 256 * 1024;

/// Open files that are kept for reading.
const MAX_FILES: usize = 64;

/// What a store is and how far it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Version of the form.
    pub version: u32,
    /// Layout of the state: see [`Record::Begin`](super::changelog::Record::Begin).
    pub layout: String,
    /// Every record of the changelog before this offset is in.
    pub offset: i64,
    /// Bytes of the changelog then, since its beginning.
    pub changelog_bytes: u64,
    /// Bytes of the state when it was last written whole to the changelog.
    pub whole_bytes: u64,
    /// Whether the records so far began where everything was written again, and its end has not come.
    pub partial: bool,
    /// What the changelog has beside the windows.
    pub beside: Vec<u8>,
    /// Slices of windows that have keys here.
    pub slices: Vec<StoredSlice>,
    /// For each step of windows, how many keys with sessions and how many sessions are here; for other steps what
    /// [`KeyedState::describe`](super::KeyedState::describe) says.
    pub sessions: Vec<(usize, usize)>,
}

/// A slice that has keys in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSlice {
    /// How many windows go before its own.
    pub before: u8,
    /// End of its first window in ms.
    pub first: i64,
    /// End of its last window in ms.
    pub last: i64,
    /// About how many keys it has.
    pub keys: usize,
}

/// Why the store could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is not there whole, or is of another form: make it anew from the changelog.
    #[error("the state on disk cannot be used: {0}")]
    Unusable(String),
    /// Another task has it open.
    #[error("the state on disk is still in use by the task before this one")]
    Locked,
    /// What it has cannot be read.
    #[error("the state on disk cannot be read: {0}")]
    Read(String),
    /// It cannot be written.
    #[error("state cannot be written to disk: {0}")]
    Write(String),
    /// A key is longer than it takes.
    #[error(
        "a group key of {0} bytes is too long for state on disk ({MAX_KEY_BYTES}); use a shorter key, or give the job more memory \
         ('forebay.state.memory')"
    )]
    LongKey(usize),
}

/// The store of one task.
pub struct Store {
    // Dropped before the database, whose lock goes with the last of both.
    items: Keyspace,
    _database: Database,
    failed: AtomicBool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.items.path()).finish_non_exhaustive()
    }
}

/// Takes a key and its value, or none if the key is to go; keys in ascending order.
pub type PutStored<'p> = dyn FnMut(&[u8], Option<&[u8]>) -> Result<(), StoreError> + 'p;

impl Store {
    /// Opens the store in `folder`, or makes an empty one. `cache_bytes` bounds what is kept of it in memory.
    ///
    /// # Errors
    /// [`StoreError::Locked`], or [`StoreError::Unusable`] if what is there is damaged.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Store, StoreError> {
        let open = || {
            let database = Database::builder(folder)
                .cache_size(cache_bytes.max(MIN_CACHE_BYTES))
                .max_cached_files(Some(MAX_FILES))
                .worker_threads(1)
                .manual_journal_persist(true)
                .open()?;
            let items = database.keyspace("state", KeyspaceCreateOptions::default)?;
            Ok(Store { items, _database: database, failed: AtomicBool::new(false) })
        };
        match unwinding(open) {
            Ok(store) => Ok(store),
            Err(Failure::Of(fjall::Error::Locked)) => Err(StoreError::Locked),
            Err(failure) => Err(StoreError::Unusable(failure.to_string())),
        }
    }

    /// What it says of itself; `None` if it is empty.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if that cannot be read or is of another version.
    pub fn about(&self) -> Result<Option<About>, StoreError> {
        let unusable = |error: String| StoreError::Unusable(error);
        let Some(bytes) = self.get(ABOUT).map_err(|error| unusable(error.to_string()))? else { return Ok(None) };
        let about: About = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
        match about.version {
            VERSION => Ok(Some(about)),
            other => Err(unusable(format!("its form is {other}, this broker knows {VERSION}"))),
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if key.len() > MAX_KEY_BYTES {
            return Ok(None);
        }
        let found = unwinding(|| self.items.get(key));
        found.map(|found| found.map(|value| value.to_vec())).map_err(|failure| self.refuse(&failure))
    }

    /// All keys from `from` on that begin with `prefix`, with their values, in the order of their bytes.
    pub fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), StoreError>> + use<'_> {
        let prefix = prefix.to_vec();
        let mut items = self.items.range(from.max(&prefix).to_vec()..);
        let mut over = false;
        std::iter::from_fn(move || {
            if over {
                return None;
            }
            let item = unwinding(|| items.next().map(fjall::Guard::into_inner).transpose());
            match item {
                Ok(Some((key, value))) if key.starts_with(&prefix) => Some(Ok((key.to_vec(), value.to_vec()))),
                Ok(_) => {
                    over = true;
                    None
                }
                Err(failure) => {
                    over = true;
                    Some(Err(self.refuse(&failure)))
                }
            }
        })
    }

    /// Writes all that `fill` puts, at once: after a crash all of it is there or nothing. Keys must come in ascending order.
    pub fn write(&self, fill: impl FnOnce(&mut PutStored<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let unwritten = |failure: Failure| StoreError::Write(failure.to_string());
        let mut ingestion = unwinding(|| self.items.start_ingestion()).map_err(unwritten)?;
        let mut last: Vec<u8> = Vec::new();
        fill(&mut |key, value| {
            if key.len() > MAX_KEY_BYTES {
                return Err(StoreError::LongKey(key.len()));
            }
            assert!(last.is_empty() || last.as_slice() < key, "keys of a store come in ascending order");
            last.clear();
            last.extend_from_slice(key);
            let written = unwinding(|| match value {
                Some(value) => ingestion.write(key, value),
                None => ingestion.write_tombstone(key),
            });
            written.map_err(unwritten)
        })?;
        unwinding(|| ingestion.finish()).map_err(unwritten)
    }

    /// Puts `about` first.
    pub fn put_about(about: &About, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        let about = About { version: VERSION, ..about.clone() };
        let bytes = serde_json::to_vec(&about).map_err(|error| StoreError::Write(error.to_string()))?;
        put(ABOUT, Some(&bytes))
    }

    /// Bytes on disk.
    #[must_use]
    pub fn size_on_disk(&self) -> u64 {
        self.items.disk_space()
    }

    /// Whether something could not be read: then it is to be made anew.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// What it has makes no sense, for the reason `why`: it is to be made anew.
    pub fn refuse(&self, why: &dyn fmt::Display) -> StoreError {
        self.failed.store(true, Ordering::Relaxed);
        StoreError::Read(why.to_string())
    }
}

/// What fjall says, or that it has panicked: it takes some kinds of damage for its own bugs.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Of(#[from] fjall::Error),
    #[error("its files make no sense")]
    Panic,
}

fn unwinding<T>(work: impl FnOnce() -> Result<T, fjall::Error>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::Of),
        Err(_) => Err(Failure::Panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(store: &Store, prefix: &[u8], from: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        store.scan(prefix, from).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn what_was_written_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 0).unwrap();
        assert_eq!(store.about().unwrap(), None);
        let about = About { version: VERSION, layout: "l".to_owned(), offset: 7, ..About::default() };
        let fill = |put: &mut PutStored<'_>| {
            Store::put_about(&about, put)?;
            [b"a1", b"a2", b"b1"].into_iter().try_for_each(|key| put(key, Some(b"old")))
        };
        store.write(fill).unwrap();
        store.write(|put| put(b"a1", None).and_then(|()| put(b"a2", Some(b"new")))).unwrap();
        assert!(matches!(Store::open(folder.path(), 0), Err(StoreError::Locked)));
        drop(store);
        let store = Store::open(folder.path(), 0).unwrap();
        assert_eq!(store.about().unwrap(), Some(about));
        assert_eq!((store.get(b"a1").unwrap(), store.get(b"a2").unwrap()), (None, Some(b"new".to_vec())));
        assert_eq!(all(&store, b"a", b""), [(b"a2".to_vec(), b"new".to_vec())]);
        assert_eq!(all(&store, b"", b"b"), [(b"b1".to_vec(), b"old".to_vec())]);
        assert!(all(&store, b"a", b"b").is_empty() && store.size_on_disk() > 0);
    }

    #[test]
    fn a_write_that_fails_halfway_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 0).unwrap();
        let long = vec![b'k'; MAX_KEY_BYTES + 1];
        let written = store.write(|put| put(b"a", Some(b"1")).and_then(|()| put(&long, Some(b"2"))));
        assert_eq!(written, Err(StoreError::LongKey(long.len())));
        assert_eq!((store.get(b"a").unwrap(), store.get(&long).unwrap()), (None, None));
        assert!(!store.has_failed());
    }
}
