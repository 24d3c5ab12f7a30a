//! Joins: rows of both sides are kept as state until time says that they meet no others any more; those of a regular join, until they are
//! taken back or their time-to-live is over.
//!
//! A row is an entry of the state: its group (the encoded keys), what its kind of join needs to find it, and the encoded columns
//! themselves; equal rows are one entry, which counts them. So state needs no numbers of its own, and what comes out is in the same order
//! however partitions were interleaved.

mod interval;
mod regular;
mod rows;
mod temporal;
#[cfg(test)]
mod tests;
mod window;

use super::error::RowError;
use super::graph::Side;
use super::key::{check_length, encode_keys};
use super::pipeline::LateRow;
use super::session::Added;
use super::window::{RowPlace, TakeRow, time_of};
use crate::expr::{Expr, Value};
use crate::plan::{Join, JoinTime};
use crate::state::{KeyedState, encode_value};
use rows::{Output, encode_row};

/// About so many rows go in and out in one piece of work, when time has passed that of many.
pub(super) const PIECE: usize = 1_024;

/// The operator.
#[derive(Debug)]
pub struct JoinOperator {
    plan: Box<Join>,
    group: Vec<u8>,
    row: Vec<u8>,
}

/// A row that was looked at: its time, and whether its keys can be equal to any. Group and row are encoded in the operator.
struct Seen {
    /// 0 where no time is looked at.
    time: i64,
    can_match: bool,
}

impl JoinOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &Join) -> JoinOperator {
        JoinOperator { plan: Box::new(plan.clone()), group: Vec::new(), row: Vec::new() }
    }

    /// Its state without rows.
    #[must_use]
    pub fn new_state(&self) -> KeyedState {
        let ttl_ms = match self.plan.time {
            JoinTime::Regular { ttl_ms } => ttl_ms,
            JoinTime::Window | JoinTime::Interval { .. } | JoinTime::Temporal => None,
        };
        KeyedState::new(ttl_ms)
    }

    /// By how many ms what comes out is behind the time of the rows that come in, at most (Flink: `TimeIntervalJoin.getMaxOutputDelay`; and
    /// 1 ms more, as a row goes when the watermark has passed what it meets: Flink drops such a row if a window ends just there).
    #[must_use]
    pub fn delay(&self) -> i64 {
        match self.plan.time {
            JoinTime::Window | JoinTime::Regular { .. } | JoinTime::Temporal => 0,
            JoinTime::Interval { lower_ms, upper_ms } => {
                upper_ms.max(lower_ms.saturating_neg()).max(0).saturating_add(1)
            }
        }
    }

    /// What rows of both sides have in common.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.left.keys
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>], side: Side) -> Result<(), RowError> {
        let plan = self.plan.side(side);
        plan.time_column.map(|column| time_of(row, column)).transpose()?;
        Ok(encode_keys(&plan.keys, row, &mut Vec::new())?)
    }

    /// Takes `row` in; what comes out at once goes to `take`.
    pub fn add(
        &mut self,
        state: &mut KeyedState,
        row: &[Value<'_>],
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<Added, RowError> {
        let Seen { time, can_match } = self.look_at(row, place.side)?;
        match self.plan.time {
            JoinTime::Window => self.add_to_window(state, (time, can_match), place),
            JoinTime::Interval { lower_ms, upper_ms } => {
                self.meet(state, (time, can_match), [lower_ms, upper_ms], place, take)
            }
            JoinTime::Regular { .. } => {
                if can_match {
                    self.check_met(state, place.side)?;
                }
                self.change(state, can_match, place, take).map_err(in_pairs)?;
                Ok(Added::Taken)
            }
            JoinTime::Temporal => {
                self.add_at_time(state, (time, can_match), place, take).map_err(in_pairs)?;
                Ok(Added::Taken)
            }
        }
    }

    /// Lets time pass up to `watermark`: what comes out by that goes to `take`. Returns whether that is all: else there is more to be done
    /// at this watermark, about [`PIECE`] rows at a time.
    pub fn close(&mut self, state: &mut KeyedState, watermark: i64, take: &mut TakeRow<'_>) -> Result<bool, RowError> {
        match self.plan.time {
            JoinTime::Window => self.close_windows(state, watermark, take),
            JoinTime::Interval { .. } => self.leave(state, watermark, take),
            JoinTime::Temporal => self.meet_versions(state, watermark, take),
            JoinTime::Regular { .. } => Ok(true),
        }
    }

    /// The end of the next window, or when the next row goes.
    #[must_use]
    pub fn next_close(&self, state: &KeyedState) -> Option<i64> {
        match self.plan.time {
            // Its entries are over by the host's clock.
            JoinTime::Regular { .. } => None,
            _ => state.next_due().map(|due| due.saturating_add(1)),
        }
    }

    /// Whether time has to stop at each of these moments. Rows of an interval join go one by one, whenever.
    #[must_use]
    pub fn is_windowed(&self) -> bool {
        self.plan.time == JoinTime::Window
    }

    /// Encodes the group and the kept columns of a row.
    fn look_at(&mut self, row: &[Value<'_>], side: Side) -> Result<Seen, RowError> {
        let JoinOperator { plan, group, row: kept } = self;
        let own = plan.side(side);
        let time = own.time_column.map_or(Ok(0), |column| time_of(row, column))?;
        group.clear();
        let mut can_match = true;
        for (key, null_safe) in own.keys.iter().zip(&plan.null_safe) {
            let value = key.eval(row)?;
            can_match &= *null_safe || !value.is_null();
            encode_value(&value, group);
        }
        check_length(group)?;
        encode_row(own.columns.iter().map(|(column, _)| &row[*column]), kept);
        Ok(Seen { time, can_match })
    }

    /// The number of keys, of which a group consists.
    fn output(&self) -> Output<'_> {
        Output::new(&self.plan)
    }
}

/// An error in the middle of a row's pairs: some of them are out already, so that it is not to be taken for an error of its record.
fn in_pairs(error: RowError) -> RowError {
    RowError::Change(Box::new(error))
}

/// What is late for a window or for everything that it could meet.
fn late(end: i64, watermark: i64) -> Added {
    Added::Late(LateRow { window_end: end, watermark })
}
