//! Interval join: a row meets those of the other side that are not too far away in time, at once.
//!
//! Flink: `RowTimeIntervalJoin`. A row stays as long as rows of the other side may come that it meets; when it goes, it comes out without a
//! match if it has met none and the join wants that. A late row still meets what is there; one that nothing can meet any more does not stay.
//!
//! Key of an entry: group, side, time, row; its moment is the one after the last time of the other side that it meets. Value: how many such
//! rows there are that have met some, and how many that have not.
//!
//! # A row that stands exactly at the watermark
//! What is kept goes when the watermark has *passed* the last time that it meets (`TimeIntervalJoin.registerCleanUpTimer`: that time and
//! 1 ms), so a row that comes at the watermark still meets it. A new row whose last time the watermark has *reached* is not kept
//! (`processElement`): nothing that is not late can meet it.

use super::rows::{BROKEN, decode_row, in_value, push_row, row_of, split_group};
use super::{JoinOperator, PIECE, in_pairs, late};
use crate::operator::error::RowError;
use crate::operator::graph::Side;
use crate::operator::session::Added;
use crate::operator::window::{RowPlace, TakeRow};
use crate::plan::RowKind;
use crate::state::{KeyedState, sortable_time};

/// Bytes of a time in a key.
const TIME_BYTES: usize = size_of::<i64>();

/// Bytes of the two counts at the front of a value.
const COUNT_BYTES: usize = size_of::<u64>();

/// An entry of which some rows have met a row for the first time: key and value as it is now, and its moment.
type Met = (Vec<u8>, Vec<u8>, i64);

impl JoinOperator {
    pub(super) fn meet(
        &mut self,
        state: &mut KeyedState,
        (time, can_match): (i64, bool),
        [lower, upper]: [i64; 2],
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<Added, RowError> {
        let side = place.side;
        // A left row meets right ones that are by `upper` before it to by `lower` before it; a right one is met the other way round.
        let [first, last] = match side {
            Side::Left => [time.saturating_sub(upper), time.saturating_sub(lower)],
            Side::Right => [time.saturating_add(lower), time.saturating_add(upper)],
        };
        let (matched, met) = if can_match {
            self.meet_rows(state, side, [first, last], [lower, upper], take).map_err(in_pairs)?
        } else {
            (false, Vec::new())
        };
        for (key, value, due) in met {
            state.put_until(&key, &value, due);
        }
        if can_match && last > place.closed {
            let mut key = [&self.group[..], &[side.byte()], &sortable_time(time)].concat();
            push_row(&self.row, &mut key);
            let [mut has_met, mut has_not] = state.get(&key)?.map_or(Ok([0, 0]), decode)?;
            *(if matched { &mut has_met } else { &mut has_not }) += 1;
            state.put_until(&key, &encode([has_met, has_not], in_value(&self.row)), gone_at(last));
            return Ok(Added::Taken);
        }
        if matched {
            return Ok(Added::Taken);
        }
        if self.keeps_unmatched(side) {
            let row = decode_row(&self.row)?;
            self.output().unmatched((side, &row), 1, &self.group, take).map_err(in_pairs)?;
            return Ok(Added::Taken);
        }
        Ok(if can_match { late(gone_at(last), place.closed) } else { Added::Taken })
    }

    /// Hands the pairs that the present row makes to `take`. Returns whether there is one, and the entries whose rows must be counted anew:
    /// those that would come out alone if they met nobody, and have met nobody before.
    fn meet_rows(
        &self,
        state: &KeyedState,
        side: Side,
        [first, last]: [i64; 2],
        [lower, upper]: [i64; 2],
        take: &mut TakeRow<'_>,
    ) -> Result<(bool, Vec<Met>), RowError> {
        let own = decode_row(&self.row)?;
        let prefix = [&self.group[..], &[side.other().byte()]].concat();
        let from = [&prefix[..], &sortable_time(first)].concat();
        let up_to = [&prefix[..], &sortable_time(last)].concat();
        let counts = self.keeps_unmatched(side.other());
        let (mut matched, mut met) = (false, Vec::new());
        for entry in state.scan_from(&prefix, &from) {
            let (key, value) = entry?;
            let Some(row) = key.get(prefix.len() + TIME_BYTES..) else { return Err(BROKEN.into()) };
            if key[..prefix.len() + TIME_BYTES] > up_to[..] {
                break;
            }
            let behind = value.get(COUNT_BYTES..).ok_or(BROKEN)?;
            let other = decode_row(row_of(row, behind))?;
            let pair = match side {
                Side::Left => self.output().pair(&own, &other)?,
                Side::Right => self.output().pair(&other, &own)?,
            };
            let Some(pair) = pair else { continue };
            let [has_met, has_not] = decode(&value)?;
            let count = has_met.saturating_add(has_not);
            (0..count).try_for_each(|_| take(&pair, RowKind::Insert, &self.group))?;
            matched = true;
            if !counts || has_not == 0 {
                continue;
            }
            let at = time_of_key(&key, prefix.len())?;
            let last = match side {
                Side::Left => at.saturating_add(upper),
                Side::Right => at.saturating_sub(lower),
            };
            met.push((key.to_vec(), encode([count, 0], behind), gone_at(last)));
        }
        Ok((matched, met))
    }

    /// Rows go that meet nothing any more as the watermark has come to `watermark`. Returns whether all of them have: else about [`PIECE`].
    pub(super) fn leave(
        &self,
        state: &mut KeyedState,
        watermark: i64,
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        let due = state.take_due(watermark, PIECE)?;
        for (key, value) in &due {
            let (group, rest) = split_group(key, self.plan.null_safe.len())?;
            let side = Side::of_byte(*rest.first().ok_or(BROKEN)?);
            let [_, has_not] = decode(value)?;
            if has_not > 0 && self.keeps_unmatched(side) {
                let in_key = rest.get(1 + TIME_BYTES..).ok_or(BROKEN)?;
                let row = decode_row(row_of(in_key, &value[COUNT_BYTES..]))?;
                self.output().unmatched((side, &row), has_not, group, take)?;
            }
        }
        Ok(due.len() < PIECE)
    }

    fn keeps_unmatched(&self, side: Side) -> bool {
        let [left, right] = self.plan.kind.keeps_unmatched();
        if side == Side::Left { left } else { right }
    }
}

/// When a row goes: once the watermark has passed the last time that it meets.
fn gone_at(last: i64) -> i64 {
    last.saturating_add(1)
}

fn encode([has_met, has_not]: [u32; 2], behind: &[u8]) -> Vec<u8> {
    [&(u64::from(has_met) << 32 | u64::from(has_not)).to_be_bytes(), behind].concat()
}

fn decode(value: &[u8]) -> Result<[u32; 2], RowError> {
    let both = u64::from_be_bytes(*value.first_chunk().ok_or(BROKEN)?);
    Ok([(both >> 32) as u32, both as u32])
}

/// The time in a key, behind so many bytes.
fn time_of_key(key: &[u8], before: usize) -> Result<i64, RowError> {
    let bytes = key.get(before..before + TIME_BYTES).and_then(|bytes| bytes.try_into().ok()).ok_or(BROKEN)?;
    Ok(crate::state::from_sortable_time(bytes))
}
