//! Gathers the rows of one step by window and key, for another task that merges what several of these have gathered.
//!
//! However often a key comes, it costs the other task one record a step. What goes out has the form of a changelog (see
//! [`changelog`]): a key's accumulators in a slice of time, a key's sessions, or a row that may have to wait. Behind
//! the accumulators of a slice or a session is the number of their rows, so that late ones can be counted.

use super::error::RowError;
use super::keeper::Keeper;
use super::local_grid::LocalGrid;
use super::session::{Added, SessionOperator};
use super::spread::spread_by;
use super::window::RowPlace;
use crate::expr::{EvalError, Value};
use crate::state::changelog;
use crate::state::{Accumulator, Merge, SessionState, Stamp, Tardy};

/// Gathered rows come without their number: our bug.
pub const NO_COUNT: EvalError = EvalError::Shape("gathered rows are not counted");

/// Takes what is spread over tasks by, and key and value of a record.
pub type PutPartial<'p> = dyn FnMut(&[u8], &[u8], &[u8]) + 'p;

/// The first stage that keeps rows, on the side that reads.
#[derive(Debug)]
pub struct LocalKeeper {
    kind: Kind,
    /// Positions of the keys by which groups are spread; `None` if it is all of them.
    spread_by: Option<Vec<usize>>,
}

#[derive(Debug)]
enum Kind {
    Grid(LocalGrid),
    Session { operator: SessionOperator, open: SessionState, tardy: Vec<Tardy> },
}

impl LocalKeeper {
    /// Gathers for `keeper`, which has `keys` keys of which those at the positions `spread_by` spread its groups; `None` if its rows cannot
    /// be gathered before they are merged.
    #[must_use]
    pub fn new(keeper: Keeper, keys: usize, spread_by: Vec<usize>) -> Option<LocalKeeper> {
        let kind = match keeper {
            Keeper::Grid(operator) => Kind::Grid(LocalGrid::new(operator)),
            Keeper::Group(_)
            | Keeper::Normalize(_)
            | Keeper::Deduplicate(_)
            | Keeper::Rank(_)
            | Keeper::Materialize(_)
            | Keeper::Over(_) => {
                return None;
            }
            Keeper::Session(operator) => {
                let open = SessionState::new(counted(operator.initial()));
                Kind::Session { operator, open, tardy: Vec::new() }
            }
            Keeper::Join(_) => unreachable!("where inputs meet there is one task"),
        };
        Some(LocalKeeper { kind, spread_by: (!spread_by.iter().copied().eq(0..keys)).then_some(spread_by) })
    }

    /// Takes `row` in. It is late by the watermark of its own partition or not at all: nothing is closed here.
    #[inline]
    pub fn add(&mut self, row: &[Value<'_>], place: RowPlace) -> Result<Added, RowError> {
        match &mut self.kind {
            Kind::Grid(grid) => return grid.add(row, place),
            Kind::Session { operator, open, tardy } => {
                if let Some(row) = operator.gather(open, row, place.watermark)? {
                    let stamp =
                        Stamp { watermark: place.watermark, partition: place.partition, number: tardy.len() as u64 };
                    tardy.push(Tardy { stamp, key: operator.key().to_vec(), row });
                    return Ok(Added::Waits);
                }
            }
        }
        Ok(Added::Taken)
    }

    /// Keeps its record with the row that was the last to wait.
    pub fn attach_origin(&mut self, origin: Vec<u8>) {
        if let Kind::Session { tardy, .. } = &mut self.kind
            && let Some(last) = tardy.last_mut()
        {
            last.row.origin = Some(origin);
        }
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        match &self.kind {
            Kind::Grid(grid) => grid.check(row),
            Kind::Session { operator, .. } => operator.check(row),
        }
    }

    /// Hands all that is gathered to `put`, and forgets it.
    ///
    /// # Errors
    /// A key cannot be read back: our bug.
    pub fn flush(&mut self, put: &mut PutPartial<'_>) -> Result<(), RowError> {
        let LocalKeeper { kind, spread_by } = self;
        let (mut key, mut value, mut by) = (Vec::new(), Vec::new(), Vec::new());
        match kind {
            Kind::Grid(grid) => grid.drain(|span, group, states| {
                changelog::encode_put((span, group), states, true, &mut key, &mut value);
                put(spread(spread_by.as_deref(), group, &mut by)?, &key, &value);
                Ok(())
            })?,
            Kind::Session { operator, open, tardy } => {
                let gathered = std::mem::replace(open, SessionState::new(counted(operator.initial())));
                for (group, session) in gathered.into_sessions() {
                    changelog::encode_sessions(&group, std::slice::from_ref(&session), &mut key, &mut value);
                    put(spread(spread_by.as_deref(), &group, &mut by)?, &key, &value);
                }
                for Tardy { stamp, key: group, row } in tardy.drain(..) {
                    changelog::encode_tardy_key(stamp, &group, &mut key);
                    changelog::encode_tardy_row(&row, &mut value);
                    put(spread(spread_by.as_deref(), &group, &mut by)?, &key, &value);
                }
            }
        }
        Ok(())
    }

    /// Takes rows for so many ms after their windows have fired, as the keeper does that merges.
    pub fn allow_lateness(&mut self, ms: i64) {
        if let Kind::Grid(grid) = &mut self.kind {
            grid.allow_lateness(ms);
        }
    }
}

/// What the group `key` is spread by: the encoded values at those positions, put into `by`.
fn spread<'k>(positions: Option<&[usize]>, key: &'k [u8], by: &'k mut Vec<u8>) -> Result<&'k [u8], EvalError> {
    let Some(positions) = positions else { return Ok(key) };
    spread_by(positions, key, by)?;
    Ok(by)
}

/// The accumulators of a new key, and behind them the number of its rows.
pub(super) fn counted(mut initial: Vec<Accumulator>) -> Vec<Accumulator> {
    initial.push(Accumulator::Count(0));
    initial
}

/// Adds to a number of rows.
pub fn add_rows(rows: &mut Accumulator, more: i64) {
    if let Accumulator::Count(count) = rows {
        *count += more;
    }
}

/// Merges with `merge` what stands before the numbers of rows, and these.
pub fn counting<'m>(merge: &'m Merge<'m>) -> impl Fn(&mut [Accumulator], &[Accumulator]) + 'm {
    |into, from| {
        if let (Some((rows, into)), Some((Accumulator::Count(more), from))) = (into.split_last_mut(), from.split_last())
        {
            add_rows(rows, *more);
            merge(into, from);
        }
    }
}

/// Takes the number of rows off the end of gathered accumulators.
pub fn split_rows(gathered: &[Accumulator]) -> Result<(&[Accumulator], u64), EvalError> {
    match gathered.split_last() {
        Some((Accumulator::Count(rows), own)) => Ok((own, rows.unsigned_abs())),
        _ => Err(NO_COUNT),
    }
}
