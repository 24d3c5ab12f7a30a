//! Window join: rows of both sides wait until their window closes, and meet then.
//!
//! Flink: `WindowJoinOperator`. Key of an entry: group (window_start and the keys), window_end, side, row; its moment is the last one of
//! the window. Value: how many rows there are, and behind that whether a right one has met some.
//!
//! # A group that is large
//! A group of few rows is joined at once. Of a larger one a left row is joined with all right ones and goes, one after the other, and
//! then the right rows go; what is left in the state says how far that is, so a commit may come in between.

use std::sync::Arc;

use super::rows::{BROKEN, Output, decode_row, in_value, push_row, row_of, split_group};
use super::{JoinOperator, PIECE, late};
use crate::expr::Value;
use crate::operator::error::RowError;
use crate::operator::graph::Side;
use crate::operator::session::Added;
use crate::operator::window::{RowPlace, TakeRow};
use crate::plan::{JoinKind, RowKind};
use crate::state::{KeyedState, sortable_time};
use crate::time::is_window_fired;

/// Rows of one side in a window, with how many there are of each.
type Rows<'e> = Vec<(Vec<Value<'e>>, u32)>;

/// Key and value of an entry.
type Entry = (Vec<u8>, Vec<u8>);

/// Bytes of a window's end in a key.
const END_BYTES: usize = size_of::<i64>();

/// Bytes of the count at the front of a value, and of what follows it.
const COUNT_BYTES: usize = size_of::<u32>();
const HEAD_BYTES: usize = COUNT_BYTES + 1;

/// One group of a window that closes: what the keys of its entries begin with.
struct Group {
    /// Group and window_end; the side follows.
    prefix: Vec<u8>,
    /// How much of that is the group.
    keys: usize,
    /// The moment of its entries.
    due: i64,
}

impl Group {
    fn name(&self) -> &[u8] {
        &self.prefix[..self.keys]
    }

    fn side(&self, side: Side) -> Vec<u8> {
        [&self.prefix[..], &[side.byte()]].concat()
    }

