//! Updates of several keys in one go.
//!
//! To find a key takes a look at the table, at the key's place and at the key, each in another corner of the memory, and each tells only
//! where the next one is. So all keys take the first step, then all the next: a processor waits for many places at once as easily as for one.

use super::{Slice, spread};
use crate::state::{Accumulator, StateError};
use crate::time::WindowSpan;

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

/// Hands the places of the rows of each slice to `take`, slice by slice; `spans` tell the slice of each row. Rows of one slice keep
/// their order.
pub fn each_slice<E>(spans: &[WindowSpan], mut take: impl FnMut(WindowSpan, &[u32]) -> Result<(), E>) -> Result<(), E> {
    let mut rest: Vec<u32> = (0..spans.len() as u32).collect();
    let mut places = Vec::with_capacity(rest.len());
    // Few rows of a few slices: no order is needed.
    while let Some(first) = rest.first() {
        let span = spans[*first as usize];
        places.clear();
        rest.retain(|place| {
            let other = spans[*place as usize] != span;
            if !other {
                places.push(*place);
            }
            other
        });
        take(span, &places)?;
    }
    Ok(())
}

/// Takes the accumulators of a row's key, with the row's place.
pub type TakePlace<'t, E> = dyn FnMut(usize, &mut [Accumulator]) -> Result<(), E> + 't;

/// So many keys are looked up before the first is changed.
const AT_ONCE: usize = 32;

/// The place of a key that is not there.
const NOT_THERE: u32 = u32::MAX;

/// What is known of a key that is looked up.
#[derive(Clone, Copy, Default)]
struct Sought {
    hash: u32,
    index: u32,
}

impl Slice {
    /// As [`Slice::update`] for the keys of the rows at `places` in turn, whose accumulators are handed to `take`.
    pub fn update_each<E: From<StateError>>(
        &mut self,
        places: &[u32],
        keys: &KeyList,
        take: &mut TakePlace<'_, E>,
    ) -> Result<(), E> {
        let mut sought = [Sought::default(); AT_ONCE];
        for places in places.chunks(AT_ONCE) {
            let sought = &mut sought[..places.len()];
            self.look_up(places, keys, sought);
            for (place, sought) in places.iter().zip(sought) {
                let (place, Sought { hash, index }) = (*place as usize, *sought);
                let key = keys.get(place);
                let index = if index != NOT_THERE && self.key(index) == key {
                    index as usize
                } else if let Some(index) = self.find(hash, key) {
                    // An earlier row has brought it, or half of its hash is another key's too.
                    index as usize
                } else {
                    self.insert(hash, key).map_err(StateError::from)?
                };
                take(place, self.change(index))?;
            }
        }
        Ok(())
    }

    /// Finds which keys may be those of the rows at `places`, going by their hashes, and fetches them and their accumulators.
    fn look_up(&self, places: &[u32], keys: &KeyList, sought: &mut [Sought]) {
        for (place, sought) in places.iter().zip(&mut *sought) {
            let hash = self.hash(keys.get(*place as usize));
            let slot = self.table.find(spread(hash), |slot| slot.hash == hash);
            *sought = Sought { hash, index: slot.map_or(NOT_THERE, |slot| slot.index) };
        }
        self.touch(sought.iter().map(|sought| sought.index).filter(|index| *index != NOT_THERE));
    }
}
