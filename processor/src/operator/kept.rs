//! The values that a group's aggregates must remember one by one: entries of the state behind the group's key.
//!
//! Behind the encoded key come the number of the aggregate (2 bytes), what the entry is, and then
//! - for the values of DISTINCT: the encoded value; the entry holds how often it came (8 bytes);
//! - for the values of MIN and MAX: the value in the form that sorts; the entry holds how often it came, and the encoded value;
//! - for values in the order of their coming: a number (8 bytes) that counts up, or down where the last value is wanted first; the entry
//!   holds the encoded value. So that one can be found that is taken back, each has another entry: the encoded value, and the number as it
//!   counts up; it holds nothing.

use super::error::RowError;
use crate::expr::{EvalError, Value};
use crate::state::{KeyedState, decode_value, encode_sorted, encode_value};

const SET: u8 = 0;
const SORTED: u8 = 1;
const IN_ORDER: u8 = 2;
const BY_VALUE: u8 = 3;

const DAMAGED: EvalError = EvalError::Shape("a group's values cannot be read back");

/// The values of one aggregate of one group.
#[derive(Debug)]
pub struct KeptValues<'k> {
    /// Where they are.
    pub state: &'k mut KeyedState,
    /// The group's key.
    pub group: &'k [u8],
    /// The number of the aggregate.
    pub call: usize,
    /// Counts up with each row of the group.
    pub sequence: u64,
    /// Whether the last of the values in their order is wanted first.
    pub backwards: bool,
}

impl KeptValues<'_> {
    fn prefix(&self, kind: u8) -> Vec<u8> {
        [self.group, &(self.call as u16).to_be_bytes(), &[kind]].concat()
    }

    /// Counts a value of DISTINCT up, or down. True if it is new, or gone. Where none is ever taken back (`counts` is false), one that is
    /// known is not written again (Flink: `DistinctAggCodeGen`, "update value only when value changed").
    pub fn changes_set(&mut self, value: &Value<'_>, retracts: bool, counts: bool) -> Result<bool, RowError> {
        let key = self.set_key(value);
        let before = self.state.get(&key)?.map_or(0, |mut bytes| take_long(&mut bytes).unwrap_or_default());
        let after = before + if retracts { -1 } else { 1 };
        if after <= 0 {
            self.state.delete(&key)?;
        } else if counts || before <= 0 {
            self.state.put(&key, &after.to_be_bytes());
        }
        Ok((before <= 0) != (after <= 0))
    }

    /// Whether a value of DISTINCT is known.
    pub fn has(&mut self, value: &Value<'_>) -> Result<bool, RowError> {
        let key = self.set_key(value);
        Ok(self.state.get(&key)?.is_some())
    }

    fn set_key(&self, value: &Value<'_>) -> Vec<u8> {
        let mut key = self.prefix(SET);
        encode_value(value, &mut key);
        key
    }

    /// Counts a value of MIN or (`largest`) MAX up, or down. True if it is new, or gone.
    pub fn changes_sorted(&mut self, value: &Value<'_>, largest: bool, retracts: bool) -> Result<bool, RowError> {
        let mut key = self.prefix(SORTED);
        encode_sorted(value, largest, &mut key);
        let before = self.state.get(&key)?.map_or(0, |mut bytes| take_long(&mut bytes).unwrap_or_default());
        let after = before + if retracts { -1 } else { 1 };
        if after <= 0 {
            self.state.delete(&key)?;
        } else {
            let mut content = after.to_be_bytes().to_vec();
            encode_value(value, &mut content);
            self.state.put(&key, &content);
        }
        Ok((before <= 0) != (after <= 0))
    }

    /// The smallest value, or the largest, as they were counted.
    pub fn first_sorted(&self) -> Result<Value<'static>, RowError> {
        let Some(first) = self.state.scan(&self.prefix(SORTED)).next() else { return Ok(Value::Null) };
        let (_, content) = first?;
        let mut value = content.get(8..).ok_or(DAMAGED)?;
        Ok(decode_value(&mut value).ok_or(DAMAGED)?.into_owned())
    }

    /// Puts a value behind those that came before.
    pub fn push(&mut self, value: &Value<'_>) {
        let mut content = Vec::new();
        encode_value(value, &mut content);
        let key = self.place(self.sequence);
        self.state.put(&key, &content);
        let by_value = [&self.prefix(BY_VALUE)[..], &content, &self.sequence.to_be_bytes()].concat();
        self.state.put(&by_value, &[]);
    }

    /// The key of the value that came at this number.
    fn place(&self, number: u64) -> Vec<u8> {
        let number = if self.backwards { !number } else { number };
        [&self.prefix(IN_ORDER)[..], &number.to_be_bytes()].concat()
    }

    /// Removes the first of the values that are like this one. True if there is one.
    pub fn remove(&mut self, value: &Value<'_>) -> Result<bool, RowError> {
        let mut prefix = self.prefix(BY_VALUE);
        encode_value(value, &mut prefix);
        let Some(found) = self.state.scan(&prefix).next() else { return Ok(false) };
        let by_value = found?.0.into_owned();
        let number = by_value.get(prefix.len()..).and_then(|rest| rest.first_chunk::<8>()).ok_or(DAMAGED)?;
        let key = self.place(u64::from_be_bytes(*number));
        self.state.delete(&key)?;
        self.state.delete(&by_value)?;
        Ok(true)
    }

    /// The first value in the order that is kept.
    pub fn first_in_order(&self) -> Result<Value<'static>, RowError> {
        let Some(first) = self.state.scan(&self.prefix(IN_ORDER)).next() else { return Ok(Value::Null) };
        let (_, content) = first?;
        Ok(decode_value(&mut &content[..]).ok_or(DAMAGED)?.into_owned())
    }

    /// The values in the order of their coming.
    pub fn in_order(&self) -> Result<Vec<Value<'static>>, RowError> {
        let values = self.state.scan(&self.prefix(IN_ORDER)).map(|item| {
            let (_, content) = item?;
            let value = decode_value(&mut &content[..]).ok_or(DAMAGED)?.into_owned();
            Ok(value)
        });
        values.collect()
    }
}

/// Forgets a group and all that is behind its key.
pub fn forget_group(state: &mut KeyedState, group: &[u8]) -> Result<(), RowError> {
    let keys = state.scan(group).map(|item| item.map(|(key, _)| key.into_owned()));
    let keys: Vec<Vec<u8>> = keys.collect::<Result<_, _>>()?;
    for key in keys {
        state.delete(&key)?;
    }
    Ok(())
}

/// Takes a number of 8 bytes off the front.
pub fn take_long(bytes: &mut &[u8]) -> Option<i64> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(i64::from_be_bytes(*number))
}
