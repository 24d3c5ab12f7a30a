//! Temporal join: a row meets the version of a table's row of its key that was there at its time.
//!
//! Flink: `TemporalRowTimeJoinOperator`. Left rows wait until the watermark, which is that of both sides, has come to their time; then all
//! versions up to that have come. A version is there from its time on until the next one's; of two with the same time the one that came
//! last counts. A removal has the time of the version that it removes, as the row that `ChangelogNormalize` tells it with: rows that still
//! wait find none from that time on.
//!
//! Versions that are older than the last one before the watermark go when rows or versions of their key become due, as in Flink. So a late row
//! meets a version that has been kept, or none.
//!
//! Keys of entries begin with the group. Left rows: side, time, row; the moment is their time; value: how many there are. Versions: side,
//! time; value: whether it is there, and the row. What is due for the versions of a key: one entry with its moment.

use std::collections::BTreeMap;

use super::rows::{BROKEN, Output, decode_row, in_value, push_row, row_of, split_group};
use super::{JoinOperator, PIECE};
use crate::operator::error::RowError;
use crate::operator::graph::Side;
use crate::operator::window::{RowPlace, TakeRow};
use crate::plan::{JoinKind, RowKind};
use crate::state::{KeyedState, from_sortable_time, sortable_time};

/// Bytes of a time in a key.
const TIME_BYTES: usize = size_of::<i64>();

/// Bytes of the count at the front of a left row's value.
const COUNT_BYTES: usize = size_of::<u32>();

/// In the place of the side: when versions are to be looked at.
const TIMER: u8 = 2;

/// In front of a version's row: whether it is there.
const REMOVED: u8 = 0;
const PRESENT: u8 = 1;

/// The versions of one key by their time, with what stands in front of their rows.
type Versions = Vec<(i64, Vec<u8>)>;

/// The moment of an entry that stays.
const NEVER: i64 = i64::MAX;

impl JoinOperator {
    /// Takes the present row in.
    pub(super) fn add_at_time(
        &mut self,
        state: &mut KeyedState,
        (time, can_match): (i64, bool),
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        match (place.side, can_match) {
            (Side::Left, true) => self.wait(state, time),
            (Side::Left, false) if self.plan.kind == JoinKind::Left => {
                let row = decode_row(&self.row)?;
                self.output().unmatched((Side::Left, &row), 1, &self.group, take)
            }
            (Side::Right, true) if place.kind != RowKind::UpdateBefore => {
                self.put_version(state, time, !place.kind.is_retraction())
            }
            _ => Ok(()),
        }
    }

    fn wait(&self, state: &mut KeyedState, time: i64) -> Result<(), RowError> {
        let mut key = [&self.group[..], &[Side::Left.byte()], &sortable_time(time)].concat();
        push_row(&self.row, &mut key);
        let count = state.get(&key)?.map_or(Ok(0), count_of)?.saturating_add(1);
        state.put_until(&key, &[&count.to_be_bytes()[..], in_value(&self.row)].concat(), time);
        Ok(())
    }

    fn put_version(&self, state: &mut KeyedState, time: i64, present: bool) -> Result<(), RowError> {
        let key = [&self.group[..], &[Side::Right.byte()], &sortable_time(time)].concat();
        let value = match present {
            true => [&[PRESENT], &self.row[..]].concat(),
            false => vec![REMOVED],
        };
        state.put_until(&key, &value, NEVER);
        let timer = [&self.group[..], &[TIMER]].concat();
        let is_earlier = state.get(&timer)?.is_some_and(|before| *before <= sortable_time(time)[..]);
        if !is_earlier {
            state.put_until(&timer, &sortable_time(time), time);
        }
        Ok(())
    }

    /// Joins the rows whose time the watermark has come to. Returns whether all of them are joined: else about [`PIECE`].
    pub(super) fn meet_versions(
        &self,
        state: &mut KeyedState,
        watermark: i64,
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        let due = state.take_due(watermark, PIECE)?;
        let (mut groups, mut latest): (BTreeMap<&[u8], Versions>, i64) = (BTreeMap::new(), i64::MIN);
        for (key, value) in &due {
            let (group, rest) = split_group(key, self.plan.null_safe.len())?;
            let (side, rest) = rest.split_first().ok_or(BROKEN)?;
            if !groups.contains_key(group) {
                groups.insert(group, versions(state, group)?);
            }
            if *side == TIMER {
                latest = latest.max(time_of(value)?);
                continue;
            }
            let time = time_of(rest)?;
            latest = latest.max(time);
            let row = row_of(&rest[TIME_BYTES..], value.get(COUNT_BYTES..).ok_or(BROKEN)?);
            self.meet_version((group, row, time), count_of(value)?, &groups[group], take)?;
        }
        let is_all = due.len() < PIECE;
        // Rows that are still due are not before those that were.
        let up_to = if is_all { watermark } else { latest };
        for (group, versions) in groups {
            forget_old(state, group, &versions, up_to)?;
        }
        Ok(is_all)
    }

    fn meet_version(
        &self,
        (group, row, time): (&[u8], &[u8], i64),
        count: u32,
        versions: &Versions,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let output: Output<'_> = self.output();
        let row = decode_row(row)?;
        let newer = versions.partition_point(|(from, _)| *from <= time);
        let version = newer.checked_sub(1).and_then(|at| versions[at].1.split_first());
        let pair = match version {
            Some((&PRESENT, other)) => output.pair(&row, &decode_row(other)?)?,
            _ => None,
        };
        match pair {
            Some(pair) => (0..count).try_for_each(|_| take(&pair, RowKind::Insert, group)),
            None if self.plan.kind == JoinKind::Left => output.unmatched((Side::Left, &row), count, group, take),
            None => Ok(()),
        }
    }
}

fn versions(state: &KeyedState, group: &[u8]) -> Result<Versions, RowError> {
    let prefix = [group, &[Side::Right.byte()]].concat();
    let mut versions = Vec::new();
    for item in state.scan(&prefix) {
        let (key, value) = item?;
        versions.push((time_of(key.get(prefix.len()..).ok_or(BROKEN)?)?, value.into_owned()));
    }
    Ok(versions)
}

/// Removes the versions that nothing after `up_to` meets. What was to remind of them reminds of the first one after it.
fn forget_old(state: &mut KeyedState, group: &[u8], versions: &Versions, up_to: i64) -> Result<(), RowError> {
    let timer = [group, &[TIMER]].concat();
    let newer = versions.partition_point(|(from, _)| *from <= up_to);
    match versions.get(newer) {
        Some((next, _)) => state.put_until(&timer, &sortable_time(*next), *next),
        None => {
            state.delete(&timer)?;
        }
    }
    let last = newer.checked_sub(1);
    for (at, (time, value)) in versions[..newer].iter().enumerate() {
        // A removal with nothing before it says nothing.
        if Some(at) != last || value[..] == [REMOVED] {
            state.delete(&[group, &[Side::Right.byte()], &sortable_time(*time)].concat())?;
        }
    }
    Ok(())
}

/// The time that these bytes begin with.
fn time_of(bytes: &[u8]) -> Result<i64, RowError> {
    Ok(from_sortable_time(*bytes.first_chunk::<TIME_BYTES>().ok_or(BROKEN)?))
}

fn count_of(value: &[u8]) -> Result<u32, RowError> {
    Ok(u32::from_be_bytes(*value.first_chunk().ok_or(BROKEN)?))
}
