//! Regular join: each row meets all rows of the other side that there are, and those that come later; rows may be taken back.
//!
//! Flink: `StreamingJoinOperator` and `StreamingSemiAntiJoinOperator`, both sides without a unique key. An inner join tells pairs with the
//! kind of the row that made them; the others tell that rows come (`+I`) and go (`-D`). What a row without a match makes is taken back
//! when its first match comes, and comes again when the last one goes. A row that is taken back although it was never seen, or is
//! forgotten, takes its pairs back too.
//!
//! Key of an entry: group, side, row. Value: how many such rows there are, and how many rows each of them has met. With a time-to-live an
//! entry is forgotten when it has not been written for so long (Flink: `OnCreateAndWrite`).

use super::JoinOperator;
use super::rows::{BROKEN, decode_row, in_value, push_row, row_of};
use crate::expr::{EvalError, Value};
use crate::operator::error::RowError;
use crate::operator::graph::Side;
use crate::operator::window::{RowPlace, TakeRow};
use crate::plan::{JoinKind, RowKind};
use crate::state::KeyedState;

/// Bytes of the two counts at the front of a value.
const COUNT_BYTES: usize = 2 * size_of::<u32>();

/// Most rows that one row may meet: what it makes is in memory until it is committed.
pub const MOST_MET: u64 = 1_000_000;

/// How many equal rows an entry is, and how many rows each of them has met.
#[derive(Clone, Copy, Default)]
struct Counts {
    rows: u32,
    met: u32,
}

impl Counts {
    fn decode(value: &[u8]) -> Result<Counts, RowError> {
        let (rows, rest) = value.split_first_chunk().ok_or(BROKEN)?;
        let met = rest.first_chunk().ok_or(BROKEN)?;
        Ok(Counts { rows: u32::from_be_bytes(*rows), met: u32::from_be_bytes(*met) })
    }

    fn encode(self, behind: &[u8]) -> Vec<u8> {
        [&self.rows.to_be_bytes()[..], &self.met.to_be_bytes(), behind].concat()
    }
}

/// Whether a row comes or goes, in words that are told of what it changes.
fn turned(retracts: bool) -> [RowKind; 2] {
    if retracts { [RowKind::Delete, RowKind::Insert] } else { [RowKind::Insert, RowKind::Delete] }
}

impl JoinOperator {
    /// Whether the present row meets no more rows than one may. Before anything of it is told: then it is the record's fault.
    pub(super) fn check_met(&self, state: &KeyedState, side: Side) -> Result<(), RowError> {
        let prefix = [&self.group[..], &[side.other().byte()]].concat();
        let mut rows = 0_u64;
        for item in state.scan(&prefix) {
            rows = rows.saturating_add(Counts::decode(&item?.1)?.rows.into());
            if rows > MOST_MET {
                return self.check_pairs(state, side, &prefix);
            }
        }
        Ok(())
    }

    /// The same, of those for which the condition holds.
    fn check_pairs(&self, state: &KeyedState, side: Side, prefix: &[u8]) -> Result<(), RowError> {
        let row = decode_row(&self.row)?;
        let mut rows = 0_u64;
        for item in state.scan(prefix) {
            let (key, value) = item?;
            let other = decode_row(row_of(&key[prefix.len()..], value.get(COUNT_BYTES..).ok_or(BROKEN)?))?;
            let pair = match side {
                Side::Left => self.output().pair(&row, &other)?,
                Side::Right => self.output().pair(&other, &row)?,
            };
            if pair.is_some() {
                rows = rows.saturating_add(Counts::decode(&value)?.rows.into());
            }
            if rows > MOST_MET {
                return Err(EvalError::ManyPairs { most: MOST_MET }.into());
            }
        }
        Ok(())
    }

    /// Takes the present row in, or back.
    pub(super) fn change(
        &mut self,
        state: &mut KeyedState,
        can_match: bool,
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        state.expire(place.now)?;
        let RowPlace { side, kind, .. } = place;
        let row = decode_row(&self.row)?;
        let met = if can_match { self.meet_all(state, (side, &row), kind, take)? } else { 0 };
        self.tell_own((side, &row), (met, kind), take)?;
        if can_match { self.keep(state, side, met, kind.is_retraction()) } else { Ok(()) }
    }

