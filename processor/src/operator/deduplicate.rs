//! The first or the last row of each key by time, without windows (Flink: the functions of `operators/deduplicate`).
//!
//! # What comes out
//! - The first row by processing time: the one that comes first (`+I`), at once.
//! - The first row by event time: the earliest one (`+I`), of equal ones the one that came first, when the watermark has passed it. Rows
//!   before the watermark are late. A key that has come out says nothing more.
//! - The last row: `+I`, then `-U` of the row before and `+U` with each row that is not older than it; by processing time every row is the
//!   last, and one that is the same as before says nothing unless keys are forgotten after a time.
//!
//! # What is kept
//! Behind the key one byte: for what has come out (the last row behind its time; of a first row only that there was one), with the
//! time-to-live; and for the row that waits for the watermark, which is over at its time.

use super::error::RowError;
use super::key::encode_keys;
use super::pipeline::LateRow;
use super::session::Added;
use super::window::{RowPlace, TakeRow, spread, time_of};
use crate::expr::{EvalError, Expr, Value};
use crate::plan::{Deduplicate, RowKind};
use crate::state::{KeyedState, decode_value, encode_value};

/// Behind a key: what has come out.
const DONE: u8 = 0;
/// So many rows that have waited come out in one piece.
const MOST_AT_ONCE: usize = 10_000;
/// Behind a key: the row that waits for the watermark.
const WAITS: u8 = 1;
/// Bytes of a time before a row.
const TIME_BYTES: usize = size_of::<i64>();

const DAMAGED: EvalError = EvalError::Shape("a row of a deduplication cannot be read back");

/// The operator.
#[derive(Debug)]
pub struct DeduplicateOperator {
    plan: Deduplicate,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl DeduplicateOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &Deduplicate) -> DeduplicateOperator {
        DeduplicateOperator { plan: plan.clone(), key: Vec::new(), value: Vec::new() }
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
        self.time(row)?;
        Ok(encode_keys(&self.plan.keys, row, &mut Vec::new())?)
    }

    /// The event time of a row, or the same for all where they are in the order in which they come.
    fn time(&self, row: &[Value<'_>]) -> Result<i64, EvalError> {
        self.plan.time_column.map_or(Ok(0), |column| time_of(row, column))
    }

    /// Takes `row` in, and hands what changes by it to `take`.
    pub fn add(
        &mut self,
        state: &mut KeyedState,
        row: &[Value<'_>],
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<Added, RowError> {
        let time = self.time(row)?;
        encode_keys(&self.plan.keys, row, &mut self.key)?;
        self.key.push(DONE);
        self.value.clear();
        self.value.extend_from_slice(&time.to_be_bytes());
        self.plan.columns.iter().for_each(|(column, _)| encode_value(&row[*column], &mut self.value));
        state.expire(place.now)?;
        match (self.plan.last, self.plan.time_column) {
            (true, _) => self.keep_last(state, time, take)?,
            (false, None) => self.keep_first(state, take)?,
            (false, Some(_)) => {
                let passed = place.watermark.max(place.closed);
                if time < passed {
                    return Ok(Added::Late(LateRow { window_end: time.saturating_add(1), watermark: passed }));
                }
                self.keep_earliest(state, time)?;
            }
        }
        Ok(Added::Taken)
    }

    fn keep_last(&self, state: &mut KeyedState, time: i64, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let before = state.get(&self.key)?.map(<[u8]>::to_vec);
        match &before {
            Some(before) if time_before(before)? > time => return Ok(()),
            Some(before) if self.plan.ttl_ms.is_none() && *before == self.value => return Ok(()),
            _ => {}
        }
        state.put(&self.key, &self.value);
        match before {
            None => self.tell(&self.value, RowKind::Insert, take),
            Some(before) => {
                self.tell(&before, RowKind::UpdateBefore, take)?;
                self.tell(&self.value, RowKind::UpdateAfter, take)
            }
        }
    }

    fn keep_first(&self, state: &mut KeyedState, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        if state.get(&self.key)?.is_some() {
            return Ok(());
        }
        state.put(&self.key, &[]);
        self.tell(&self.value, RowKind::Insert, take)
    }

    fn keep_earliest(&mut self, state: &mut KeyedState, time: i64) -> Result<(), RowError> {
        if state.get(&self.key)?.is_some() {
            return Ok(());
        }
        self.key.pop();
        self.key.push(WAITS);
        if let Some(waiting) = state.get(&self.key)?
            && time_before(waiting)? <= time
        {
            return Ok(());
        }
        state.put_until_time(&self.key, &self.value, time);
        Ok(())
    }

    /// Lets event time pass up to `watermark`: the rows that have waited for it go to `take`; `now` is the host's clock in ms. Returns
    /// whether these were all: else it is to be called again.
    pub fn close(
        &mut self,
        state: &mut KeyedState,
        (watermark, now): (i64, i64),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        // What is put here is forgotten after its time-to-live from now on, whenever a row came last.
        state.expire(now)?;
        let passed = state.take_passed(watermark, MOST_AT_ONCE)?;
        let is_all = passed.len() < MOST_AT_ONCE;
        for (key, value) in passed {
            self.key.clear();
            self.key.extend_from_slice(&key[..key.len() - 1]);
            self.key.push(DONE);
            state.put(&self.key, &[]);
            self.tell(&value, RowKind::Insert, take)?;
        }
        Ok(is_all)
    }

    /// Hands an encoded row of the present key to `take`.
    fn tell(&self, value: &[u8], kind: RowKind, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let mut rest = value.get(TIME_BYTES..).ok_or(DAMAGED)?;
        let mut row = Vec::with_capacity(self.plan.columns.len());
        while !rest.is_empty() {
            row.push(decode_value(&mut rest).ok_or(DAMAGED)?);
        }
        // The row counts already: this is not to be taken for an error of its record.
        let by = spread(&self.key[..self.key.len() - 1]);
        take(&row, kind, &by).map_err(|error| RowError::Change(Box::new(error)))
    }
}

/// The time before an encoded row.
fn time_before(value: &[u8]) -> Result<i64, EvalError> {
    let (time, _) = value.split_first_chunk().ok_or(DAMAGED)?;
    Ok(i64::from_be_bytes(*time))
}
