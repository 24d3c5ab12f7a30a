//! Gathers rows by key without windows: GROUP BY, SELECT DISTINCT, aggregates over all rows.
//!
//! # What comes out, and when
//! As Flink's `GroupAggFunction` with `table.exec.mini-batch.enabled`, a batch being what a task reads before it commits: a group's row when it
//! is new (`+I`), what it was and what it is (`-U`, `+U`) if rows have changed it, and what it was (`-D`) if all its rows were taken back. A
//! row that is the same as before is not put out, unless groups are forgotten after a time: whoever comes after is to know that it lives.
//! Groups come in the order of their first rows in the batch.
//!
//! # What is kept
//! Of each group one entry, under its key: the number of its rows where rows may be taken back, and the accumulators. Values that must be
//! remembered one by one have entries of their own behind the key (`retract.rs`).

use hashbrown::HashMap;

use super::aggregate;
use super::error::RowError;
use super::kept::{self, KeptValues};
use super::key::encode_keys;
use super::look::{self, Walk, Wanted};
use super::retract::{self, Stale};
use super::window::TakeRow;
use crate::expr::{EvalError, Expr, Value};
use crate::plan::{Aggregate, AggregateFunction, GroupAggregate, OutputField, RowKind};
use crate::state::{Accumulator, KeyedState, decode_value};

const DAMAGED: EvalError = EvalError::Shape("a group's state cannot be read back");

/// The operator.
#[derive(Debug)]
pub struct GroupOperator {
    plan: GroupAggregate,
    may_fail: bool,
    may_lack_room: bool,
    /// Groups that rows have come for since they were last put out.
    groups: Vec<Group>,
    /// Where they are, by their keys.
    places: HashMap<Vec<u8>, usize>,
    key: Vec<u8>,
}

/// A group that rows have come for.
#[derive(Debug)]
struct Group {
    key: Vec<u8>,
    /// Its accumulators before them, if it was there.
    before: Option<Vec<Accumulator>>,
    /// How many rows it has, as far as rows may be taken back.
    rows: i64,
    /// How many rows have ever come, to keep values in order.
    sequence: u64,
    states: Vec<Accumulator>,
    stale: Vec<Stale>,
}

impl Group {
    /// What the call of this number keeps one by one.
    fn kept<'k>(&'k self, state: &'k mut KeyedState, at: usize, call: &Aggregate) -> KeptValues<'k> {
        let backwards = call.function == AggregateFunction::Last;
        KeptValues { state, group: &self.key, call: at, sequence: self.sequence, backwards }
    }
}

impl GroupOperator {
    /// For `plan`.
    #[must_use]
    pub fn new(plan: &GroupAggregate) -> GroupOperator {
        let may_fail = plan.aggregates.iter().any(aggregate::may_fail);
        let may_lack_room = plan.aggregates.iter().any(|call| call.function == AggregateFunction::Concat);
        GroupOperator {
            plan: plan.clone(),
            may_fail,
            may_lack_room,
            groups: Vec::new(),
            places: HashMap::new(),
            key: Vec::new(),
        }
    }

    /// Its state without rows.
    #[must_use]
    pub fn new_state(&self) -> KeyedState {
        KeyedState::new(self.plan.ttl_ms)
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        encode_keys(&self.plan.keys, row, &mut Vec::new())?;
        self.plan.aggregates.iter().try_for_each(|call| aggregate::check(call, row))?;
        Ok(())
    }

