//! The different values that an aggregate function with DISTINCT has seen.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::codec::{decode_value, encode_value, take};
use crate::expr::Value;

/// Different values in the order in which they came.
///
/// It grows only. The changelog gets what has been added since the last commit, so a set of a million values is not written again for
/// each new one.
#[derive(Clone, Debug, Default)]
pub struct DistinctValues {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Encoded values, back to back.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// How many of them the changelog has.
    clean: usize,
}

impl PartialEq for DistinctValues {
    fn eq(&self, other: &Self) -> bool {
        (&self.bytes, &self.ends) == (&other.bytes, &other.ends)
    }
}

impl DistinctValues {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How much memory is taken, in bytes.
    #[must_use]
    pub fn memory_in_bytes(&self) -> usize {
        let table = (self.table.capacity() * 8 / 7).next_power_of_two() * (size_of::<u32>() + 1);
        table + self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    /// Adds a value; false if it is too much: the values would take more than 4 GiB.
    #[must_use]
    pub fn add(&mut self, value: &Value<'_>) -> bool {
        let mut bytes = Vec::new();
        encode_value(value, &mut bytes);
        self.add_bytes(&bytes)
    }

    /// Adds the values of `other`; false if it is too much.
    #[must_use]
    pub fn merge(&mut self, other: &DistinctValues) -> bool {
        (0..other.len()).all(|index| self.add_bytes(other.at(index)))
    }

    /// The values in the order in which they came.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.len()).filter_map(|index| decode_value(&mut self.at(index)))
    }

    /// Everything is in the changelog now.
    pub fn mark_clean(&mut self) {
        self.clean = self.len();
    }

    /// Appends its form in the changelog: how many values the reader has already (0 if `whole`), how many bytes follow, and the
    /// values after those.
    pub fn encode(&self, whole: bool, out: &mut Vec<u8>) {
        let known = if whole { 0 } else { self.clean };
        let begin = self.begin(known);
        out.extend_from_slice(&(known as u32).to_be_bytes());
        out.extend_from_slice(&((self.bytes.len() - begin) as u32).to_be_bytes());
        out.extend_from_slice(&self.bytes[begin..]);
    }

    /// Takes one off the front, with the number of values that go before it; `None` if the bytes are not one.
    #[must_use]
    pub fn decode(input: &mut &[u8]) -> Option<(u32, DistinctValues)> {
        let known = u32::from_be_bytes(*take(input)?);
        let length = u32::from_be_bytes(*take(input)?) as usize;
        let (mut values, rest) = input.split_at_checked(length)?;
        *input = rest;
        let mut set = DistinctValues::default();
        while !values.is_empty() {
            let before = values;
            decode_value(&mut values)?;
            if !set.add_bytes(&before[..before.len() - values.len()]) {
                return None;
            }
        }
        Some((known, set))
    }

    fn begin(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    fn at(&self, index: usize) -> &[u8] {
        &self.bytes[self.begin(index)..self.ends[index] as usize]
    }

    fn add_bytes(&mut self, value: &[u8]) -> bool {
        let DistinctValues { table, hasher, bytes, ends, .. } = self;
        let at = |index: u32| {
            let begin = (index as usize).checked_sub(1).map_or(0, |before| ends[before] as usize);
            &bytes[begin..ends[index as usize] as usize]
        };
        let hash = hasher.hash_one(value);
        if table.find(hash, |&index| at(index) == value).is_some() {
            return true;
        }
        let Ok(end) = u32::try_from(bytes.len() + value.len()) else { return false };
        table.insert_unique(hash, ends.len() as u32, |&index| hasher.hash_one(at(index)));
        bytes.extend_from_slice(value);
        ends.push(end);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Values are kept once, in the order of their first coming, and the pieces written at commits are the whole.
        #[test]
        fn keeps_each_once_and_writes_what_is_new(values in prop::collection::vec(0..30i64, 0..60), cut in 0..60usize) {
            let (mut set, mut expected) = (DistinctValues::default(), Vec::new());
            let mut log = Vec::new();
            for (at, value) in values.iter().enumerate() {
                if at == cut {
                    set.encode(false, &mut log);
                    set.mark_clean();
                }
                prop_assert!(set.add(&Value::Integer(*value)));
                if !expected.contains(&Value::Integer(*value)) {
                    expected.push(Value::Integer(*value));
                }
            }
            set.encode(false, &mut log);
            prop_assert_eq!(set.values().collect::<Vec<_>>(), expected);
            let (mut rest, mut read) = (&log[..], DistinctValues::default());
            while !rest.is_empty() {
                let (known, piece) = DistinctValues::decode(&mut rest).unwrap();
                prop_assert_eq!(known as usize, read.len());
                prop_assert!(read.merge(&piece));
            }
            prop_assert_eq!(&read, &set);
            let mut whole = Vec::new();
            set.encode(true, &mut whole);
            prop_assert_eq!(DistinctValues::decode(&mut &whole[..]), Some((0, set)));
        }
    }
}
