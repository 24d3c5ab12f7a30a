//! Rows of a query under the key of the table that they go into, which other rows may have too (Flink: `SinkUpsertMaterializer`).
//!
//! Of each key a list of rows is kept in the order of their coming. A row that comes is the key's from then on (`+I`, or `+U` if there was
//! one). One that is taken back leaves the list, the first of equal ones: if it was the last, the one before it is the key's again (`+U`), and
//! without any the key is gone (`-D`). What takes back a row that is not there, or is forgotten, says nothing.
//!
//! Key of an entry: the key, and the row's number (8 bytes); value: the row.

use super::error::RowError;
use super::key::encode_keys;
use super::window::{TakeRow, spread};
use crate::expr::{EvalError, Expr, Value};
use crate::plan::{Materialize, RowKind};
use crate::state::{KeyedState, decode_value, encode_value};

const DAMAGED: EvalError = EvalError::Shape("a row of a table's key cannot be read back");

/// The operator.
#[derive(Debug)]
pub struct MaterializeOperator {
    plan: Materialize,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// A row of a key: its name in the state, and the row.
type Kept = (Vec<u8>, Vec<u8>);

impl MaterializeOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &Materialize) -> MaterializeOperator {
        MaterializeOperator { plan: plan.clone(), key: Vec::new(), value: Vec::new() }
    }

    /// What rows are gathered by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.keys
    }

    /// Its state without rows.
    #[must_use]
    pub fn new_state(&self) -> KeyedState {
        KeyedState::new(self.plan.ttl_ms)
    }

    /// Whether `row` can be taken in.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        Ok(encode_keys(&self.plan.keys, row, &mut Vec::new())?)
    }

    /// Takes `row` in, or back, and hands what changes to `take`; `now` is the host's clock in ms.
    pub fn add(
        &mut self,
        state: &mut KeyedState,
        row: &[Value<'_>],
        (kind, now): (RowKind, i64),
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let MaterializeOperator { plan, key, value } = self;
        encode_keys(&plan.keys, row, key)?;
        value.clear();
        plan.columns.iter().for_each(|(column, _)| encode_value(&row[*column], value));
        state.expire(now)?;
        let mut rows = Vec::<Kept>::new();
        for item in state.scan(key) {
            let (name, row) = item?;
            rows.push((name.into_owned(), row.into_owned()));
        }
        let mut tell = |bytes: &[u8], kind| {
            let mut rest = bytes;
            let mut row = Vec::with_capacity(plan.columns.len());
            while !rest.is_empty() {
                row.push(decode_value(&mut rest).ok_or(DAMAGED)?);
            }
            // The row counts already: this is not to be taken for an error of its record.
            take(&row, kind, &spread(key)).map_err(|error| RowError::Change(Box::new(error)))
        };
        if !kind.is_retraction() {
            let last = rows.last().and_then(|(name, _)| name.last_chunk().map(|number| u64::from_be_bytes(*number)));
            let number = last.map_or(0, |last| last + 1);
            state.put(&[&key[..], &number.to_be_bytes()].concat(), value);
            return tell(value, if rows.is_empty() { RowKind::Insert } else { RowKind::UpdateAfter });
        }
        let Some(at) = rows.iter().position(|(_, row)| row == value) else { return Ok(()) };
        state.delete(&rows[at].0)?;
        match rows.len() - 1 {
            0 => tell(value, RowKind::Delete),
            last if last == at => tell(&rows[last - 1].1, RowKind::UpdateAfter),
            _ => Ok(()),
        }
    }
}
