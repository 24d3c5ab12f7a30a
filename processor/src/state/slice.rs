//! The state of one window: group key -> accumulators.
//!
//! A hash table of indexes into three flat arrays (keys, places of keys, accumulators): an update of a known key allocates
//! nothing, and closing the window drops four allocations, however many keys it had. Keys changed since the last commit are
//! remembered once each, for the changelog.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Accumulator;
use super::windows::Merge;

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
    dirty: bool,
}

impl Entry {
    /// Where its key is among the keys.
    #[inline]
    fn key(self) -> Range<usize> {
        self.key_start as usize..self.key_end as usize
    }
}

/// The window's keys would take more than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group keys of one window take more than 4 GiB; use a smaller window or a shorter key")]
pub struct SliceFull;

/// Accumulators of one window by group key; `width` accumulators a key.
#[derive(Debug)]
pub struct Slice {
    initial: Vec<Accumulator>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    keys: Vec<u8>,
    entries: Vec<Entry>,
    accumulators: Vec<Accumulator>,
    dirty: Vec<u32>,
    in_changelog: bool,
    /// Whether accumulators hold sets, which have a size of their own and are written piece by piece.
    has_sets: bool,
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
            in_changelog: false,
            has_sets: initial.iter().any(|state| matches!(state, Accumulator::Distinct(_))),
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
        self.in_changelog = false;
        Some(self)
    }

    /// Number of group keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if no key was ever updated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// About how much memory the keys and accumulators take, in bytes.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        let mut accumulators = self.accumulators.len() * size_of::<Accumulator>();
        if self.has_sets {
            accumulators += self.accumulators.iter().map(Accumulator::heap_bytes).sum::<usize>();
        }
        self.keys.len() + self.entries.len() * (size_of::<Entry>() + size_of::<u32>()) + accumulators
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
        let entry = &mut self.entries[index];
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(index as u32);
        }
        let width = self.initial.len();
        Ok(&mut self.accumulators[index * width..][..width])
    }

    /// The accumulators of `key`, if it is there.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[Accumulator]> {
        let hash = self.hasher.hash_one(key);
        let found = self.table.find(hash, |&index| self.keys[self.entries[index as usize].key()] == *key);
        found.map(|&index| self.at(index).1)
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
        Ok(places.zip(accumulators).all(|(place, read)| place.restore(read)))
    }

    fn index_of(&mut self, key: &[u8]) -> Result<usize, SliceFull> {
        let Slice { table, hasher, keys, entries, accumulators, initial, .. } = self;
        let hash = hasher.hash_one(key);
        if let Some(&index) = table.find(hash, |&index| keys[entries[index as usize].key()] == *key) {
            return Ok(index as usize);
        }
        if keys.len() + key.len() > MAX_KEY_BYTES || entries.len() >= u32::MAX as usize {
            return Err(SliceFull);
        }
        let index = entries.len() as u32;
        let key_start = keys.len() as u32;
        keys.extend_from_slice(key);
        entries.push(Entry { key_start, key_end: keys.len() as u32, dirty: false });
        accumulators.extend_from_slice(initial);
        table.insert_unique(hash, index, |&other| hasher.hash_one(&keys[entries[other as usize].key()]));
        Ok(index as usize)
    }

    fn at(&self, index: u32) -> (&[u8], &[Accumulator]) {
        let entry = self.entries[index as usize];
        let width = self.initial.len();
        (&self.keys[entry.key()], &self.accumulators[index as usize * width..][..width])
    }

    /// The keys changed since the last [`Slice::mark_clean`], in order of first change.
    pub fn changed(&self) -> impl Iterator<Item = (&[u8], &[Accumulator])> {
        self.dirty.iter().map(|&index| self.at(index))
    }

    /// Forgets which keys were changed: they are in the changelog now.
    pub fn mark_clean(&mut self) {
        for index in self.dirty.drain(..) {
            self.entries[index as usize].dirty = false;
            if self.has_sets {
                let width = self.initial.len();
                self.accumulators[index as usize * width..][..width].iter_mut().for_each(Accumulator::mark_clean);
            }
            self.in_changelog = true;
        }
    }

    /// All keys in the order of their bytes.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&[u8], &[Accumulator])> {
        // Most comparisons are settled by eight bytes beyond what all keys begin with, which need no look at the keys.
        let skip = self.common_prefix();
        let order = |index: u32| prefix(&self.keys[self.entries[index as usize].key()][skip..]);
        let mut all: Vec<_> = (0..self.entries.len() as u32).map(|index| (order(index), index)).collect();
        let key = |index: u32| &self.keys[self.entries[index as usize].key()];
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| key(a.1).cmp(key(b.1))));
        all.into_iter().map(|(_, index)| self.at(index)).collect()
    }

    /// How many bytes all keys begin with in common.
    fn common_prefix(&self) -> usize {
        let Some(first) = self.entries.first() else { return 0 };
        let mut common = &self.keys[first.key()];
        for entry in &self.entries {
            let key = &self.keys[entry.key()];
            if !key.starts_with(common) {
                common = &common[..common.iter().zip(key).take_while(|(a, b)| a == b).count()];
            }
        }
        common.len()
    }
}

/// The first eight bytes as a number of the same order; what is missing counts as zeros.
fn prefix(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_by_all_bytes(begin in "[ab]{0,12}", keys in prop::collection::btree_set("[\u{0}ab]{0,12}", 0..50), turn in 0..50usize) {
            let sorted: Vec<Vec<u8>> = keys.iter().map(|key| [begin.as_bytes(), key.as_bytes()].concat()).collect();
            let mut slice = Slice::new(&[]);
            let turn = turn.min(sorted.len());
            for key in sorted[turn..].iter().chain(&sorted[..turn]) {
                slice.update(key).unwrap();
            }
            prop_assert_eq!(slice.sorted().into_iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>(), sorted);
        }

        #[test]
        fn counts_as_a_plain_map_does(keys in prop::collection::vec("[a-d]{0,2}", 0..200), clean_at in 0..200usize) {
            let mut slice = Slice::new(&[Accumulator::Count(0)]);
            let mut model: BTreeMap<&str, i64> = BTreeMap::new();
            let mut changed: Vec<&str> = Vec::new();
            for (at, key) in keys.iter().enumerate() {
                if at == clean_at {
                    slice.mark_clean();
                    changed.clear();
                }
                let Accumulator::Count(count) = &mut slice.update(key.as_bytes()).unwrap()[0] else { unreachable!() };
                *count += 1;
                *model.entry(key).or_default() += 1;
                if !changed.contains(&key.as_str()) {
                    changed.push(key);
                }
            }
            let sorted: Vec<_> = slice.sorted().into_iter().map(|(key, states)| (key.to_vec(), states[0].clone())).collect();
            let expected: Vec<_> =
                model.iter().map(|(key, count)| (key.as_bytes().to_vec(), Accumulator::Count(*count))).collect();
            prop_assert_eq!(sorted, expected);
            let dirty: Vec<_> = slice.changed().map(|(key, _)| key.to_vec()).collect();
            prop_assert_eq!(dirty, changed.iter().map(|key| key.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
