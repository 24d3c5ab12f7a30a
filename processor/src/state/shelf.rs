//! What one stage that keeps rows sees of the store: the keys of its slices and sessions, or its entries.

use std::sync::Arc;

use super::changelog::{self, ChangelogError, Record};
use super::store::{PutStored, Store, StoreError};
use super::{Accumulator, Session};
use crate::time::WindowSpan;

/// The part of a store that belongs to one step of windows.
#[derive(Clone, Debug)]
pub struct Shelf {
    store: Arc<Store>,
    nesting: Vec<u8>,
}

impl Shelf {
    /// The part of keys that begin with `nesting`.
    #[must_use]
    pub fn new(store: Arc<Store>, nesting: Vec<u8>) -> Shelf {
        Shelf { store, nesting }
    }

    /// The store's key of a changelog record of these windows.
    fn key(&self, record: &[u8]) -> Vec<u8> {
        [&self.nesting, record].concat()
    }

    /// The accumulators of `group` in a slice.
    pub fn of_key(&self, span: WindowSpan, group: &[u8]) -> Result<Option<Vec<Accumulator>>, StoreError> {
        let mut key = Vec::new();
        changelog::encode_put_key((span, group), &mut key);
        let Some(value) = self.store.get(&self.key(&key))? else { return Ok(None) };
        self.states(&key, &value).map(Some)
    }

    /// The keys of a slice, in the order of their bytes, with their accumulators.
    pub fn slice(&self, span: WindowSpan) -> impl Iterator<Item = Result<(Vec<u8>, Vec<Accumulator>), StoreError>> {
        self.slice_from(span, &[])
    }

    /// The same from the key `from` on.
    pub fn slice_from(
        &self,
        span: WindowSpan,
        from: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<Accumulator>), StoreError>> + use<'_> {
        let mut key = Vec::new();
        changelog::encode_put_key((span, &[]), &mut key);
        let prefix = self.key(&key);
        let (nesting, length) = (self.nesting.len(), prefix.len());
        self.store.scan(&prefix, &[&prefix, from].concat()).map(move |item| {
            let (key, value) = item?;
            let states = self.states(&key[nesting..], &value)?;
            Ok((key[length..].to_vec(), states))
        })
    }

    /// The open sessions of `group`.
    pub fn sessions(&self, group: &[u8]) -> Result<Vec<Session>, StoreError> {
        let mut key = Vec::new();
        changelog::encode_sessions_key(group, &mut key);
        let Some(value) = self.store.get(&self.key(&key))? else { return Ok(Vec::new()) };
        match changelog::decode(Some(&key), Some(&value)) {
            Ok(Record::Sessions { sessions, .. }) => Ok(sessions),
            Ok(_) => Err(self.store.refuse(&ChangelogError::WRONG_WINDOWS)),
            Err(error) => Err(self.store.refuse(&error)),
        }
    }

    /// The changelog records whose keys begin with `prefix`.
    pub fn records(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), StoreError>> + use<'_> {
        let prefix = self.key(prefix);
        let nesting = self.nesting.len();
        self.store.scan(&prefix, &prefix).map(move |item| item.map(|(key, value)| (key[nesting..].to_vec(), value)))
    }

    /// Sessions' keys by their ends, from the end `from` on.
    pub fn timers(&self, from: i64) -> impl Iterator<Item = Result<(i64, Vec<u8>), StoreError>> {
        self.timers_from(from, &[])
    }

    /// Keys by their moments, from the moment `from` on and there from `key` on.
    pub fn timers_from(&self, from: i64, key: &[u8]) -> impl Iterator<Item = Result<(i64, Vec<u8>), StoreError>> {
        let (prefix, from) = (self.key(changelog::TIMER_PREFIX), self.key(&changelog::timer_key(from, key)));
        let nesting = self.nesting.len();
        self.store.scan(&prefix, &from).map(move |item| {
            let (key, _) = item?;
            match changelog::take_timer(&key[nesting..]) {
                Some((end, group)) => Ok((end, group.to_vec())),
                None => Err(self.store.refuse(&ChangelogError::WRONG_WINDOWS)),
            }
        })
    }

    /// The entry of keyed state under this key: when it is over, and what it holds.
    pub fn keyed(&self, name: &[u8]) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let mut key = Vec::new();
        changelog::encode_keyed_key(name, &mut key);
        let Some(value) = self.store.get(&self.key(&key))? else { return Ok(None) };
        self.entry(&key, &value).map(|(_, due, content)| Some((due, content)))
    }

    /// The entries of keyed state whose keys begin with `prefix`, from the key `from` on.
    pub fn keyed_from(
        &self,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, i64, Vec<u8>), StoreError>> + use<'_> {
        let mut key = Vec::new();
        changelog::encode_keyed_key(prefix, &mut key);
        let prefix = self.key(&key);
        changelog::encode_keyed_key(from, &mut key);
        let nesting = self.nesting.len();
        self.store.scan(&prefix, &self.key(&key)).map(move |item| {
            let (key, value) = item?;
            self.entry(&key[nesting..], &value)
        })
    }

    fn entry(&self, key: &[u8], value: &[u8]) -> Result<(Vec<u8>, i64, Vec<u8>), StoreError> {
        match changelog::decode(Some(key), Some(value)) {
            Ok(Record::Keyed { key, entry: Some((due, content)) }) => Ok((key.to_vec(), due, content.to_vec())),
            Ok(_) => Err(self.store.refuse(&ChangelogError::WRONG_WINDOWS)),
            Err(error) => Err(self.store.refuse(&error)),
        }
    }

    /// A record of the store that cannot be taken in.
    pub fn refuse(&self, why: &dyn std::fmt::Display) -> StoreError {
        self.store.refuse(why)
    }

    /// Removes all keys of slices, which must be in the order of their spans.
    pub fn remove(&self, spans: &[WindowSpan], put: &mut PutStored<'_>) -> Result<(), StoreError> {
        for span in spans {
            let mut key = Vec::new();
            changelog::encode_put_key((*span, &[]), &mut key);
            let prefix = self.key(&key);
            for item in self.store.scan(&prefix, &prefix) {
                put(&item?.0, None)?;
            }
        }
        Ok(())
    }

    /// Puts a changelog record of these windows.
    pub fn put(&self, record: &[u8], value: Option<&[u8]>, put: &mut PutStored<'_>) -> Result<(), StoreError> {
        put(&self.key(record), value)
    }

    fn states(&self, key: &[u8], value: &[u8]) -> Result<Vec<Accumulator>, StoreError> {
        match changelog::decode(Some(key), Some(value)) {
            Ok(Record::Put { accumulators, .. }) => Ok(accumulators),
            Ok(_) => Err(self.store.refuse(&ChangelogError::WRONG_WINDOWS)),
            Err(error) => Err(self.store.refuse(&error)),
        }
    }

    /// The store has accumulators of another query: our bug, or damage that its checksums did not see.
    #[must_use]
    pub fn wrong_accumulators(&self) -> StoreError {
        self.store.refuse(&ChangelogError::WRONG_ACCUMULATORS)
    }
}
