//! From keys to the last offset of each, in bounded memory (Kafka: SkimpyOffsetMap). Keys are known by their hash alone.

use super::hash::HashKey;
use crate::ids::Offset;

/// Bytes of an entry: 16 of hash, 8 of offset, as in Kafka.
pub(super) const ENTRY: usize = 24;
/// Share of the slots that may be taken (Kafka: log.cleaner.io.buffer.load.factor).
const LOAD_PERCENT: usize = 90;

const FREE: u64 = u64::MAX;

/// An open-addressed table that is filled once. All entries take part, none is ever removed.
#[derive(Debug)]
pub(super) struct OffsetMap {
    key: HashKey,
    slots: Vec<[u64; 3]>,
    taken: usize,
    limit: usize,
    /// Records after this are not mapped.
    pub(super) latest: Offset,
}

impl OffsetMap {
    /// A map of at most `max_bytes` that is to hold `keys` keys if that has room for them.
    pub(super) fn new(max_bytes: usize, keys: usize) -> OffsetMap {
        let wanted = keys.saturating_mul(100) / LOAD_PERCENT + 2;
        let slots = (max_bytes / ENTRY).clamp(2, wanted.max(2));
        // One slot at least stays free: a search ends there.
        let limit = (slots.saturating_mul(LOAD_PERCENT) / 100).clamp(1, slots - 1);
        OffsetMap { key: HashKey::secret(), slots: vec![[FREE; 3]; slots], taken: 0, limit, latest: Offset(-1) }
    }

    /// Notes the last offset of a key; false if there is no room for a new key.
    pub(super) fn put(&mut self, key: &[u8], offset: Offset) -> bool {
        let (at, hash) = self.slot(key);
        if self.slots[at][2] == FREE {
            if self.taken == self.limit {
                return false;
            }
            self.taken += 1;
        }
        self.slots[at] = [hash.0, hash.1, offset.0 as u64];
        true
    }

    /// The last offset of a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<Offset> {
        let (at, _) = self.slot(key);
        let offset = self.slots[at][2];
        (offset != FREE).then_some(Offset(offset as i64))
    }

    /// Where the key is, or where it would be.
    fn slot(&self, key: &[u8]) -> (usize, (u64, u64)) {
        let hash = self.key.hash(key);
        let count = self.slots.len();
        let mut at = ((u128::from(hash.0) * count as u128) >> 64) as usize;
        loop {
            let [first, second, offset] = self.slots[at];
            if offset == FREE || (first, second) == hash {
                return (at, hash);
            }
            at = if at + 1 == count { 0 } else { at + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn memory_is_bounded() {
        let mut map = OffsetMap::new(10 * ENTRY, 1_000_000);
        assert_eq!(map.slots.len(), 10);
        let put = (0..100u32).filter(|key| map.put(&key.to_be_bytes(), Offset(1))).count();
        assert_eq!(put, 9);
        assert!(map.put(&0u32.to_be_bytes(), Offset(7)), "a key that is there can be moved on");
        assert_eq!(map.get(&0u32.to_be_bytes()), Some(Offset(7)));
        assert_eq!(map.get(&99u32.to_be_bytes()), None);
        // A large allowance is not taken without need.
        assert!(OffsetMap::new(1 << 40, 10).slots.len() < 20);
        assert!(OffsetMap::new(0, 0).put(b"k", Offset(0)));
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(puts in prop::collection::vec((0u16..300, 0i64..1000), 0..500)) {
            let mut map = OffsetMap::new(usize::MAX, 300);
            let mut model = BTreeMap::new();
            for (key, offset) in puts {
                prop_assert!(map.put(&key.to_be_bytes(), Offset(offset)));
                model.insert(key, Offset(offset));
            }
            for key in 0..301u16 {
                prop_assert_eq!(map.get(&key.to_be_bytes()), model.get(&key).copied());
            }
        }
    }
}
