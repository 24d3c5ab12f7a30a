//! Gathers rows by window on a grid of time and key, for another task: see [`super::local`].

use std::collections::BTreeMap;

use super::error::RowError;
use super::held::HeldRows;
use super::local::{NO_COUNT, add_rows, counted};
use super::session::Added;
use super::window::{RowPlace, WindowOperator};
use crate::expr::Value;
use crate::state::{Accumulator, Slice, StateError, each_slice};
use crate::time::WindowSpan;

/// How many slices' room is kept for the next ones: rows of two windows come at a time.
const SPARE_SLICES: usize = 2;

/// The rows gathered so far; behind the accumulators of each key is the number of its rows.
#[derive(Debug)]
pub struct LocalGrid {
    operator: WindowOperator,
    /// Rows that are to be counted, where they may wait.
    held: Option<HeldRows>,
    slices: BTreeMap<WindowSpan, Slice>,
    spare: Vec<Slice>,
}

impl LocalGrid {
    /// Without rows.
    #[must_use]
    pub fn new(operator: WindowOperator) -> LocalGrid {
        LocalGrid { held: operator.new_held(), operator, slices: BTreeMap::new(), spare: Vec::new() }
    }

    /// Takes `row` in, unless it is late by the watermark of its own partition.
    #[inline]
    pub fn add(&mut self, row: &[Value<'_>], place: RowPlace) -> Result<Added, RowError> {
        let span = match self.operator.locate(row, place)? {
            Ok(span) => span,
            Err(late) => return Ok(Added::Late(late)),
        };
        if let Some(held) = &mut self.held {
            held.push(span, self.operator.key(), row);
            if held.waiting.is_full() {
                self.settle()?;
            }
            return Ok(Added::Taken);
        }
        let LocalGrid { operator, slices, spare, .. } = self;
        let states = slice(slices, spare, operator, span).update(operator.key()).map_err(StateError::from)?;
        count(states, |own| Ok(operator.count(own, row)?))?;
        Ok(Added::Taken)
    }

    /// Counts the rows that have waited.
    fn settle(&mut self) -> Result<(), RowError> {
        let LocalGrid { operator, held, slices, spare } = self;
        let Some(held) = held else { return Ok(()) };
        each_slice(held.waiting.spans(), |span, places| {
            let mut take = |place, states: &mut [Accumulator]| count(states, |own| Ok(held.count(place, own)?));
            slice(slices, spare, operator, span).update_each(places, held.waiting.keys(), &mut take)
        })?;
        held.waiting.clear();
        Ok(())
    }

    /// Hands all that is gathered to `put`, and forgets it.
    pub fn drain(
        &mut self,
        mut put: impl FnMut(WindowSpan, &[u8], &[Accumulator]) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        self.settle()?;
        for (span, slice) in std::mem::take(&mut self.slices) {
            slice.changed().try_for_each(|(group, states)| put(span, group, states))?;
            if self.spare.len() < SPARE_SLICES {
                self.spare.extend(slice.emptied());
            }
        }
        Ok(())
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        self.operator.check(row)
    }

    /// Takes rows for so many ms after their windows have fired, as the keeper does that merges.
    pub fn allow_lateness(&mut self, ms: i64) {
        self.operator.allow_lateness(ms);
    }
}

/// The slice that `span` tells.
fn slice<'s>(
    slices: &'s mut BTreeMap<WindowSpan, Slice>,
    spare: &mut Vec<Slice>,
    operator: &WindowOperator,
    span: WindowSpan,
) -> &'s mut Slice {
    let new = || spare.pop().unwrap_or_else(|| Slice::new(&counted(operator.initial())));
    slices.entry(span).or_insert_with(new)
}

/// Takes a row in by `add`, and counts it.
#[inline]
fn count(
    states: &mut [Accumulator],
    add: impl FnOnce(&mut [Accumulator]) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let (rows, own) = states.split_last_mut().ok_or(NO_COUNT)?;
    add(own)?;
    add_rows(rows, 1);
    Ok(())
}
