//! The state of one window: group key -> accumulators.
//!
//! A hash table of indexes into three flat arrays (keys, places of keys, accumulators): an update of a known key allocates
//! nothing, and closing the window drops four allocations, however many keys it had. The table has each key's hash beside the index, so
//! that it finds and moves its entries without a look at the keys. Keys changed since the last commit are
//! remembered once each, for the changelog; those changed since the last checkpoint too, once there is a store
//! ([`super::store`]) that has keys of this window which are not in memory.

mod batch;
mod order;

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Accumulator;
use super::windows::Merge;
pub use batch::{KeyList, TakePlace, each_slice};
pub use order::Walk;

/// Limit of group key bytes in one window, as places are 32 bits wide.
const MAX_KEY_BYTES: usize = u32::MAX as usize;

/// Room for so many keys is always kept for the next window.
const MIN_KEYS: usize = 1024;

/// Room for so many bytes of keys is always kept for the next window.
const MIN_KEY_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
struct Entry {
    key_start: u32,
    key_end: u32,
    /// Changed since the last commit.
    dirty: bool,
    /// Committed since the last checkpoint of the store.
    unstored: bool,
}

impl Entry {
    /// Where its key is among the keys.
    #[inline]
    fn key(self) -> Range<usize> {
        self.key_start as usize..self.key_end as usize
    }
}

/// An entry of the hash table.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Half of the key's hash, which is all of it that counts.
    hash: u32,
    index: u32,
}

/// What the table makes of half a hash: it takes the place from the lower bits and seven bits to compare from the upper ones.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// The window's keys would take more than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group keys of one window take more than 4 GiB; use a smaller window or a shorter key")]
pub struct SliceFull;

/// Accumulators of one window by group key; `width` accumulators a key.
#[derive(Debug)]
pub struct Slice {
    initial: Vec<Accumulator>,
    table: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    keys: Vec<u8>,
    entries: Vec<Entry>,
    accumulators: Vec<Accumulator>,
    dirty: Vec<u32>,
    /// As `dirty`, of the keys that the store is behind with.
    unstored: Vec<u32>,
    in_changelog: bool,
    /// Whether the store may have keys that are not here.
    stored: bool,
    /// About how many of them.
    cold_keys: usize,
    /// How many keys went to the store at the last checkpoint.
    recent: usize,
    /// Bytes of each key's accumulators beside their own size; empty if they have none.
    heap: Vec<u32>,
    heap_bytes: u64,
    /// Whether accumulators have a size of their own.
    has_heap: bool,
}

impl Slice {
    /// An empty window whose keys begin with the accumulators `initial`.
    #[must_use]
    pub fn new(initial: &[Accumulator]) -> Slice {
        Slice {
            initial: initial.to_vec(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            keys: Vec::new(),
            entries: Vec::new(),
            accumulators: Vec::new(),
            dirty: Vec::new(),
            unstored: Vec::new(),
            in_changelog: false,
            stored: false,
            cold_keys: 0,
            recent: 0,
            heap: Vec::new(),
            heap_bytes: 0,
            has_heap: initial.iter().any(Accumulator::has_heap),
        }
    }

    /// The same without keys, but with the room for them: a window has about as many as the one before. `None` if the room is
    /// large and was hardly used, so that a burst's memory is given back.
    #[must_use]
    pub fn emptied(mut self) -> Option<Slice> {
        let used = self.entries.len().max(MIN_KEYS);
        if self.entries.capacity() / 4 > used || self.table.capacity() / 4 > used {
            return None;
        }
        if self.keys.capacity() / 4 > self.keys.len().max(MIN_KEY_BYTES) {
            self.keys = Vec::new();
        }
        self.table.clear();
        self.keys.clear();
        self.entries.clear();
        self.accumulators.clear();
        self.dirty.clear();
        self.unstored.clear();
        self.heap.clear();
        (self.in_changelog, self.stored, self.cold_keys, self.heap_bytes, self.recent) = (false, false, 0, 0, 0);
        Some(self)
    }

    /// Accumulators of each key.
    #[must_use]
    pub fn width(&self) -> usize {
        self.initial.len()
    }

    /// Number of group keys in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of group keys, in memory or not; about, where the store was rolled forward.
    #[must_use]
    pub fn all_keys(&self) -> usize {
        self.entries.len() + self.cold_keys
    }

    /// True if no key was ever updated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// About how much memory the keys and accumulators take, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        let entries = self.entries.len() * (size_of::<Entry>() + size_of::<Slot>());
        self.keys.len() + entries + self.accumulators.len() * size_of::<Accumulator>() + self.heap_bytes as usize
    }

