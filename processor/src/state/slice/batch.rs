//! Updates of several keys in one go: all are looked up, and what is found is fetched, before the first is changed.

use std::hash::BuildHasher;

use super::Slice;
use crate::state::{Accumulator, StateError};

/// Encoded keys, one for each of several rows.
#[derive(Debug, Default)]
pub struct KeyList {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyList {
    /// Adds the key of one more row.
    #[inline]
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    /// The key of the row at this place.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[place]]
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Takes the accumulators of a row's key, with the row's place.
pub type TakePlace<'t, E> = dyn FnMut(usize, &mut [Accumulator]) -> Result<(), E> + 't;

/// So many keys are looked up before the first is changed.
const AT_ONCE: usize = 32;

/// The place of a key that is not there.
const NOT_THERE: u32 = u32::MAX;

impl Slice {
    /// As [`Slice::update`] for the keys of the rows at `places` in turn, whose accumulators are handed to `take`.
    pub fn update_each<E: From<StateError>>(
        &mut self,
        places: &[u32],
        keys: &KeyList,
        take: &mut TakePlace<'_, E>,
    ) -> Result<(), E> {
        let mut found = [(0, NOT_THERE); AT_ONCE];
        for places in places.chunks(AT_ONCE) {
            for (place, found) in places.iter().zip(&mut found) {
                let key = keys.get(*place as usize);
                let hash = self.hasher.hash_one(key);
                *found = (hash, self.find(hash, key).unwrap_or(NOT_THERE));
            }
            let found = &found[..places.len()];
            self.touch(found.iter().map(|(_, index)| index).filter(|index| **index != NOT_THERE));
            for (place, (hash, index)) in places.iter().zip(found) {
                let place = *place as usize;
                let index = match *index {
                    // An earlier row may have brought it.
                    NOT_THERE => self.find_or_insert(*hash, keys.get(place)).map_err(StateError::from)?,
                    index => index as usize,
                };
                take(place, self.change(index))?;
            }
        }
        Ok(())
    }
}
