//! Rows of a join as bytes and back, and what comes out of a pair.

use sha2::{Digest, Sha256};

use crate::expr::{EvalError, Value};
use crate::operator::error::RowError;
use crate::operator::graph::Side;
use crate::operator::window::TakeRow;
use crate::plan::{Join, JoinKind, JoinSide, RowKind};
use crate::state::{decode_value, encode_value};

/// Most bytes of a row in the key of an entry. Of a longer one the key has a hash, and the entry's value the row.
const MOST_IN_KEY: usize = 30_000;

/// What a row's hash begins with; no encoded value does.
const HASHED: u8 = u8::MAX;

/// State that cannot be read back: our bug.
pub const BROKEN: EvalError = EvalError::Shape("a row of a join cannot be read back");

impl Join {
    /// What is looked at on one side.
    #[must_use]
    pub(crate) fn side(&self, side: Side) -> &JoinSide {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }
}

impl Side {
    /// Its byte in the keys of the state.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Side::Left => 0,
            Side::Right => 1,
        }
    }

    /// The side of a byte.
    #[must_use]
    pub fn of_byte(byte: u8) -> Side {
        if byte == 0 { Side::Left } else { Side::Right }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }
}

/// Appends what stands for a row to the key of its entry.
pub fn push_row(row: &[u8], key: &mut Vec<u8>) {
    if row.len() <= MOST_IN_KEY {
        key.extend_from_slice(row);
    } else {
        key.push(HASHED);
        key.extend_from_slice(&Sha256::digest(row));
    }
}

/// What of a row goes to the end of its entry's value.
pub fn in_value(row: &[u8]) -> &[u8] {
    if row.len() <= MOST_IN_KEY { &[] } else { row }
}

/// The row of an entry, of what stands for it at the end of the key and at the end of the value.
pub fn row_of<'e>(in_key: &'e [u8], in_value: &'e [u8]) -> &'e [u8] {
    if in_key.first() == Some(&HASHED) { in_value } else { in_key }
}

/// Encodes the values of a row into `to`, whose content is replaced.
pub fn encode_row<'v>(values: impl Iterator<Item = &'v Value<'v>>, to: &mut Vec<u8>) {
    to.clear();
    values.for_each(|value| encode_value(value, to));
}

/// The values of a row.
pub fn decode_row(mut bytes: &[u8]) -> Result<Vec<Value<'_>>, EvalError> {
    let mut row = Vec::new();
    while !bytes.is_empty() {
        row.push(decode_value(&mut bytes).ok_or(BROKEN)?);
    }
    Ok(row)
}

/// Divides the key of an entry behind the encoded values of its group, of which there are `keys`.
pub fn split_group(key: &[u8], keys: usize) -> Result<(&[u8], &[u8]), EvalError> {
    let mut rest = key;
    for _ in 0..keys {
        decode_value(&mut rest).ok_or(BROKEN)?;
    }
    Ok(key.split_at(key.len() - rest.len()))
}

/// Puts outgoing rows together.
#[derive(Clone, Copy, Debug)]
pub struct Output<'p> {
    plan: &'p Join,
}

impl<'p> Output<'p> {
    /// Of `plan`.
    #[must_use]
    pub fn new(plan: &'p Join) -> Output<'p> {
        Output { plan }
    }

    /// The row of a pair, if the condition holds for it.
    pub fn pair<'v>(&self, left: &[Value<'v>], right: &[Value<'v>]) -> Result<Option<Vec<Value<'v>>>, EvalError> {
        let row: Vec<Value<'v>> = left.iter().chain(right).cloned().collect();
        let holds = match &self.plan.condition {
            Some(condition) => condition.eval_condition(&row)?,
            None => true,
        };
        Ok(holds.then_some(row))
    }

    /// Hands a row of one side that has no match to `take`, so many times.
    pub fn unmatched(
        &self,
        (side, row): (Side, &[Value<'_>]),
        times: u32,
        group: &[u8],
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let row = self.alone(side, row);
        (0..times).try_for_each(|_| take(&row, RowKind::Insert, group))
    }

    /// What comes out of a row of one side that has no match.
    pub fn alone<'v>(&self, side: Side, row: &[Value<'v>]) -> Vec<Value<'v>> {
        let nulls = |side: Side| std::iter::repeat_n(Value::Null, self.plan.side(side).columns.len());
        match side {
            Side::Left if self.plan.kind == JoinKind::Anti => row.to_vec(),
            Side::Left => row.iter().cloned().chain(nulls(Side::Right)).collect(),
            Side::Right => nulls(Side::Left).chain(row.iter().cloned()).collect(),
        }
    }
}