    /// Takes `row` in; `now` is the host's clock in ms.
    pub fn add(&mut self, state: &mut KeyedState, row: &[Value<'_>], kind: RowKind, now: i64) -> Result<(), RowError> {
        encode_keys(&self.plan.keys, row, &mut self.key)?;
        if self.may_fail {
            self.plan.aggregates.iter().try_for_each(|call| aggregate::check(call, row))?;
        }
        let place = match self.places.get(&self.key) {
            Some(place) => *place,
            None => {
                state.expire(now)?;
                self.load(state)?
            }
        };
        let GroupOperator { plan, groups, may_lack_room, .. } = self;
        let group = &mut groups[place];
        let retracts = kind.is_retraction();
        // Flink: what takes back a row that was never seen, or is forgotten, makes no group.
        if retracts && group.rows == 0 {
            return Ok(());
        }
        if *may_lack_room && !retracts {
            check_room(plan, group, state, row)?;
        }
        count(plan, group, state, row, retracts)
    }

    /// Brings the group of the present key from the state. Returns its place.
    fn load(&mut self, state: &mut KeyedState) -> Result<usize, RowError> {
        let group = match state.get(&self.key)? {
            Some(bytes) => {
                let (rows, sequence, states) = read(&self.plan, bytes)?;
                let (key, before, stale) = (self.key.clone(), Some(states.clone()), Vec::new());
                Group { key, before, rows, sequence, states, stale }
            }
            None => {
                let (key, states, stale) = (self.key.clone(), initial(&self.plan), Vec::new());
                Group { key, before: None, rows: 0, sequence: 0, states, stale }
            }
        };
        self.groups.push(group);
        self.places.insert(self.key.clone(), self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    /// Hands the groups that have changed to `take`, and puts them into the state.
    pub fn flush(&mut self, state: &mut KeyedState, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        self.places.clear();
        let mut value = Vec::new();
        for mut group in std::mem::take(&mut self.groups) {
            let is_there = group.rows > 0;
            if is_there {
                for Stale { call: at, .. } in std::mem::take(&mut group.stale) {
                    let call = &self.plan.aggregates[at];
                    let mut result = std::mem::replace(&mut group.states[at], Accumulator::Count(0));
                    retract::refresh(call, &mut result, &group.kept(state, at, call))?;
                    group.states[at] = result;
                }
                value.clear();
                if self.plan.retracts {
                    value.extend_from_slice(&group.rows.to_be_bytes());
                    value.extend_from_slice(&group.sequence.to_be_bytes());
                }
                group.states.iter().for_each(|state| state.encode(true, &mut value));
                state.put(&group.key, &value);
            } else {
                kept::forget_group(state, &group.key)?;
            }
            let by = super::window::spread(&group.key);
            let before = group.before.as_deref().map(|states| self.row(&group.key, states)).transpose()?;
            let after = is_there.then(|| self.row(&group.key, &group.states)).transpose()?;
            match (before, after) {
                (None, None) => {}
                (None, Some(row)) => take(&row, RowKind::Insert, &by)?,
                (Some(row), None) => take(&row, RowKind::Delete, &by)?,
                (Some(before), Some(after)) if self.plan.ttl_ms.is_some() || before != after => {
                    take(&before, RowKind::UpdateBefore, &by)?;
                    take(&after, RowKind::UpdateAfter, &by)?;
                }
                (Some(_), Some(_)) => {}
            }
        }
        Ok(())
    }

    /// Hands rows of groups as they are to `take`; true if it has come to the last one.
    pub fn look(
        &self,
        state: &KeyedState,
        (wanted, walk): (&Wanted, &mut Walk),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        look::walk_entries(state, wanted, walk, &mut |key, value| {
            // Values that a group remembers one by one stand behind its key.
            let is_group = look::group_of(key, self.plan.keys.len()) == Some(key);
            if !is_group || !wanted.wants(key) {
                return Ok(());
            }
            let (_, _, states) = read(&self.plan, value)?;
            take(&self.row(key, &states)?, RowKind::Insert, key)
        })
    }

    /// What groups are made by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.keys
    }

    /// The row of a group.
    fn row<'g>(&self, key: &'g [u8], states: &'g [Accumulator]) -> Result<Vec<Value<'g>>, RowError> {
        let mut keys = Vec::with_capacity(self.plan.keys.len());
        let mut rest = key;
        while !rest.is_empty() {
            keys.push(decode_value(&mut rest).ok_or(DAMAGED)?);
        }
        let value = |field: &OutputField| match *field {
            OutputField::Key(at) => keys[at].clone(),
            OutputField::Aggregate(at) => result(&self.plan, at, &states[at]),
            // Without windows and ranks there is nothing else.
            _ => Value::Null,
        };
        Ok(self.plan.output.iter().map(value).collect())
    }
}

/// Takes a row into all accumulators of its group, or back.
fn count(
    plan: &GroupAggregate,
    group: &mut Group,
    state: &mut KeyedState,
    row: &[Value<'_>],
    retracts: bool,
) -> Result<(), RowError> {
    group.rows += if retracts { -1 } else { 1 };
    group.sequence += 1;
    let Group { key, sequence, states, stale, .. } = group;
    for (at, (call, accumulator)) in plan.aggregates.iter().zip(states).enumerate() {
        if let Some(filter) = &call.filter
            && !filter.eval_condition(row)?
        {
            continue;
        }
        let Some(argument) = &call.argument else {
            retract::count(accumulator, retracts)?;
            continue;
        };
        let value = argument.eval(row)?;
        if value.is_null() {
            continue;
        }
        let backwards = call.function == AggregateFunction::Last;
        let mut kept = KeptValues { state, group: key, call: at, sequence: *sequence, backwards };
        if call.distinct && !kept.changes_set(&value, retracts, plan.retracts)? {
            continue;
        }
        match plan.retracts {
            false => aggregate::add_value(call, accumulator, value)?,
            true => retract::apply(call, accumulator, value, retracts, (&mut kept, stale))?,
        }
    }
    if plan.retracts && group.rows == 0 {
        // Without rows it is gone, whatever is left of sums that were not exact (Flink: GroupAggFunction clears its state then).
        group.states = initial(plan);
        group.stale.clear();
    }
    Ok(())
}

/// Whether a row has room in all texts of its group: it is counted in all accumulators or in none.
fn check_room(plan: &GroupAggregate, group: &Group, state: &mut KeyedState, row: &[Value<'_>]) -> Result<(), RowError> {
    let texts = plan.aggregates.iter().enumerate().filter(|(_, call)| call.function == AggregateFunction::Concat);
    for (at, call) in texts {
        let (Some(argument), Accumulator::Value(text)) = (&call.argument, &group.states[at]) else { continue };
        if !call.filter.as_ref().map_or(Ok(true), |filter| filter.eval_condition(row))? {
            continue;
        }
        let value = argument.eval(row)?;
        if value.is_null() || (call.distinct && group.kept(state, at, call).has(&value)?) {
            continue;
        }
        let stale = group.stale.iter().find(|stale| stale.call == at);
        aggregate::has_room(stale.map_or_else(|| aggregate::length(text), |stale| stale.bytes), &value)?;
    }
    Ok(())
}

/// The accumulators of a group without rows.
fn initial(plan: &GroupAggregate) -> Vec<Accumulator> {
    plan.aggregates.iter().map(|call| initial_of(plan, call)).collect()
}

/// What is kept of a group: how many rows it has, how many have ever come, and its accumulators.
fn read(plan: &GroupAggregate, mut bytes: &[u8]) -> Result<(i64, u64, Vec<Accumulator>), EvalError> {
    let (mut rows, mut sequence) = (1, 0);
    if plan.retracts {
        rows = kept::take_long(&mut bytes).ok_or(DAMAGED)?;
        sequence = kept::take_long(&mut bytes).ok_or(DAMAGED)? as u64;
    }
    let mut states = initial(plan);
    for state in &mut states {
        let read = Accumulator::decode(&mut bytes).ok_or(DAMAGED)?;
        if !state.restore(read) {
            return Err(DAMAGED);
        }
    }
    Ok((rows, sequence, states))
}

/// The accumulator of a group without rows. What DISTINCT has seen is kept value by value, so the function itself is as without it.
fn initial_of(plan: &GroupAggregate, call: &Aggregate) -> Accumulator {
    if plan.retracts { retract::initial(call) } else { aggregate::initial_plain(call) }
}

fn result<'s>(plan: &GroupAggregate, at: usize, state: &'s Accumulator) -> Value<'s> {
    let call = &plan.aggregates[at];
    if plan.retracts { retract::result(call, state) } else { aggregate::result(call, state) }
}

#[cfg(test)]
mod tests;
