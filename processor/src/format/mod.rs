//! How record values become rows and rows become record values.

pub(crate) mod base64;
mod csv;
pub(crate) mod datetime;
mod either;
mod json;
mod number;
mod raw;

pub use either::{Decoder, Encoder};
pub use json::{JsonDecoder, JsonEncoder, RawField, is_plain as is_plain_json, write_integer as write_json_integer};
pub use raw::fits as fits_raw;

use crate::expr::Value;

/// Why a record's value is not a row. Says what was wrong; where is added by the one who knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

/// Why a row cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(pub String);

/// Empties `row` and hands its memory on for values of another lifetime, so that one allocation serves every record.
#[must_use]
pub fn recycle<'b>(mut row: Vec<Value<'_>>) -> Vec<Value<'b>> {
    row.clear();
    row.into_iter().map(|_| unreachable!("the row was emptied")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recycling_keeps_the_memory() {
        let row: Vec<Value<'_>> = Vec::with_capacity(7);
        let place = row.as_ptr().cast::<u8>();
        let again: Vec<Value<'static>> = recycle(row);
        assert_eq!((again.as_ptr().cast::<u8>(), again.capacity()), (place, 7));
    }
}
