//! The keys of a window in some order, one after the other.
//!
//! Keys and accumulators lie in the order in which the keys came, so any other order looks for each in another place of a memory that is
//! larger than what a processor has at hand. What comes next is touched some keys ahead, all at once: the places are fetched at
//! the same time then, and not each when it is needed.

use std::hint::black_box;

use super::Slice;
use crate::state::Accumulator;

/// So many keys are fetched at once.
const AHEAD: usize = 16;

/// Fewer keys are sorted by comparing them.
const FEW_KEYS: usize = 8;

/// How many times eight bytes keys are sorted by, before they are compared.
const SORT_LEVELS: u8 = 4;

/// Keys with their accumulators.
#[derive(Debug)]
pub struct Walk<'s> {
    slice: &'s Slice,
    order: Vec<u32>,
    next: usize,
}

impl<'s> Walk<'s> {
    pub(super) fn new(slice: &'s Slice, order: Vec<u32>) -> Walk<'s> {
        Walk { slice, order, next: 0 }
    }
}

impl<'s> Iterator for Walk<'s> {
    type Item = (&'s [u8], &'s [Accumulator]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let index = *self.order.get(self.next)?;
        if self.next.is_multiple_of(AHEAD) {
            self.slice.touch(self.order[self.next..].iter().take(AHEAD).copied());
        }
        self.next += 1;
        Some(self.slice.at(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.order.len() - self.next;
        (left, Some(left))
    }
}

impl Slice {
    /// All keys in the order of their bytes.
    #[must_use]
    pub fn sorted(&self) -> Walk<'_> {
        let mut order: Vec<_> = (0..self.entries.len() as u32).map(|index| (0, index)).collect();
        self.sort(&mut order, self.common_prefix(), SORT_LEVELS);
        Walk::new(self, order.into_iter().map(|(_, index)| index).collect())
    }

    /// Reads a little of each key and its accumulators, after the places of all keys.
    pub(super) fn touch(&self, indexes: impl Iterator<Item = u32> + Clone) {
        let width = self.initial.len();
        black_box(indexes.clone().fold(0, |touched, index| touched ^ self.entries[index as usize].key_start));
        let touched = indexes.fold(0, |touched, index| {
            let index = index as usize;
            let states = &self.accumulators[index * width..][..width];
            let kinds = [states.first(), states.last()].map(|state| matches!(state, Some(Accumulator::Count(_))));
            let key = self.keys.get(self.entries[index].key_start as usize).map_or(0, |byte| usize::from(*byte));
            touched + key + usize::from(kinds[0]) + usize::from(kinds[1])
        });
        black_box(touched);
    }

    /// Sorts keys that are alike up to `from`, by eight bytes at a time, which takes no look at the keys but one; those that are alike
    /// for `levels` times as many are compared.
    fn sort(&self, order: &mut [(u64, u32)], from: usize, levels: u8) {
        let key = |index: u32| self.key(index);
        order.iter_mut().for_each(|(part, index)| *part = eight_bytes(&key(*index)[from..]));
        order.sort_unstable_by_key(|(part, _)| *part);
        for alike in order.chunk_by_mut(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
            // What is missing of a key counts as zeros, so one that ends here may be the beginning of another.
            let ends = || alike.iter().any(|(_, index)| key(*index).len() < from + 8);
            if levels == 0 || alike.len() < FEW_KEYS || ends() {
                alike.sort_unstable_by(|a, b| key(a.1).cmp(key(b.1)));
            } else {
                self.sort(alike, from + 8, levels - 1);
            }
        }
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
fn eight_bytes(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let mut bytes = [0; 8];
            bytes[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(bytes)
        }
    }
}
