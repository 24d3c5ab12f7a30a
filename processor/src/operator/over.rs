//! OVER windows: each row with aggregates over it and rows before it of the same key, by time. Rows are only put out.
//!
//! # What comes out, and when
//! By event time a row comes out when the watermark has passed it (Flink: `RowTime*PrecedingFunction`), rows of one key by their times,
//! those of one time in the order of their coming. A row that the watermark of its partition has passed before is late, also where Flink
//! takes it because no row of its key has come out since (frames with a bound): what that depends on is when watermarks are sent. By
//! processing time a row comes out at once (Flink: `ProcTime*`).
//!
//! # What is kept
//! Behind the key of a group:
//! - `WAITS`, a time that sorts and a number: a row that waits for the watermark, over at its time;
//! - `STATE`: the numbers of the first row of the frame and of the next row, and what is accumulated;
//! - `FRAME` and a number: time and values of a row that is to leave the frame;
//! - the values of aggregates that remember them one by one (`kept.rs`), whose first byte is less than these.
//!
//! `STATE` is over when no row of the frame can count any more, or after the time-to-live; all of the group but the rows that wait goes with it.

use hashbrown::HashMap;

use super::aggregate;
use super::error::RowError;
use super::kept::KeptValues;
use super::key::encode_keys;
use super::pipeline::LateRow;
use super::retract::{self, Stale};
use super::session::Added;
use super::window::{RowPlace, TakeRow, spread, time_of};
use crate::expr::{EvalError, Expr, Value};
use crate::plan::{Aggregate, AggregateFunction, Frame, Over, OverCall, RowKind};
use crate::state::keyed::{MOST_EXPIRED, NEVER};
use crate::state::{Accumulator, KeyedState, decode_value, encode_value, sortable_time};

const WAITS: u8 = 0xF0;
/// So many rows that have waited come out in one piece, and those of the last one's time.
const MOST_AT_ONCE: usize = 10_000;
const STATE: u8 = 0xF1;
const FRAME: u8 = 0xF2;
/// Bytes of a time, and of a number.
const LONG: usize = 8;

const DAMAGED: EvalError = EvalError::Shape("the rows of an OVER window cannot be read back");

/// The operator.
#[derive(Debug)]
pub struct OverOperator {
    plan: Over,
    key: Vec<u8>,
    value: Vec<u8>,
    /// How many rows wait under a key of `WAITS` without its number, of those that rows have come for lately.
    waiting: HashMap<Vec<u8>, u64>,
}

/// What a group has accumulated.
#[derive(Debug)]
struct Group {
    /// Number of the first row of the frame.
    first: u64,
    /// Number of the next row.
    next: u64,
    results: Vec<Running>,
    stale: Vec<Stale>,
}