    /// The row of one of its entries, encoded.
    fn row<'e>(&self, (key, value): &'e Entry) -> Result<&'e [u8], RowError> {
        let in_key = key.get(self.prefix.len() + 1..).ok_or(BROKEN)?;
        // Without a hash there is nothing behind the count in what an earlier version wrote.
        Ok(row_of(in_key, value.get(HEAD_BYTES..).unwrap_or_default()))
    }
}

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
        let mut key = [&self.group[..], &sortable_time(end), &[place.side.byte()]].concat();
        push_row(&self.row, &mut key);
        let count = state.get(&key)?.map_or(Ok(0), count_of)?.saturating_add(1);
        state.put_until(&key, &encode(count, false, in_value(&self.row)), end.saturating_sub(1));
        Ok(Added::Taken)
    }

    /// Joins the rows of windows that have closed, window by window, and there group by group, left before right. Returns whether all of
    /// them are joined: else rows for about [`PIECE`] have come out.
    pub(super) fn close_windows(
        &self,
        state: &mut KeyedState,
        watermark: i64,
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        let mut done = 0;
        while let Some(first) = state.first_due(watermark)? {
            if done >= PIECE as u64 {
                return Ok(false);
            }
            let group = self.group_of(&first)?;
            done += match few(state, &group)? {
                Some(entries) => self.join_few(state, &group, &entries, take)?,
                None => self.join_many(state, &group, PIECE as u64 - done, take)?,
            };
        }
        Ok(true)
    }

    fn group_of(&self, key: &Arc<[u8]>) -> Result<Group, RowError> {
        let (group, rest) = split_group(key, self.plan.null_safe.len())?;
        let end = rest.first_chunk::<END_BYTES>().ok_or(BROKEN)?;
        let due = crate::state::from_sortable_time(*end).saturating_sub(1);
        Ok(Group { prefix: [group, end].concat(), keys: group.len(), due })
    }

    /// Joins a whole group. Returns how many rows that was, in and out.
    fn join_few(
        &self,
        state: &mut KeyedState,
        group: &Group,
        entries: &[Entry],
        take: &mut TakeRow<'_>,
    ) -> Result<u64, RowError> {
        let (mut left, mut right): (Rows<'_>, Rows<'_>) = (Vec::new(), Vec::new());
        for entry in entries {
            let side = Side::of_byte(*entry.0.get(group.prefix.len()).ok_or(BROKEN)?);
            let side = if side == Side::Left { &mut left } else { &mut right };
            side.push((decode_row(group.row(entry)?)?, count_of(&entry.1)?));
        }
        self.join_rows(group.name(), &left, &right, take)?;
        for (key, _) in entries {
            state.delete(key)?;
        }
        Ok(pairs(entries, group.prefix.len())? + entries.len() as u64)
    }

    /// Joins rows of a large group, about `most` or all that are left. Returns how many that was.
    fn join_many(
        &self,
        state: &mut KeyedState,
        group: &Group,
        most: u64,
        take: &mut TakeRow<'_>,
    ) -> Result<u64, RowError> {
        let (mut done, mut from) = (0, group.side(Side::Left));
        while done < most {
            match self.join_some(state, group, &mut from, take)? {
                0 => break,
                some => done += some,
            }
        }
        // What was begun with is gone in any case.
        Ok(done.max(1))
    }

    /// Joins one left row of a large group, the first one at `from` or behind it, or lets some right rows go where there is none. Returns how
    /// many rows that was: 0 if none is left.
    fn join_some(
        &self,
        state: &mut KeyedState,
        group: &Group,
        from: &mut Vec<u8>,
        take: &mut TakeRow<'_>,
    ) -> Result<u64, RowError> {
        let Some(own) = first_of(state, &group.side(Side::Left), from)? else {
            return self.right_rows_go(state, group, take);
        };
        from.clone_from(&own.0);
        let output = self.output();
        let (kind, can_match) = (self.plan.kind, self.can_match(group.name())?);
        let [keeps_left, keeps_right] = kind.keeps_unmatched();
        let row = decode_row(group.row(&own)?)?;
        let (mut done, mut matched, mut met) = (1, false, Vec::new());
        let right = group.side(Side::Right);
        for item in state.scan(&right).take_while(|_| can_match) {
            let (key, value) = item?;
            let entry = (key.into_owned(), value.into_owned());
            let other = decode_row(group.row(&entry)?)?;
            let Some(pair) = output.pair(&row, &other)? else { continue };
            matched = true;
            if kind.is_of_left_rows() {
                break;
            }
            let times = count_of(&entry.1)?;
            (0..times).try_for_each(|_| take(&pair, RowKind::Insert, group.name()))?;
            done += u64::from(times);
            if keeps_right && !has_met(&entry.1) {
                let value = encode(times, true, entry.1.get(HEAD_BYTES..).unwrap_or_default());
                met.push((entry.0, value));
            }
        }
        met.iter().for_each(|(key, value)| state.put_until(key, value, group.due));
        match (matched, kind) {
            (true, JoinKind::Semi) => take(&row, RowKind::Insert, group.name())?,
            (false, _) if keeps_left => output.unmatched((Side::Left, &row), 1, group.name(), take)?,
            _ => {}
        }
        match count_of(&own.1)? {
            0 | 1 => {
                state.delete(&own.0)?;
            }
            times => state.put_until(
                &own.0,
                &encode(times - 1, false, own.1.get(HEAD_BYTES..).unwrap_or_default()),
                group.due,
            ),
        }
        Ok(done)
    }

    /// Lets right rows of a large group go, of which no left row is there any more.
    fn right_rows_go(&self, state: &mut KeyedState, group: &Group, take: &mut TakeRow<'_>) -> Result<u64, RowError> {
        let [_, keeps_right] = self.plan.kind.keeps_unmatched();
        let mut some: Vec<Entry> = Vec::new();
        for item in state.scan(&group.side(Side::Right)).take(PIECE) {
            let (key, value) = item?;
            some.push((key.into_owned(), value.into_owned()));
        }
        for entry in &some {
            if keeps_right && !has_met(&entry.1) {
                let row = decode_row(group.row(entry)?)?;
                self.output().unmatched((Side::Right, &row), count_of(&entry.1)?, group.name(), take)?;
            }
            state.delete(&entry.0)?;
        }
        Ok(some.len() as u64)
    }

    fn join_rows(
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

/// The entries of a group, if they are few and make few pairs. One whose right rows have met some is not: it is in the middle of being
/// joined.
fn few(state: &KeyedState, group: &Group) -> Result<Option<Vec<Entry>>, RowError> {
    let mut entries = Vec::new();
    for item in state.scan(&group.prefix) {
        let (key, value) = item?;
        let met = has_met(&value);
        entries.push((key.into_owned(), value.into_owned()));
        if met || entries.len() > PIECE {
            return Ok(None);
        }
    }
    let few = pairs(&entries, group.prefix.len())? <= PIECE as u64;
    Ok(few.then_some(entries))
}

/// How many pairs the entries of a group make at most, whose sides are at this place of their keys.
fn pairs(entries: &[Entry], side_at: usize) -> Result<u64, RowError> {
    let mut counts = [0_u64; 2];
    for (key, value) in entries {
        let side = Side::of_byte(*key.get(side_at).ok_or(BROKEN)?);
        counts[usize::from(side == Side::Right)] += u64::from(count_of(value)?);
    }
    Ok(counts[0].saturating_mul(counts[1]))
}

fn first_of(state: &KeyedState, prefix: &[u8], from: &[u8]) -> Result<Option<Entry>, RowError> {
    let Some(item) = state.scan_from(prefix, from).next() else { return Ok(None) };
    let (key, value) = item?;
    Ok(Some((key.into_owned(), value.into_owned())))
}

fn encode(count: u32, has_met: bool, behind: &[u8]) -> Vec<u8> {
    [&count.to_be_bytes()[..], &[u8::from(has_met)], behind].concat()
}

fn count_of(value: &[u8]) -> Result<u32, RowError> {
    Ok(u32::from_be_bytes(*value.first_chunk().ok_or(BROKEN)?))
}

fn has_met(value: &[u8]) -> bool {
    value.get(COUNT_BYTES) == Some(&1)
}
