//! Gathers rows by session and key; when a session ends, its key becomes one row, or each of its rows comes out with the session's bounds.
//!
//! Which row is late, and why some have to wait until that is known: see [`crate::state::sessions`].

use std::cell::Cell;

use super::aggregate;
use super::error::RowError;
use super::local::{NO_COUNT, add_rows, counting};
use super::look::{Spot, Walk, Wanted};
use super::pipeline::LateRow;
use super::window::{self, RowPlace, TakeRow};
use crate::expr::{EvalError, Expr, Value};
use crate::format::recycle;
use crate::plan::{RowKind, WindowAggregate, WindowRows};
use crate::state::sessions::SessionSpot;
use crate::state::{Accumulator, Ended, Session, SessionState, Tardy, WaitingRow, encode_value};
use crate::time::{Frontier, is_window_fired};

const ROWS_FULL: EvalError = EvalError::Shape("the rows of one session take more than 4 GiB");

/// What is made of a session's rows.
#[derive(Debug)]
enum Content {
    Aggregates(WindowAggregate),
    Rows(WindowRows),
}

/// The operator.
#[derive(Debug)]
pub struct SessionOperator {
    gap_ms: i64,
    time_column: usize,
    keys: Vec<Expr>,
    content: Content,
    key: Vec<u8>,
    row: Vec<Value<'static>>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in a window.
    Taken,
    /// It waits for the time to be placed.
    Waits,
    /// It is too late for all of its windows.
    Late(LateRow),
}

impl SessionOperator {
    /// Sessions of `gap_ms` whose keys become rows.
    #[must_use]
    pub fn aggregates(plan: &WindowAggregate, gap_ms: i64) -> SessionOperator {
        SessionOperator::new(gap_ms, plan.time_column, &plan.keys, Content::Aggregates(plan.clone()))
    }

    /// Sessions of `gap_ms` whose rows come out.
    #[must_use]
    pub fn rows(plan: &WindowRows, gap_ms: i64) -> SessionOperator {
        SessionOperator::new(gap_ms, plan.time_column, &plan.keys, Content::Rows(plan.clone()))
    }

    fn new(gap_ms: i64, time_column: usize, keys: &[Expr], content: Content) -> SessionOperator {
        SessionOperator { gap_ms, time_column, keys: keys.to_vec(), content, key: Vec::new(), row: Vec::new() }
    }

    /// The accumulators of a new session.
    #[must_use]
    pub fn initial(&self) -> Vec<Accumulator> {
        match &self.content {
            Content::Aggregates(plan) => plan.aggregates.iter().map(aggregate::initial).collect(),
            Content::Rows(_) => vec![Accumulator::Rows(Box::default())],
        }
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        window::time_of(row, self.time_column)?;
        self.keys.iter().try_for_each(|key| key.eval(row).map(drop))?;
        self.content.check(row)?;
        Ok(())
    }

