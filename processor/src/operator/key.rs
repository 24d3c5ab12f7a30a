//! The encoded keys of rows, and how long they may be.

use crate::expr::{EvalError, Expr, Value};
use crate::state::encode_value;

/// Most bytes of the encoded keys of a row: the keys of entries have them, with a row or what orders it of as many bytes behind, and state on
/// disk takes keys of up to 65,535 bytes.
pub const MOST_KEY_BYTES: usize = 30_000;

/// Encodes the keys of `row` into `to`, whose content is replaced.
///
/// # Errors
/// A key cannot be computed, or they are too long together: both are the record's fault.
pub fn encode_keys(keys: &[Expr], row: &[Value<'_>], to: &mut Vec<u8>) -> Result<(), EvalError> {
    to.clear();
    keys.iter().try_for_each(|key| key.eval(row).map(|value| encode_value(&value, to)))?;
    check_length(to)
}

/// What is too long for state on disk is not taken in.
///
/// # Errors
/// It is.
pub fn check_length(key: &[u8]) -> Result<(), EvalError> {
    match key.len() {
        length if length > MOST_KEY_BYTES => Err(EvalError::LongKey { length, most: MOST_KEY_BYTES }),
        _ => Ok(()),
    }
}