    /// What the row makes by itself: as one without a match, or as one of a semi join with some.
    fn tell_own(
        &self,
        (side, row): (Side, &[Value<'_>]),
        (met, kind): (u32, RowKind),
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let [keeps_left, keeps_right] = self.plan.kind.keeps_unmatched();
        let keeps = if side == Side::Left { keeps_left } else { keeps_right };
        match self.plan.kind {
            JoinKind::Semi if side == Side::Left && met > 0 => take(row, kind, &self.group),
            JoinKind::Anti if side == Side::Left && met == 0 => take(row, kind, &self.group),
            _ if keeps && met == 0 => {
                let [kind, _] = turned(kind.is_retraction());
                take(&self.output().alone(side, row), kind, &self.group)
            }
            _ => Ok(()),
        }
    }

    /// Tells what changes for the rows of the other side that the row meets, and their pairs with it. Returns how many rows it meets.
    fn meet_all(
        &self,
        state: &mut KeyedState,
        (side, row): (Side, &[Value<'_>]),
        kind: RowKind,
        take: &mut TakeRow<'_>,
    ) -> Result<u32, RowError> {
        let retracts = kind.is_retraction();
        let prefix = [&self.group[..], &[side.other().byte()]].concat();
        let counts_others = self.counts(side.other());
        let (mut met, mut changed) = (0_u32, Vec::new());
        for item in state.scan(&prefix) {
            let (key, value) = item?;
            let behind = value.get(COUNT_BYTES..).ok_or(BROKEN)?;
            let other = decode_row(row_of(&key[prefix.len()..], behind))?;
            let pair = match side {
                Side::Left => self.output().pair(row, &other)?,
                Side::Right => self.output().pair(&other, row)?,
            };
            let Some(pair) = pair else { continue };
            let counts = Counts::decode(&value)?;
            met = met.saturating_add(counts.rows);
            let after = if retracts { counts.met.saturating_sub(1) } else { counts.met.saturating_add(1) };
            // The first match has come, or the last one has gone: not if it was never counted.
            let turns = counts_others && counts.met == u32::from(retracts);
            let others = (side.other(), &other[..]);
            if turns && !retracts {
                self.tell_others(others, (counts.rows, retracts), take)?;
            }
            if !self.plan.kind.is_of_left_rows() {
                let kind = if self.plan.kind == JoinKind::Inner { kind } else { turned(retracts)[0] };
                (0..counts.rows).try_for_each(|_| take(&pair, kind, &self.group))?;
            }
            if turns && retracts {
                self.tell_others(others, (counts.rows, retracts), take)?;
            }
            if counts_others {
                changed.push((key.to_vec(), Counts { met: after, ..counts }.encode(behind)));
            }
        }
        changed.iter().for_each(|(key, value)| state.put(key, value));
        Ok(met)
    }

    /// Rows of the other side have their first match, or none any more.
    fn tell_others(
        &self,
        (side, row): (Side, &[Value<'_>]),
        (rows, retracts): (u32, bool),
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let [with_match, without] = turned(retracts);
        if self.plan.kind == JoinKind::Semi {
            return (0..rows).try_for_each(|_| take(row, with_match, &self.group));
        }
        let alone = self.output().alone(side, row);
        (0..rows).try_for_each(|_| take(&alone, without, &self.group))
    }

    /// Whether it counts what rows of a side have met.
    fn counts(&self, side: Side) -> bool {
        let [left, right] = self.plan.kind.keeps_unmatched();
        if side == Side::Left { left || self.plan.kind.is_of_left_rows() } else { right }
    }

    /// Keeps the row, or one of those that are like it no longer.
    fn keep(&self, state: &mut KeyedState, side: Side, met: u32, retracts: bool) -> Result<(), RowError> {
        let mut key = [&self.group[..], &[side.byte()]].concat();
        push_row(&self.row, &mut key);
        let before = state.get(&key)?.map(Counts::decode).transpose()?.unwrap_or_default();
        let rows = if retracts { before.rows.saturating_sub(1) } else { before.rows.saturating_add(1) };
        if rows == 0 {
            state.delete(&key)?;
        } else {
            state.put(&key, &Counts { rows, met }.encode(in_value(&self.row)));
        }
        Ok(())
    }
}