    /// Takes `row` in.
    pub fn add(&mut self, state: &mut SessionState, row: &[Value<'_>], place: RowPlace) -> Result<Added, RowError> {
        let start = self.locate(row)?;
        let watermark = place.watermark.max(place.closed);
        if start > watermark.saturating_add(1) {
            self.content.check(row)?;
            let merge = Merger::new(&self.content);
            let end = start.saturating_add(self.gap_ms);
            let states = state.update(&self.key, start, end, &|into, from| merge.merge(into, from))?;
            let counted = self.content.count(states, row).map_err(RowError::from);
            // Its session may be a longer one by now: this is not to be taken for an error of its record.
            let whole = counted.and_then(|()| merge.done()).map_err(|error| RowError::Change(Box::new(error)));
            return whole.map(|()| Added::Taken);
        }
        let mut alone = state.initial().to_vec();
        self.content.count(&mut alone, row)?;
        let key = std::mem::take(&mut self.key);
        let added = self.add_tardy(state, &key, WaitingRow { time: start, states: alone, origin: None }, place);
        self.key = key;
        added
    }

    /// Takes a row in that may have to wait: one alone, with its key and its time.
    pub fn add_tardy(
        &self,
        state: &mut SessionState,
        key: &[u8],
        row: WaitingRow,
        place: RowPlace,
    ) -> Result<Added, RowError> {
        let watermark = place.watermark.max(place.closed);
        if watermark == place.closed && place.partition == 0 {
            let window = (row.time, row.time.saturating_add(self.gap_ms));
            return self.content.place(state, key, window, &row.states, watermark);
        }
        state.wait(watermark, place.partition, key, row);
        Ok(Added::Waits)
    }

    /// Takes rows of `key` in that another task has gathered, none of which had to wait; false if all sessions they could be in have
    /// ended, as only happens when their partitions were idle. Where time is the `clock`, rows that come when their time has passed
    /// are of now.
    pub fn add_partial(
        &self,
        state: &mut SessionState,
        (key, start, end): (&[u8], i64, i64),
        partial: &[Accumulator],
        (closed, clock): (i64, Option<i64>),
    ) -> Result<bool, RowError> {
        // It could have gone on with one that has ended.
        let now = clock.filter(|_| start <= closed.saturating_add(1));
        let times = now.map_or((start, end), |now| (now, now.saturating_add(end.saturating_sub(start))));
        Ok(self.content.place(state, key, times, partial, closed)? == Added::Taken)
    }

    /// Takes `row` into what is gathered for another task, beside the number of its rows, the last accumulator. Returns the row alone
    /// if it may have to wait there; its key is [`SessionOperator::key`].
    pub fn gather(
        &mut self,
        gathered: &mut SessionState,
        row: &[Value<'_>],
        watermark: i64,
    ) -> Result<Option<WaitingRow>, RowError> {
        let start = self.locate(row)?;
        self.content.check(row)?;
        if start <= watermark.saturating_add(1) {
            let mut alone = self.initial();
            self.content.count(&mut alone, row)?;
            return Ok(Some(WaitingRow { time: start, states: alone, origin: None }));
        }
        let merge = Merger::new(&self.content);
        let end = start.saturating_add(self.gap_ms);
        let states = gathered.update(&self.key, start, end, &counting(&|into, from| merge.merge(into, from)))?;
        let (rows, own) = states.split_last_mut().ok_or(NO_COUNT)?;
        self.content.count(own, row)?;
        add_rows(rows, 1);
        merge.done().map(|()| None)
    }

    /// The encoded group key of the last row.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The time of `row`; its key is [`SessionOperator::key`].
    fn locate(&mut self, row: &[Value<'_>]) -> Result<i64, RowError> {
        let start = window::time_of(row, self.time_column)?;
        self.key.clear();
        for key in &self.keys {
            encode_value(&key.eval(row)?, &mut self.key);
        }
        Ok(start)
    }

    /// Ends the sessions that the watermark of `frontier` has passed and hands their rows with their group keys to `take`: by the
    /// sessions' ends, then
    /// by the bytes of their keys. Calls `late` with each row that had to wait and is late.
    pub fn close(
        &mut self,
        state: &mut SessionState,
        frontier: Frontier,
        late: &mut dyn FnMut(Tardy, LateRow),
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        while let Some(tardy) = state.next_tardy(frontier) {
            self.emit(state.end(tardy.stamp.watermark)?, take)?;
            let Tardy { stamp, key, row } = &tardy;
            let window = (row.time, row.time.saturating_add(self.gap_ms));
            if let Added::Late(why) = self.content.place(state, key, window, &row.states, stamp.watermark)? {
                late(tardy, why);
            }
        }
        self.emit(state.end(frontier.watermark)?, take)
    }

    /// Hands rows of the sessions that are open to `take`, and keeps them; true if it has come to the last one.
    pub fn look(
        &mut self,
        state: &mut SessionState,
        (wanted, walk): (&Wanted, &mut Walk),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        let mut row = std::mem::take(&mut self.row);
        let content = &self.content;
        let mut emit = |key: &[u8], session: &Session| match wanted.wants(key) {
            true => content.emit(key, session, &mut row, take),
            false => Ok(()),
        };
        if let Some(only) = wanted.only() {
            for key in only {
                state.of_key(key)?.iter().try_for_each(|session| emit(key, session))?;
            }
            return Ok(true);
        }
        let mut spot = match std::mem::take(&mut walk.spot) {
            Spot::Sessions(spot) => spot,
            _ => SessionSpot::default(),
        };
        let is_over = state.walk(&mut spot, &mut walk.budget, &mut emit)?;
        walk.spot = Spot::Sessions(spot);
        Ok(is_over)
    }

    fn emit(&mut self, ended: Vec<Ended>, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let mut row = std::mem::take(&mut self.row);
        for Ended { key, session } in &ended {
            self.content.emit(key, session, &mut row, take)?;
        }
        self.row = row;
        Ok(())
    }

    /// What groups are made by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.keys
    }
}

/// Each kept row with its window.
fn emit_rows(
    plan: &WindowRows,
    (start, end): (i64, i64),
    key: &[u8],
    states: &[Accumulator],
    scratch: &mut Vec<Value<'static>>,
    take: &mut TakeRow<'_>,
) -> Result<(), RowError> {
    let [Accumulator::Rows(rows)] = states else { return Err(EvalError::Shape("a session has no rows").into()) };
    let mut row: Vec<Value<'_>> = std::mem::take(scratch);
    row.clear();
    let bounds = [start, end, end.saturating_sub(1)].map(Value::timestamp);
    let mut values = rows.values().peekable();
    loop {
        row.extend(values.by_ref().take(plan.columns.len().max(1)));
        if row.is_empty() {
            break;
        }
        // A row without columns has one NULL in its place.
        row.truncate(plan.columns.len());
        row.extend(bounds.iter().cloned());
        take(&row, RowKind::Insert, window::spread(key).as_ref())?;
        row.clear();
    }
    *scratch = recycle(row);
    Ok(())
}

impl Content {
    /// Hands the row, or the rows, of a session to `take`; `scratch` is room for a row.
    fn emit(
        &self,
        key: &[u8],
        session: &Session,
        scratch: &mut Vec<Value<'static>>,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        let window = (session.start, session.end);
        match self {
            Content::Aggregates(plan) => window::emit_key(plan, window, key, &session.states, scratch, take),
            Content::Rows(plan) => emit_rows(plan, window, key, &session.states, scratch, take),
        }
    }

    /// Whether a row can be taken into all of a session's aggregates.
    fn check(&self, row: &[Value<'_>]) -> Result<(), EvalError> {
        match self {
            Content::Aggregates(plan) => {
                let mut calls = plan.aggregates.iter().filter(|call| aggregate::may_fail(call));
                calls.try_for_each(|call| aggregate::check(call, row))
            }
            Content::Rows(_) => Ok(()),
        }
    }

    /// Takes a row into a session.
    fn count(&self, states: &mut [Accumulator], row: &[Value<'_>]) -> Result<(), EvalError> {
        match self {
            Content::Aggregates(plan) => {
                if aggregate::may_lack_room(&plan.aggregates) {
                    aggregate::check_room(&plan.aggregates, states, row)?;
                }
                for (call, state) in plan.aggregates.iter().zip(states) {
                    aggregate::add(call, state, row)?;
                }
                Ok(())
            }
            Content::Rows(plan) => {
                let [Accumulator::Rows(rows)] = states else { return Err(EvalError::Shape("a session has no rows")) };
                let added = match &plan.columns[..] {
                    [] => rows.add(std::iter::once(&Value::Null)),
                    columns => rows.add(columns.iter().map(|(column, _)| &row[*column])),
                };
                if added { Ok(()) } else { Err(ROWS_FULL) }
            }
        }
    }

    /// Places a row at its turn, all sessions that had ended by `watermark` being gone.
    fn place(
        &self,
        state: &mut SessionState,
        key: &[u8],
        (start, end): (i64, i64),
        alone: &[Accumulator],
        watermark: i64,
    ) -> Result<Added, RowError> {
        if is_window_fired(end, watermark) && !state.touches(key, start, end)? {
            return Ok(Added::Late(LateRow { window_end: end, watermark }));
        }
        let merge = Merger::new(self);
        let states = state.update(key, start, end, &|into, from| merge.merge(into, from))?;
        merge.merge(states, alone);
        merge.done().map(|()| Added::Taken)
    }
}

/// Merges accumulators and remembers the first failure.
struct Merger<'c> {
    content: &'c Content,
    failure: Cell<Option<EvalError>>,
}

impl<'c> Merger<'c> {
    fn new(content: &'c Content) -> Merger<'c> {
        Merger { content, failure: Cell::new(None) }
    }

    fn merge(&self, into: &mut [Accumulator], from: &[Accumulator]) {
        let merged = match (self.content, into, from) {
            (Content::Rows(_), [Accumulator::Rows(into)], [Accumulator::Rows(from)]) => {
                if into.merge(from) {
                    Ok(())
                } else {
                    Err(ROWS_FULL)
                }
            }
            (Content::Rows(_), ..) => Err(EvalError::Shape("a session has no rows")),
            (Content::Aggregates(plan), into, from) => {
                let mut parts = plan.aggregates.iter().zip(into).zip(from);
                parts.try_for_each(|((call, into), from)| aggregate::merge(call, into, from))
            }
        };
        if let Err(error) = merged {
            self.failure.set(Some(error));
        }
    }

    fn done(self) -> Result<(), RowError> {
        self.failure.take().map_or(Ok(()), |error| Err(error.into()))
    }
}
