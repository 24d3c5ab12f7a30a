//! The first rows by an order, as many as are asked for, kept as bytes one behind the other.

use super::codec::take;

/// Most bytes of the rows of one key.
const LONGEST: usize = 8 << 20;

/// Encoded rows in their order. Whoever keeps them knows what they are made of, and their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RankedRows {
    bytes: Vec<u8>,
    /// Where each row ends.
    ends: Vec<u32>,
}

impl RankedRows {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The row at a place, from 0.
    ///
    /// # Panics
    /// There is no such place.
    #[must_use]
    pub fn row(&self, at: usize) -> &[u8] {
        &self.bytes[self.start(at)..self.ends[at] as usize]
    }

    /// All of them.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.row(at))
    }

    /// The place behind all rows that stand before another, as `is_before` tells: these come first.
    pub fn place(&self, mut is_before: impl FnMut(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if is_before(self.row(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Puts a row in at a place, and lets those beyond `most` go. False if they would take more than 8 MiB, which are to fit into one record of the changelog; then nothing is done.
    #[must_use]
    pub fn insert(&mut self, at: usize, row: &[u8], most: usize) -> bool {
        if at >= most {
            return true;
        }
        let kept = self.len().min(most.saturating_sub(1));
        let (bytes, length) = (self.start(kept), row.len());
        if bytes + length > LONGEST {
            return false;
        }
        self.ends.truncate(kept);
        self.bytes.truncate(bytes);
        let start = self.start(at);
        self.bytes.splice(start..start, row.iter().copied());
        self.ends[at..].iter_mut().for_each(|end| *end += length as u32);
        self.ends.insert(at, (start + length) as u32);
        true
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// Bytes of memory that are taken.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    /// Appends its form in the changelog: the number of rows, and each behind its length, in bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.len() as u32).to_be_bytes());
        for row in self.rows() {
            out.extend_from_slice(&(row.len() as u32).to_be_bytes());
            out.extend_from_slice(row);
        }
    }

    /// Takes one off the front; `None` if the bytes are not one.
    pub(super) fn decode(input: &mut &[u8]) -> Option<RankedRows> {
        let count = u32::from_be_bytes(*take(input)?);
        let mut rows = RankedRows::default();
        for _ in 0..count {
            let length = u32::from_be_bytes(*take(input)?) as usize;
            let (row, rest) = input.split_at_checked(length)?;
            *input = rest;
            rows.bytes.extend_from_slice(row);
            rows.ends.push(u32::try_from(rows.bytes.len()).ok()?);
        }
        Some(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str], most: usize) -> RankedRows {
        let mut kept = RankedRows::default();
        for row in rows {
            let at = kept.place(|other| other <= row.as_bytes());
            assert!(kept.insert(at, row.as_bytes(), most));
        }
        kept
    }

    #[test]
    fn the_first_are_kept_in_their_order() {
        let kept = of(&["d", "", "cc", "a", "b", "a"], 3);
        assert_eq!(kept.rows().collect::<Vec<_>>(), [&b""[..], b"a", b"a"]);
        assert_eq!(of(&["b", "a", "c"], 1).rows().collect::<Vec<_>>(), [b"a"]);
        assert_eq!(of(&["b", "c"], 9).row(1), b"c");
    }

    #[test]
    fn a_changelog_holds_them() {
        let kept = of(&["long", "", "x"], 5);
        let mut bytes = Vec::new();
        kept.encode(&mut bytes);
        let cut = bytes.len() - 1;
        assert_eq!(RankedRows::decode(&mut &bytes[..cut]), None);
        let mut rest = &bytes[..];
        assert_eq!(RankedRows::decode(&mut rest), Some(kept));
        assert!(rest.is_empty());
    }
}
