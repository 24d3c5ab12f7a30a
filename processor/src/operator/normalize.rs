//! A table that is read by its changes by key (`upsert-kafka`), as a stream that also says what rows were before (Flink:
//! `ChangelogNormalize`): of each key the last row is kept.
//!
//! A key's first row is `+I`, another one `-U` of the row before and `+U`, its removal `-D` of the row before. A row that is the same as
//! before says nothing, unless rows are forgotten after a time; nor does the removal of a key that is not there.

use super::error::RowError;
use super::key::encode_keys;
use super::look::{self, Walk, Wanted};
use super::window::TakeRow;
use crate::expr::{EvalError, Expr, Value};
use crate::plan::{Normalize, RowKind};
use crate::state::{KeyedState, decode_value, encode_value};

/// The operator.
#[derive(Debug)]
pub struct NormalizeOperator {
    plan: Normalize,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl NormalizeOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &Normalize) -> NormalizeOperator {
        NormalizeOperator { plan: plan.clone(), key: Vec::new(), value: Vec::new() }
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

    /// Takes `row` in, of which only the key counts if it is gone, and hands what changes to `take`; `now` is the host's clock in ms.
    pub fn add(
        &mut self,
        state: &mut KeyedState,
        row: &[Value<'_>],
        (kind, now): (RowKind, i64),
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let NormalizeOperator { plan, key, value } = self;
        encode_keys(&plan.keys, row, key)?;
        state.expire(now)?;
        let before = state.get(key)?.map(<[u8]>::to_vec);
        let by = super::window::spread(key);
        let mut tell = |bytes: &[u8], kind| {
            let row = decoded(bytes)?;
            // The row counts already: this is not to be taken for an error of its record.
            take(&row, kind, &by).map_err(|error| RowError::Change(Box::new(error)))
        };
        if kind.is_retraction() {
            let Some(before) = before else { return Ok(()) };
            state.delete(key)?;
            return tell(&before, RowKind::Delete);
        }
        value.clear();
        plan.columns.iter().for_each(|(column, _)| encode_value(&row[*column], value));
        if plan.ttl_ms.is_none() && before.as_ref() == Some(value) {
            return Ok(());
        }
        state.put(key, value);
        match before {
            None => tell(value, RowKind::Insert),
            Some(before) => {
                tell(&before, RowKind::UpdateBefore)?;
                tell(value, RowKind::UpdateAfter)
            }
        }
    }

    /// Hands the last rows of keys to `take`; true if it has come to the last one.
    pub fn look(
        &self,
        state: &KeyedState,
        (wanted, walk): (&Wanted, &mut Walk),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        look::walk_entries(state, wanted, walk, &mut |key, value| match wanted.wants(key) {
            true => take(&decoded(value)?, RowKind::Insert, key),
            false => Ok(()),
        })
    }

    /// What rows are told apart by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.keys
    }
}

fn decoded(mut bytes: &[u8]) -> Result<Vec<Value<'_>>, RowError> {
    let mut row = Vec::new();
    while !bytes.is_empty() {
        row.push(decode_value(&mut bytes).ok_or(EvalError::Shape("a kept row cannot be read back"))?);
    }
    Ok(row)
}
