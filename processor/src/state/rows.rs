//! Rows that are kept as they are until their window closes.

use super::codec::{decode_value, encode_value};
use crate::expr::Value;

/// Rows of one width, back to back. Whoever keeps them knows the width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptRows {
    bytes: Vec<u8>,
}

impl KeptRows {
    /// Those that [`KeptRows::bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> KeptRows {
        KeptRows { bytes: bytes.to_vec() }
    }

    /// The rows' encoded values.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of memory that are taken.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds a row; false if it is too much: they would take more than 4 GiB.
    #[must_use]
    pub fn add<'v>(&mut self, values: impl Iterator<Item = &'v Value<'v>>) -> bool {
        values.for_each(|value| encode_value(value, &mut self.bytes));
        self.bytes.len() <= u32::MAX as usize
    }

    /// Adds the rows of `other`; false if it is too much.
    #[must_use]
    pub fn merge(&mut self, other: &KeptRows) -> bool {
        self.bytes.extend_from_slice(&other.bytes);
        self.bytes.len() <= u32::MAX as usize
    }

    /// All values, row by row.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || decode_value(&mut rest))
    }
}