    /// About how many bytes of keys and accumulators the next commit writes.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        // Of sets only what is new is written.
        let fixed = self.size_in_bytes() - self.heap_bytes as usize;
        let each = fixed / self.entries.len().max(1);
        (self.dirty.len() * each) as u64
    }

    /// How much memory is taken, with the room that is kept for more, in bytes. What has no size of its own is exact; sets and texts
    /// count as they were at the last commit.
    #[must_use]
    pub fn memory_in_bytes(&self) -> u64 {
        // A table has a byte of control for each slot, and takes a power of two of which 7/8 are used.
        let table = (self.table.capacity() * 8 / 7).next_power_of_two() * (size_of::<Slot>() + 1);
        let lists = (self.dirty.capacity() + self.unstored.capacity() + self.heap.capacity()) * size_of::<u32>();
        let entries = self.entries.capacity() * size_of::<Entry>();
        let accumulators = self.accumulators.capacity() * size_of::<Accumulator>();
        (table + lists + entries + accumulators + self.keys.capacity()) as u64 + self.heap_bytes
    }

    /// Whether the changelog holds keys of this window.
    #[must_use]
    pub fn is_in_changelog(&self) -> bool {
        self.in_changelog
    }

    /// Whether keys were changed since the last [`Slice::mark_clean`].
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// The accumulators of `key` to be changed, created on first sight; the key counts as changed from now on.
    pub fn update(&mut self, key: &[u8]) -> Result<&mut [Accumulator], SliceFull> {
        let index = self.index_of(key)?;
        Ok(self.change(index))
    }

    /// The accumulators of the key at `index`, to be changed; the key counts as changed from now on.
    #[inline]
    fn change(&mut self, index: usize) -> &mut [Accumulator] {
        let entry = &mut self.entries[index];
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(index as u32);
        }
        let width = self.initial.len();
        &mut self.accumulators[index * width..][..width]
    }

    /// The accumulators of `key`, if it is there.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[Accumulator]> {
        self.find(self.hash(key), key).map(|index| self.at(index).1)
    }

    /// Adds the keys of `other`.
    pub fn merge(&mut self, other: &Slice, merge: &Merge<'_>) -> Result<(), SliceFull> {
        for index in 0..other.entries.len() as u32 {
            let (key, states) = other.at(index);
            merge(self.update(key)?, states);
        }
        Ok(())
    }

    /// Sets `key` to what the changelog says, as unchanged since the last commit; false if these are no accumulators of this slice.
    pub fn restore(&mut self, key: &[u8], accumulators: Vec<Accumulator>) -> Result<bool, SliceFull> {
        if accumulators.len() != self.initial.len() {
            return Ok(false);
        }
        let index = self.index_of(key)?;
        self.in_changelog = true;
        let width = self.initial.len();
        let places = self.accumulators[index * width..][..width].iter_mut();
        let fits = places.zip(accumulators).all(|(place, read)| place.restore(read));
        self.weigh(index);
        Ok(fits)
    }

    /// Takes `key` in from the store.
    pub fn warm(&mut self, key: &[u8], accumulators: Vec<Accumulator>) -> Result<bool, SliceFull> {
        self.cold_keys = self.cold_keys.saturating_sub(1);
        self.restore(key, accumulators)
    }

    /// Whether the store may have keys that are not here.
    #[inline]
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.stored
    }

    /// The store has about `keys` keys of this window, none of which is here.
    pub fn set_stored(&mut self, keys: usize) {
        (self.stored, self.in_changelog, self.cold_keys) = (true, true, keys);
    }

    /// The store is behind with this key, which is committed.
    pub fn mark_unstored(&mut self, key: &[u8]) {
        if let Some(index) = self.find(self.hash(key), key)
            && !std::mem::replace(&mut self.entries[index as usize].unstored, true)
        {
            self.unstored.push(index);
        }
    }

    /// The store is behind with all keys.
    pub fn mark_all_unstored(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.unstored = true);
        self.unstored = (0..self.entries.len() as u32).collect();
    }

    /// Number of keys that the store is behind with.
    #[must_use]
    pub fn unstored(&self) -> usize {
        self.unstored.len()
    }

    /// How many keys went to the store at the last checkpoint: how lively it is.
    #[must_use]
    pub fn recent(&self) -> usize {
        self.recent
    }

    /// Takes note that the store has everything, and hands over the keys that it was behind with, in the order of their bytes.
    pub fn take_unstored(&mut self) -> Vec<(&[u8], &[Accumulator])> {
        let mut indexes = std::mem::take(&mut self.unstored);
        indexes.iter().for_each(|index| self.entries[*index as usize].unstored = false);
        (self.stored, self.recent) = (true, indexes.len());
        indexes.sort_unstable_by(|a, b| self.key(*a).cmp(self.key(*b)));
        indexes.into_iter().map(|index| self.at(index)).collect()
    }

    /// Gives the memory back: everything is in the store.
    pub fn evict(&mut self) {
        let keys = self.all_keys();
        *self = Slice::new(&self.initial);
        self.set_stored(keys);
    }

    /// Counts again what the accumulators of a key take beside their own size.
    fn weigh(&mut self, index: usize) {
        if !self.has_heap {
            return;
        }
        let width = self.initial.len();
        let bytes: usize = self.accumulators[index * width..][..width].iter().map(Accumulator::heap_bytes).sum();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.heap.resize(self.entries.len(), 0);
        self.heap_bytes = self.heap_bytes + u64::from(bytes) - u64::from(self.heap[index]);
        self.heap[index] = bytes;
    }

    fn index_of(&mut self, key: &[u8]) -> Result<usize, SliceFull> {
        let hash = self.hash(key);
        match self.find(hash, key) {
            Some(index) => Ok(index as usize),
            None => self.insert(hash, key),
        }
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    #[inline]
    fn key(&self, index: u32) -> &[u8] {
        &self.keys[self.entries[index as usize].key()]
    }

    #[inline]
    fn find(&self, hash: u32, key: &[u8]) -> Option<u32> {
        self.table.find(spread(hash), |slot| slot.hash == hash && self.key(slot.index) == key).map(|slot| slot.index)
    }

    /// Adds a key that is not there.
    fn insert(&mut self, hash: u32, key: &[u8]) -> Result<usize, SliceFull> {
        let Slice { table, keys, entries, accumulators, initial, .. } = self;
        if keys.len() + key.len() > MAX_KEY_BYTES || entries.len() >= u32::MAX as usize {
            return Err(SliceFull);
        }
        let index = entries.len() as u32;
        let key_start = keys.len() as u32;
        keys.extend_from_slice(key);
        entries.push(Entry { key_start, key_end: keys.len() as u32, dirty: false, unstored: false });
        accumulators.extend_from_slice(initial);
        table.insert_unique(spread(hash), Slot { hash, index }, |slot| spread(slot.hash));
        Ok(index as usize)
    }

    /// The key at `index`, in the order in which keys came, and its accumulators.
    ///
    /// # Panics
    /// There are no more than [`Slice::len`].
    #[must_use]
    pub fn at(&self, index: u32) -> (&[u8], &[Accumulator]) {
        let entry = self.entries[index as usize];
        let width = self.initial.len();
        (&self.keys[entry.key()], &self.accumulators[index as usize * width..][..width])
    }

    /// The keys changed since the last [`Slice::mark_clean`], in order of first change.
    pub fn changed(&self) -> Walk<'_> {
        Walk::new(self, self.dirty.clone())
    }

    /// Forgets which keys were changed: they are in the changelog now. With `track`, the store is behind with them.
    pub fn mark_clean(&mut self, track: bool) {
        let dirty = std::mem::take(&mut self.dirty);
        for &index in &dirty {
            let entry = &mut self.entries[index as usize];
            entry.dirty = false;
            if track && !std::mem::replace(&mut entry.unstored, true) {
                self.unstored.push(index);
            }
            if self.has_heap {
                let width = self.initial.len();
                self.accumulators[index as usize * width..][..width].iter_mut().for_each(Accumulator::mark_clean);
                self.weigh(index as usize);
            }
            self.in_changelog = true;
        }
        // Its room is kept for the next commit.
        self.dirty = dirty;
        self.dirty.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_by_all_bytes(
            begin in "[ab]{0,12}", keys in prop::collection::btree_set("(a{8}|b){0,6}[\u{0}ab]{0,4}", 0..200), turn in 0..200usize,
        ) {
            let sorted: Vec<Vec<u8>> = keys.iter().map(|key| [begin.as_bytes(), key.as_bytes()].concat()).collect();
            let mut slice = Slice::new(&[]);
            let turn = turn.min(sorted.len());
            for key in sorted[turn..].iter().chain(&sorted[..turn]) {
                slice.update(key).unwrap();
            }
            prop_assert_eq!(slice.sorted().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), sorted);
        }

        #[test]
        fn counts_as_a_plain_map_does(keys in prop::collection::vec("[a-d]{0,2}", 0..200), clean_at in 0..200usize) {
            let mut slice = Slice::new(&[Accumulator::Count(0)]);
            let mut model: BTreeMap<&str, i64> = BTreeMap::new();
            let mut changed: Vec<&str> = Vec::new();
            for (at, key) in keys.iter().enumerate() {
                if at == clean_at {
                    slice.mark_clean(false);
                    changed.clear();
                }
                let Accumulator::Count(count) = &mut slice.update(key.as_bytes()).unwrap()[0] else { unreachable!() };
                *count += 1;
                *model.entry(key).or_default() += 1;
                if !changed.contains(&key.as_str()) {
                    changed.push(key);
                }
            }
            let sorted: Vec<_> = slice.sorted().map(|(key, states)| (key.to_vec(), states[0].clone())).collect();
            let expected: Vec<_> =
                model.iter().map(|(key, count)| (key.as_bytes().to_vec(), Accumulator::Count(*count))).collect();
            prop_assert_eq!(sorted, expected);
            let dirty: Vec<_> = slice.changed().map(|(key, _)| key.to_vec()).collect();
            prop_assert_eq!(dirty, changed.iter().map(|key| key.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
