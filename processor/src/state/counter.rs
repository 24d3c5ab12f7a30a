//! A number of rows in seven bytes: with its kind and a sum it makes an accumulator of sixteen.

use std::ops::RangeInclusive;

/// A number from -2^55 to 2^55 - 1, below zero where rows are taken back that never came. A task that takes ten million rows a second
/// counts to the end in a century.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter([u8; 7]);

impl Counter {
    const RANGE: RangeInclusive<i64> = -(1 << 55)..=(1 << 55) - 1;

    /// Counts `number` already; `None` if it is out of range.
    #[must_use]
    pub fn new(number: i64) -> Option<Counter> {
        let [bytes @ .., _] = number.to_le_bytes();
        Self::RANGE.contains(&number).then_some(Counter(bytes))
    }

    /// The number.
    #[inline]
    #[must_use]
    pub fn get(self) -> i64 {
        let [a, b, c, d, e, f, g] = self.0;
        // The shift back keeps the sign.
        i64::from_le_bytes([0, a, b, c, d, e, f, g]) >> 8
    }

    /// Counts `more`, which may be less than nothing; stays at the end of the range.
    #[inline]
    pub fn add(&mut self, more: i64) {
        let number = self.get().saturating_add(more).clamp(*Self::RANGE.start(), *Self::RANGE.end());
        let [bytes @ .., _] = number.to_le_bytes();
        self.0 = bytes;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_counter() -> impl Strategy<Value = Counter> {
        Counter::RANGE.prop_map(|number| Counter::new(number).unwrap())
    }

    #[test]
    fn ends_where_seven_bytes_end() {
        for (number, end, step) in [
            (36_028_797_018_963_966, 36_028_797_018_963_967, 1),
            (-36_028_797_018_963_967, -36_028_797_018_963_968, -1),
        ] {
            let mut counter = Counter::new(number).unwrap();
            counter.add(step);
            counter.add(step);
            assert_eq!(counter.get(), end);
            assert_eq!(Counter::new(end + step), None);
        }
    }

    proptest! {
        #[test]
        fn counts(number in -(1i64 << 54)..1 << 54, more in -(1i64 << 54)..1 << 54) {
            let mut counter = Counter::new(number).unwrap();
            counter.add(more);
            prop_assert_eq!(counter.get(), number + more);
        }
    }
}
