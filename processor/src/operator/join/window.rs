//! Window join: rows of both sides wait until their window closes, and meet then.
//!
//! Flink: `WindowJoinOperator`. Key of an entry: group (window_start and the keys), window_end, side, row; its moment is the last one of
//! the window. Value: how many rows there are.

use super::rows::{BROKEN, Output, decode_row, split_group};
use super::{JoinOperator, late};
use crate::expr::Value;
use crate::operator::error::RowError;
use crate::operator::graph::Side;
use crate::operator::session::Added;
use crate::operator::window::{RowPlace, TakeRow};
use crate::plan::{JoinKind, RowKind};
use crate::state::{DueEntry, KeyedState, sortable_time};
use crate::time::is_window_fired;

/// Rows of one side in a window, with how many there are of each.
type Rows<'e> = Vec<(Vec<Value<'e>>, u32)>;

impl JoinOperator {
    pub(super) fn add_to_window(
        &mut self,
        state: &mut KeyedState,
        (end, can_match): (i64, bool),
        place: RowPlace,
    ) -> Result<Added, RowError> {
        let watermark = place.watermark.max(place.closed);
        if is_window_fired(end, watermark) {
            return Ok(late(end, watermark));
        }
        let [left, right] = self.plan.kind.keeps_unmatched();
        if !can_match && !(if place.side == Side::Left { left } else { right }) {
            return Ok(Added::Taken);
        }
        // A NULL among the keys is in the group: what cannot match is told from what can by its group.
        let key = [&self.group[..], &sortable_time(end), &[place.side.byte()], &self.row].concat();
        let count = state.get(&key)?.map_or(Ok(0), count_of)?;
        state.put_until(&key, &count.saturating_add(1).to_be_bytes(), end.saturating_sub(1));
        Ok(Added::Taken)
    }

    /// Joins the rows of windows that have closed, which are in order: window by window, and there group by group, left before right.
    pub(super) fn close_windows(&self, due: &[DueEntry], take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let mut rest = due;
        while let Some((first, _)) = rest.first() {
            let (group, behind) = split_group(first, self.plan.null_safe.len())?;
            let window = &first[..group.len() + size_of::<i64>().min(behind.len())];
            let count = rest.iter().take_while(|(key, _)| key.starts_with(window)).count();
            let (own, others) = rest.split_at(count);
            rest = others;
            let (mut left, mut right): (Rows<'_>, Rows<'_>) = (Vec::new(), Vec::new());
            for (key, value) in own {
                let (side, row) = key[window.len()..].split_first().ok_or(BROKEN)?;
                let side = if Side::of_byte(*side) == Side::Left { &mut left } else { &mut right };
                side.push((decode_row(row)?, count_of(value)?));
            }
            self.join_window(group, &left, &right, take)?;
        }
        Ok(())
    }

    fn join_window(
        &self,
        group: &[u8],
        left: &Rows<'_>,
        right: &Rows<'_>,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let output: Output<'_> = self.output();
        let (kind, can_match) = (self.plan.kind, self.can_match(group)?);
        let [keeps_left, keeps_right] = kind.keeps_unmatched();
        let mut right_matched = vec![false; right.len()];
        for (row, times) in left {
            let mut matched = false;
            let partners = right.iter().zip(&mut right_matched).filter(|_| can_match);
            for ((other, other_times), other_matched) in partners {
                let Some(pair) = output.pair(row, other)? else { continue };
                (matched, *other_matched) = (true, true);
                if kind.is_of_left_rows() {
                    break;
                }
                (0..u64::from(*times) * u64::from(*other_times))
                    .try_for_each(|_| take(&pair, RowKind::Insert, group))?;
            }
            match (matched, kind) {
                (true, JoinKind::Semi) => (0..*times).try_for_each(|_| take(row, RowKind::Insert, group))?,
                (false, _) if keeps_left => output.unmatched((Side::Left, row), *times, group, take)?,
                _ => {}
            }
        }
        for ((row, times), matched) in right.iter().zip(right_matched) {
            if keeps_right && !matched {
                output.unmatched((Side::Right, row), *times, group, take)?;
            }
        }
        Ok(())
    }

    /// Whether rows of this group match each other: not with a NULL among keys that are not equal then.
    fn can_match(&self, group: &[u8]) -> Result<bool, RowError> {
        let values = decode_row(group)?;
        Ok(values.iter().zip(&self.plan.null_safe).all(|(value, null_safe)| *null_safe || !value.is_null()))
    }
}

fn count_of(value: &[u8]) -> Result<u32, RowError> {
    Ok(u32::from_be_bytes(value.try_into().map_err(|_| BROKEN)?))
}