/// One result on its way.
#[derive(Debug)]
enum Running {
    Aggregate(Accumulator),
    /// The last values, the oldest first.
    Lag(Vec<Value<'static>>),
}

impl OverOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &Over) -> OverOperator {
        OverOperator { plan: plan.clone(), key: Vec::new(), value: Vec::new(), waiting: HashMap::new() }
    }

    /// What rows are gathered by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.keys
    }

    /// Its state without rows. Only `STATE` is over by the clock, so that a group is forgotten as a whole.
    #[must_use]
    pub fn new_state(&self) -> KeyedState {
        KeyedState::new(None)
    }

    /// Whether `row` can be taken in.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        self.plan.time_column.map_or(Ok(0), |column| time_of(row, column))?;
        encode_keys(&self.plan.keys, row, &mut Vec::new())?;
        self.plan.calls.iter().try_for_each(|call| counted(call, row).map(drop))?;
        Ok(())
    }

    /// Takes `row` in; what comes out at once goes to `take`.
    pub fn add(
        &mut self,
        state: &mut KeyedState,
        row: &[Value<'_>],
        place: RowPlace,
        take: &mut TakeRow<'_>,
    ) -> Result<Added, RowError> {
        encode_keys(&self.plan.keys, row, &mut self.key)?;
        self.value.clear();
        self.plan.columns.iter().for_each(|(column, _)| encode_value(&row[*column], &mut self.value));
        for call in &self.plan.calls {
            encode_value(&counted(call, row)?, &mut self.value);
        }
        let Some(column) = self.plan.time_column else {
            self.forget_old(state, place.now)?;
            let (group, value) = (self.key.clone(), self.value.clone());
            let fired = self.fire(state, (&group, 0), &[&value], place.now, take);
            // The row counts already: this is not to be taken for an error of its record.
            fired.map_err(|error| RowError::Change(Box::new(error)))?;
            return Ok(Added::Taken);
        };
        let (time, passed) = (time_of(row, column)?, place.watermark.max(place.closed));
        if time <= passed {
            return Ok(Added::Late(LateRow { window_end: time.saturating_add(1), watermark: passed }));
        }
        self.key.push(WAITS);
        self.key.extend_from_slice(&sortable_time(time));
        let number = match self.waiting.get_mut(&self.key) {
            Some(number) => number,
            None => {
                let before = state.scan(&self.key).try_fold(0, |count: u64, item| item.map(|_| count + 1))?;
                self.waiting.entry(self.key.clone()).or_insert(before)
            }
        };
        self.key.extend_from_slice(&number.to_be_bytes());
        *number += 1;
        state.put_until_time(&self.key, &self.value, time);
        Ok(Added::Taken)
    }

    /// Forgets what is only known for the present batch of rows.
    pub fn settle(&mut self) {
        self.waiting.clear();
    }

    /// Lets event time pass up to `watermark`: the rows that have waited for it go to `take`; `now` is the host's clock in ms. Returns
    /// whether these were all: else it is to be called again.
    pub fn close(
        &mut self,
        state: &mut KeyedState,
        (watermark, now): (i64, i64),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        self.waiting.clear();
        self.forget_old(state, now)?;
        let mut fired = 0;
        while let Some(time) = state.next_time().filter(|time| *time <= watermark) {
            let passed = state.take_passed(time, usize::MAX)?;
            let mut waiting = Vec::with_capacity(passed.len());
            for (key, value) in &passed {
                match self.split(key)? {
                    (group, [WAITS, ..]) => waiting.push((group, &value[..])),
                    // What is over by now counts for no row of this time.
                    (group, _) => self.forget(state, group)?,
                }
            }
            for rows in waiting.chunk_by(|(a, _), (b, _)| a == b) {
                let values: Vec<&[u8]> = rows.iter().map(|(_, value)| *value).collect();
                self.fire(state, (rows[0].0, time), &values, now, take)?;
            }
            // Rows of one time come out together.
            fired += waiting.len();
            if fired >= MOST_AT_ONCE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The group of a key of the state, and what is behind it.
    fn split<'k>(&self, key: &'k [u8]) -> Result<(&'k [u8], &'k [u8]), EvalError> {
        let mut rest = key;
        for _ in &self.plan.keys {
            decode_value(&mut rest).ok_or(DAMAGED)?;
        }
        Ok((&key[..key.len() - rest.len()], rest))
    }

    /// Forgets a group, but for the rows that wait, which are not looked at: there may be many.
    fn forget(&self, state: &mut KeyedState, group: &[u8]) -> Result<(), RowError> {
        let calls = (0..self.plan.calls.len()).map(|call| (call as u16).to_be_bytes().to_vec());
        let mut keys = vec![[group, &[STATE]].concat()];
        for tag in calls.chain([vec![FRAME]]) {
            for item in state.scan(&[group, &tag[..]].concat()) {
                keys.push(item?.0.into_owned());
            }
        }
        for key in keys {
            state.delete(&key)?;
        }
        Ok(())
    }

    /// Forgets groups that are over by the host's clock.
    fn forget_old(&self, state: &mut KeyedState, now: i64) -> Result<(), RowError> {
        let Some(ttl) = self.plan.ttl_ms else { return Ok(()) };
        if state.next_due().is_none_or(|due| due > now) {
            return Ok(());
        }
        for (key, value) in state.take_due(now, MOST_EXPIRED)? {
            let (group, _) = self.split(&key)?;
            // Flink: what has rows that wait is looked at again.
            if state.scan(&[group, &[WAITS]].concat()).next().is_some() {
                state.put_until(&key, &value, now.saturating_add(ttl));
            } else {
                self.forget(state, group)?;
            }
        }
        Ok(())
    }

    /// Puts rows of one group and time out.
    fn fire(
        &self,
        state: &mut KeyedState,
        (key, time): (&[u8], i64),
        rows: &[&[u8]],
        now: i64,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let mut group = self.load(state, key)?;
        let mut decoded = Vec::with_capacity(rows.len());
        for row in rows {
            decoded.push(decode_row(row)?);
        }
        let width = self.plan.columns.len();
        let by = spread(key);
        if self.plan.frame.is_by_time() {
            if let Frame::Time(ms) = self.plan.frame {
                self.leave(state, key, &mut group, |_, at| at < time.saturating_sub(ms))?;
            }
            for row in &decoded {
                self.enter(state, key, &mut group, (time, row))?;
            }
            let results = self.results(state, key, &mut group)?;
            for mut row in decoded {
                row.truncate(width);
                row.extend(results.iter().map(Value::borrowed));
                take(&row, RowKind::Insert, &by)?;
            }
        } else {
            for mut row in decoded {
                if let Frame::Rows(before) = self.plan.frame {
                    let next = group.next;
                    self.leave(state, key, &mut group, |number, _| number.saturating_add(before) < next)?;
                }
                self.enter(state, key, &mut group, (time, &row))?;
                let results = self.results(state, key, &mut group)?;
                row.truncate(width);
                row.extend(results.iter().map(Value::borrowed));
                take(&row, RowKind::Insert, &by)?;
            }
        }
        self.save(state, key, &group, (time, now));
        Ok(())
    }

    /// Takes the rows that leave the frame back, as number and time tell.
    fn leave(
        &self,
        state: &mut KeyedState,
        key: &[u8],
        group: &mut Group,
        leaves: impl Fn(u64, i64) -> bool,
    ) -> Result<(), RowError> {
        while group.first < group.next {
            let name = frame_key(key, group.first);
            let value = state.get(&name)?.ok_or(DAMAGED)?.to_vec();
            let (time, values) = value.split_first_chunk::<LONG>().ok_or(DAMAGED)?;
            if !leaves(group.first, i64::from_be_bytes(*time)) {
                break;
            }
            state.delete(&name)?;
            let number = group.first;
            self.count(state, (key, number), group, (&decode_row(values)?, true))?;
            group.first += 1;
        }
        Ok(())
    }

    /// Takes a row into the frame.
    fn enter(
        &self,
        state: &mut KeyedState,
        key: &[u8],
        group: &mut Group,
        (time, row): (i64, &[Value<'_>]),
    ) -> Result<(), RowError> {
        let values = &row[self.plan.columns.len()..];
        let number = group.next;
        self.count(state, (key, number), group, (values, false))?;
        group.next += 1;
        if self.plan.frame.is_bounded() {
            let mut kept = time.to_be_bytes().to_vec();
            values.iter().for_each(|value| encode_value(value, &mut kept));
            state.put(&frame_key(key, number), &kept);
        }
        Ok(())
    }

    /// Takes the values of a row into all results, or back; NULLs count for LAG only.
    fn count(
        &self,
        state: &mut KeyedState,
        (key, number): (&[u8], u64),
        group: &mut Group,
        (values, retracts): (&[Value<'_>], bool),
    ) -> Result<(), RowError> {
        let Group { results, stale, .. } = group;
        for (at, ((call, running), value)) in self.plan.calls.iter().zip(results).zip(values).enumerate() {
            match (call, running) {
                (OverCall::Lag { offset, .. }, Running::Lag(last)) => {
                    last.push(value.clone().into_owned());
                    last.drain(..last.len().saturating_sub(offset + 1));
                }
                (OverCall::Aggregate(_), _) if value.is_null() => {}
                (OverCall::Aggregate(call), Running::Aggregate(accumulator)) if call.argument.is_none() => {
                    retract::count(accumulator, retracts)?;
                }
                (OverCall::Aggregate(call), Running::Aggregate(accumulator)) => {
                    let bounded = self.plan.frame.is_bounded();
                    let mut kept = kept_values(state, (key, number), at, call);
                    if call.distinct && !kept.changes_set(value, retracts, bounded)? {
                        continue;
                    }
                    if bounded {
                        let value = value.borrowed();
                        retract::apply(call, accumulator, value, retracts, (&mut kept, stale))?;
                    } else {
                        aggregate::add_value(call, accumulator, value.borrowed())?;
                    }
                }
                _ => return Err(DAMAGED.into()),
            }
        }
        Ok(())
    }

    /// The results for the present frame.
    fn results(&self, state: &mut KeyedState, key: &[u8], group: &mut Group) -> Result<Vec<Value<'static>>, RowError> {
        for Stale { call: at, .. } in std::mem::take(&mut group.stale) {
            if let (OverCall::Aggregate(call), Running::Aggregate(result)) =
                (&self.plan.calls[at], &mut group.results[at])
            {
                retract::refresh(call, result, &kept_values(state, (key, 0), at, call))?;
            }
        }
        let result = |(call, running): (&OverCall, &Running)| match (call, running) {
            (OverCall::Aggregate(call), Running::Aggregate(state)) if self.plan.frame.is_bounded() => {
                Ok(retract::result(call, state).into_owned())
            }
            (OverCall::Aggregate(call), Running::Aggregate(state)) => Ok(aggregate::result(call, state).into_owned()),
            // As in Flink 2.2.1 a NULL is replaced by the default, too.
            (OverCall::Lag { offset, .. }, Running::Lag(last)) if last.len() == offset + 1 && !last[0].is_null() => {
                Ok(last[0].clone())
            }
            (OverCall::Lag { default, .. }, _) => Ok(default.eval(&[])?.into_owned()),
            _ => Err(DAMAGED.into()),
        };
        self.plan.calls.iter().zip(&group.results).map(result).collect()
    }

    /// Brings a group from the state.
    fn load(&self, state: &mut KeyedState, key: &[u8]) -> Result<Group, RowError> {
        let initial = |call: &OverCall| match call {
            OverCall::Lag { .. } => Running::Lag(Vec::new()),
            OverCall::Aggregate(call) if self.plan.frame.is_bounded() => Running::Aggregate(retract::initial(call)),
            OverCall::Aggregate(call) => Running::Aggregate(aggregate::initial_plain(call)),
        };
        let results = self.plan.calls.iter().map(initial).collect();
        let mut group = Group { first: 0, next: 0, results, stale: Vec::new() };
        let Some(mut bytes) = state.get(&[key, &[STATE]].concat())? else { return Ok(group) };
        (group.first, group.next) = (take_long(&mut bytes)?, take_long(&mut bytes)?);
        for running in &mut group.results {
            match running {
                Running::Aggregate(result) => {
                    if !result.restore(Accumulator::decode(&mut bytes).ok_or(DAMAGED)?) {
                        return Err(DAMAGED.into());
                    }
                }
                Running::Lag(last) => {
                    for _ in 0..take_long(&mut bytes)? {
                        last.push(decode_value(&mut bytes).ok_or(DAMAGED)?.into_owned());
                    }
                }
            }
        }
        Ok(group)
    }

    /// Puts a group into the state, of which rows of `time` were the last.
    fn save(&self, state: &mut KeyedState, key: &[u8], group: &Group, (time, now): (i64, i64)) {
        let mut bytes = [group.first.to_be_bytes(), group.next.to_be_bytes()].concat();
        for running in &group.results {
            match running {
                Running::Aggregate(result) => result.encode(true, &mut bytes),
                Running::Lag(last) => {
                    bytes.extend_from_slice(&(last.len() as u64).to_be_bytes());
                    last.iter().for_each(|value| encode_value(value, &mut bytes));
                }
            }
        }
        let name = [key, &[STATE]].concat();
        match (self.plan.frame, self.plan.ttl_ms) {
            (Frame::Time(ms), _) => state.put_until_time(&name, &bytes, time.saturating_add(ms).saturating_add(1)),
            (_, ttl) => state.put_until(&name, &bytes, ttl.map_or(NEVER, |ttl| now.saturating_add(ttl))),
        }
    }
}

/// What a call counts of a row; NULL if nothing.
fn counted<'r>(call: &'r OverCall, row: &'r [Value<'_>]) -> Result<Value<'r>, EvalError> {
    match call {
        OverCall::Lag { argument, .. } => argument.eval(row),
        OverCall::Aggregate(call) => {
            if !call.filter.as_ref().map_or(Ok(true), |filter| filter.eval_condition(row))? {
                return Ok(Value::Null);
            }
            call.argument.as_ref().map_or(Ok(Value::Boolean(true)), |argument| argument.eval(row))
        }
    }
}

fn kept_values<'k>(
    state: &'k mut KeyedState,
    (group, sequence): (&'k [u8], u64),
    call: usize,
    aggregate: &Aggregate,
) -> KeptValues<'k> {
    KeptValues { state, group, call, sequence, backwards: aggregate.function == AggregateFunction::Last }
}

fn frame_key(group: &[u8], number: u64) -> Vec<u8> {
    [group, &[FRAME], &number.to_be_bytes()].concat()
}

fn decode_row(mut bytes: &[u8]) -> Result<Vec<Value<'_>>, EvalError> {
    let mut row = Vec::new();
    while !bytes.is_empty() {
        row.push(decode_value(&mut bytes).ok_or(DAMAGED)?);
    }
    Ok(row)
}

fn take_long(bytes: &mut &[u8]) -> Result<u64, EvalError> {
    let (number, rest) = bytes.split_first_chunk::<LONG>().ok_or(DAMAGED)?;
    *bytes = rest;
    Ok(u64::from_be_bytes(*number))
}
