//! Gathers rows by window on a grid (TUMBLE, HOP, CUMULATE) and key; each key of a window that closes becomes one row.
//!
//! # Which rows are late
//! A row is late for a window when that had ended by the watermark of *its own partition* before this row, or when it is already
//! closed; the row is late, dropped and counted, when it is late for all of its windows. The first is decided by the order of one partition's log alone, so it comes out the same however partitions
//! are interleaved, after a crash, and on a replay. It also implies the second, but for windows closed while this partition was
//! idle; and idleness is part of a commit. Flink goes by the combined watermark at that moment, which depends on
//! which partition happened to be read first; the two agree as long as no row is later than the watermark's delay.

use std::borrow::Cow;

use super::aggregate;
use super::error::RowError;
use super::graph::Side;
use super::held::{HeldPartials, HeldRows};
use super::look::{Spot, Walk, Wanted};
use super::pipeline::LateRow;
use super::session::Added;
use super::top;
use crate::expr::{EvalError, Expr, Value};
use crate::format::{RawField, recycle};
use crate::plan::{OutputField, RowKind, WindowAggregate};
use crate::state::{Accumulator, WindowSpot, WindowState, decode_value, encode_text, encode_value};
use crate::time::{Grid, WindowSpan, is_window_fired};

/// Takes a result row, its kind, and its group key.
pub type TakeRow<'t> = dyn FnMut(&[Value<'_>], RowKind, &[u8]) -> Result<(), RowError> + 't;

/// Takes a key of a window that closes (start and end), its accumulators, and room for a row.
pub type EmitWindow<'e> = dyn FnMut(&WindowAggregate, (i64, i64), &[u8], &[Accumulator], &mut Vec<Value<'static>>) -> Result<(), RowError>
    + 'e;

/// Where in time a row is.
#[derive(Clone, Copy, Debug)]
pub struct RowPlace {
    /// Watermark of its partition before it.
    pub watermark: i64,
    /// Watermark up to which windows are closed.
    pub closed: i64,
    /// Its partition, as [`Place::number`](super::Place::number).
    pub partition: i32,
    /// By which input it comes.
    pub side: Side,
    /// What it says of rows before it.
    pub kind: RowKind,
    /// The host's clock, in ms.
    pub now: i64,
}

/// The operator.
#[derive(Debug)]
pub struct WindowOperator {
    plan: WindowAggregate,
    grid: Grid,
    /// Whether a row may turn out not to be computable; then it must not be taken into some of the aggregates only.
    may_fail: bool,
    may_lack_room: bool,
    /// For so many ms after a window has fired its rows are still taken.
    lateness: i64,
    /// The windows of the last row, if some of them had fired before it.
    fired: Option<WindowSpan>,
    /// Rows that are to be counted, where they may wait.
    held: Option<HeldRows>,
    /// What other tasks have gathered and is to be merged, where it may wait.
    partials: Option<Box<HeldPartials>>,
    key: Vec<u8>,
    row: Vec<Value<'static>>,
}

/// The event time of a row in ms.
#[inline]
pub(super) fn time_of(row: &[Value<'_>], column: usize) -> Result<i64, EvalError> {
    match &row[column] {
        Value::Timestamp(time) => Ok(time.millis),
        _ => Err(EvalError::Shape("the event time of a window is not a timestamp")),
    }
}

impl WindowOperator {
    /// For `plan`, whose windows lie on `grid`.
    #[must_use]
    pub fn new(plan: &WindowAggregate, grid: Grid) -> WindowOperator {
        let may_fail = plan.aggregates.iter().any(aggregate::may_fail);
        WindowOperator {
            grid,
            plan: plan.clone(),
            may_fail,
            may_lack_room: aggregate::may_lack_room(&plan.aggregates),
            lateness: 0,
            fired: None,
            held: None,
            partials: None,
            key: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Takes rows for so many ms after their windows have fired; see [`WindowOperator::correct`].
    pub fn allow_lateness(&mut self, ms: i64) {
        self.lateness = ms.max(0);
    }

    /// Lets rows, and what other tasks have gathered, wait for some more before they are counted, unless one may have to be counted at
    /// once; see [`WindowOperator::settle`].
    pub fn hold_rows(&mut self) {
        if self.lateness == 0 {
            self.held = self.new_held();
            self.partials = Some(Box::new(HeldPartials::new(self.plan.aggregates.len())));
        }
    }

    /// Room for rows that wait to be counted, if they may.
    #[must_use]
    pub fn new_held(&self) -> Option<HeldRows> {
        HeldRows::new(&self.plan.aggregates)
    }

    /// Counts what has waited.
    pub fn settle(&mut self, state: &mut WindowState) -> Result<(), RowError> {
        if let Some(held) = self.held.as_mut().filter(|held| !held.waiting.is_empty()) {
            let mut count = |place, states: &mut [Accumulator]| held.count(place, states).map_err(RowError::from);
            state.update_each(held.waiting.spans(), held.waiting.keys(), &mut count)?;
            held.waiting.clear();
        }
        if let Some(partials) = self.partials.as_mut().filter(|partials| !partials.is_empty()) {
            let failure = std::cell::Cell::new(None);
            let merge = merging(&self.plan, &failure);
            let mut add = |place, states: &mut [Accumulator]| {
                merge(states, partials.get(place));
                failure.take().map_or(Ok(()), |error| Err(RowError::from(error)))
            };
            state.update_each(partials.spans(), partials.keys(), &mut add)?;
            partials.clear();
        }
        Ok(())
    }

    /// What groups are made by.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        &self.plan.keys
    }

    /// What comes out, field by field.
    #[must_use]
    pub fn output(&self) -> &[OutputField] {
        &self.plan.output
    }

    /// Whether a key has a row for each of its first ones (Top-N).
    #[must_use]
    pub fn is_ranked(&self) -> bool {
        self.plan.aggregates.iter().any(|call| call.top.is_some())
    }

    /// The accumulators of a new key.
    #[must_use]
    pub fn initial(&self) -> Vec<Accumulator> {
        self.plan.aggregates.iter().map(aggregate::initial).collect()
    }

    /// Whether `row` can be taken in, as far as the row goes.
    pub fn check(&self, row: &[Value<'_>]) -> Result<(), RowError> {
        time_of(row, self.plan.time_column)?;
        self.plan.keys.iter().try_for_each(|key| key.eval(row).map(drop))?;
        self.plan.aggregates.iter().try_for_each(|call| aggregate::check(call, row))?;
        Ok(())
    }

    /// Takes `row` into its window.
    #[inline]
    pub fn add(&mut self, state: &mut WindowState, row: &[Value<'_>], place: RowPlace) -> Result<Added, RowError> {
        let span = match self.locate(row, place)? {
            Ok(span) => span,
            Err(late) => return Ok(Added::Late(late)),
        };
        if let Some(held) = &mut self.held {
            held.push(span, &self.key, row);
            if held.waiting.is_full() {
                self.settle(state)?;
            }
            return Ok(Added::Taken);
        }
        self.count(state.update(span, &self.key)?, row)?;
        self.fired = (self.lateness > 0 && is_window_fired(span.first, place.closed)).then_some(span);
        Ok(Added::Taken)
    }

    /// The columns of its keys, if rows of these columns alone can be taken in by [`WindowOperator::add_fields`]: `is_text` and `is_integer`
    /// tell which ones there are, `time_column` which one is the event time.
    #[must_use]
    pub fn plain_keys(
        &self,
        time_column: usize,
        is_text: impl Fn(usize) -> bool,
        is_integer: impl Fn(usize) -> bool,
    ) -> Option<Vec<usize>> {
        let held = self.held.as_ref()?;
        if self.plan.time_column != time_column || !held.columns().iter().all(|column| is_integer(*column)) {
            return None;
        }
        let keys: Vec<usize> = self.plan.keys.iter().map(Expr::as_column).collect::<Option<_>>()?;
        keys.iter().all(|key| is_text(*key) || is_integer(*key)).then_some(keys)
    }

    /// As [`WindowOperator::add`] for a row at `time` that is not made of its fields yet; `keys` are [`WindowOperator::plain_keys`], and
    /// `watermark` is what has passed: that of the row's partition, or up to which windows are closed.
    #[inline]
    pub fn add_fields(
        &mut self,
        state: &mut WindowState,
        (time, watermark): (i64, i64),
        keys: &[usize],
        fields: &[RawField<'_>],
    ) -> Result<Added, RowError> {
        let Some(span) = self.grid.place(time, watermark) else {
            return Ok(Added::Late(LateRow { window_end: self.grid.last_end(time), watermark }));
        };
        self.key.clear();
        for key in keys {
            match fields[*key] {
                RawField::Text(text) => encode_text(text, &mut self.key),
                RawField::Integer(number) => encode_value(&Value::Integer(number), &mut self.key),
                RawField::Null => encode_value(&Value::Null, &mut self.key),
            }
        }
        let held = self.held.as_mut().ok_or(EvalError::Shape("rows that may not wait came without their values"))?;
        held.push_fields(span, &self.key, fields);
        if held.waiting.is_full() {
            self.settle(state)?;
        }
        Ok(Added::Taken)
    }

    /// The windows of `row`, which can be counted then; its key is [`WindowOperator::key`].
    #[inline]
    pub fn locate(&mut self, row: &[Value<'_>], place: RowPlace) -> Result<Result<WindowSpan, LateRow>, RowError> {
        let time = time_of(row, self.plan.time_column)?;
        let watermark = place.watermark.max(place.closed);
        let Some(span) = self.grid.place(time, watermark.saturating_sub(self.lateness)) else {
            return Ok(Err(LateRow { window_end: self.grid.last_end(time), watermark }));
        };
        self.key.clear();
        for key in &self.plan.keys {
            encode_value(&key.eval(row)?, &mut self.key);
        }
        if self.may_fail {
            self.plan.aggregates.iter().try_for_each(|call| aggregate::check(call, row))?;
        }
        Ok(Ok(span))
    }

    /// The encoded group key of the last row.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Takes `row` into the accumulators of its key.
    #[inline]
    pub fn count(&self, states: &mut [Accumulator], row: &[Value<'_>]) -> Result<(), EvalError> {
        if self.may_lack_room {
            aggregate::check_room(&self.plan.aggregates, states, row)?;
        }
        for (call, state) in self.plan.aggregates.iter().zip(states) {
            aggregate::add(call, state, row)?;
        }
        Ok(())
    }

    /// Takes the rows of `key` that another task has gathered in the slice `span` into their windows; false if all of these are closed,
    /// so that the rows are late. Where time is the `clock`, rows that come when some of these are closed are of now: each is in as many
    /// windows as any other.
    pub fn add_partial(
        &mut self,
        state: &mut WindowState,
        span: WindowSpan,
        (key, mut partial): (&[u8], Vec<Accumulator>),
        (closed, clock): (i64, Option<i64>),
    ) -> Result<bool, RowError> {
        let now = clock.filter(|_| is_window_fired(span.first, closed));
        let span = now.and_then(|now| self.grid.place(now, closed)).unwrap_or(span);
        let passed = closed.saturating_sub(self.lateness);
        if is_window_fired(span.last, passed) {
            return Ok(false);
        }
        let span = WindowSpan { first: span.next_end(passed, self.grid.interval()), last: span.last };
        if let Some(partials) = &mut self.partials {
            // Others than the plan has are no one's.
            partial.resize(self.plan.aggregates.len(), Accumulator::Count(0));
            partials.push(span, key, partial);
            if partials.is_full() {
                self.settle(state)?;
            }
            return Ok(true);
        }
        let failure = std::cell::Cell::new(None);
        merging(&self.plan, &failure)(state.update(span, key)?, &partial);
        self.key.clear();
        self.key.extend_from_slice(key);
        self.fired = (self.lateness > 0 && is_window_fired(span.first, closed)).then_some(span);
        failure.take().map_or(Ok(true), |error| Err(error.into()))
    }

    /// Hands the corrected rows of those windows of the last row that had fired, up to the watermark `closed`, to `take`: one row each,
    /// to replace the one that was put out before, if there was one.
    pub fn correct(&mut self, state: &WindowState, closed: i64, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let Some(span) = self.fired.take() else { return Ok(()) };
        let WindowOperator { plan, grid, row, key, .. } = self;
        let failure = std::cell::Cell::new(None);
        let merge = merging(plan, &failure);
        let mut end = span.first;
        while end <= span.last && is_window_fired(end, closed) {
            let states = state.of_key(end, key, &merge)?;
            emit_key(plan, (grid.start(end), end), key, &states, row, take)?;
            let Some(next) = end.checked_add(grid.interval()) else { break };
            end = next;
        }
        failure.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// End of the first window with rows that `fired`, the watermark up to which windows have fired, has not fired.
    #[must_use]
    pub fn next_close(&self, state: &WindowState, fired: i64) -> Option<i64> {
        state.next_end(fired, self.grid.interval())
    }

    /// Fires the windows that `watermark` has passed since `closed`, the watermark of the last call, and hands each row with its
    /// group key to `take`: windows by their end, keys by their bytes.
    pub fn close(
        &mut self,
        state: &mut WindowState,
        closed: i64,
        watermark: i64,
        take: &mut TakeRow<'_>,
    ) -> Result<(), RowError> {
        self.close_each(state, closed, watermark, &mut |plan, window, key, states, row| {
            emit_key(plan, window, key, states, row, take)
        })
    }

    /// As [`WindowOperator::close`], with `emit` for each key of a window.
    pub fn close_each(
        &mut self,
        state: &mut WindowState,
        closed: i64,
        watermark: i64,
        emit: &mut EmitWindow<'_>,
    ) -> Result<(), RowError> {
        let WindowOperator { plan, grid, row, .. } = self;
        let mut fired = closed;
        let failure = std::cell::Cell::new(None);
        let merge = merging(plan, &failure);
        while let Some(end) = state.next_end(fired, grid.interval())
            && is_window_fired(end, watermark)
        {
            let window = (grid.start(end), end);
            let mut emit = |key: &[u8], states: &[Accumulator]| emit(plan, window, key, states, row);
            match self.lateness {
                0 => state.fire(end, &merge, &mut emit)?,
                _ => state.show(end, &merge, &mut emit)?,
            }
            fired = end.saturating_sub(1);
            if end == i64::MAX {
                break;
            }
        }
        if self.lateness > 0 {
            state.forget(watermark.saturating_sub(self.lateness));
        }
        failure.take().map_or(Ok(()), |error| Err(error.into()))
    }
}

impl WindowOperator {
    /// Hands rows of the windows that are open, `closed` being the watermark up to which they have fired, to `take`, and keeps them; true if
    /// it has come to the last one.
    pub fn look(
        &mut self,
        state: &WindowState,
        closed: i64,
        (wanted, walk): (&Wanted, &mut Walk),
        take: &mut TakeRow<'_>,
    ) -> Result<bool, RowError> {
        let WindowOperator { plan, grid, row, .. } = self;
        let failure = std::cell::Cell::new(None);
        let merge = merging(plan, &failure);
        let times = (closed, grid.interval());
        let mut emit = |end: i64, key: &[u8], states: &[Accumulator]| match wanted.wants(key) {
            true => emit_key(plan, (grid.start(end), end), key, states, row, take),
            false => Ok(()),
        };
        if let Some(only) = wanted.only() {
            only.iter().try_for_each(|key| state.walk_key(key, times, &merge, &mut emit))?;
            return failure.take().map_or(Ok(true), |error| Err(error.into()));
        }
        let mut spot = match std::mem::take(&mut walk.spot) {
            Spot::Windows(spot) => spot,
            _ => WindowSpot::default(),
        };
        let is_over = state.walk(&mut spot, times, &mut walk.budget, &merge, &mut emit)?;
        walk.spot = Spot::Windows(spot);
        failure.take().map_or(Ok(is_over), |error| Err(error.into()))
    }
}

/// Adds the accumulators of a key to others of the same key; the last error is left in `failure`.
fn merging<'m>(
    plan: &'m WindowAggregate,
    failure: &'m std::cell::Cell<Option<EvalError>>,
) -> impl Fn(&mut [Accumulator], &[Accumulator]) + 'm {
    |into, from| {
        for ((call, into), from) in plan.aggregates.iter().zip(into).zip(from) {
            if let Err(error) = aggregate::merge(call, into, from) {
                failure.set(Some(error));
            }
        }
    }
}

/// Hands the row of one key of a window, or each of its first rows, to `take`; `scratch` is room for a row.
pub(super) fn emit_key(
    plan: &WindowAggregate,
    (start, end): (i64, i64),
    key: &[u8],
    states: &[Accumulator],
    scratch: &mut Vec<Value<'static>>,
    take: &mut TakeRow<'_>,
) -> Result<(), RowError> {
    if let ([Accumulator::Ranked(rows)], Some(top)) =
        (states, plan.aggregates.first().and_then(|call| call.top.as_ref()))
    {
        return top::emit(plan, top, (start, end), (key, rows), scratch, take);
    }
    let mut row: Vec<Value<'_>> = std::mem::take(scratch);
    // The values of the key come first, and behind them the row's own.
    let mut rest = key;
    while !rest.is_empty() {
        row.push(decode_value(&mut rest).ok_or(EvalError::Shape("a group key cannot be read back"))?);
    }
    let keys = row.len();
    for field in &plan.output {
        row.push(match *field {
            // A decoded key borrows, so this copies no text.
            OutputField::Key(at) => row[at].clone(),
            OutputField::Aggregate(at) => aggregate::result(&plan.aggregates[at], &states[at]),
            OutputField::TopColumn(_) | OutputField::Rank => Value::Null,
            OutputField::WindowStart => Value::timestamp(start),
            OutputField::WindowEnd => Value::timestamp(end),
            OutputField::WindowTime => Value::timestamp(end.saturating_sub(1)),
        });
    }
    take(&row[keys..], RowKind::Insert, spread_by_key(&row[..keys], key))?;
    *scratch = recycle(row);
    Ok(())
}

/// What a row of the group of these values, encoded as `key`, is spread by, as [`spread`] has it.
pub(super) fn spread_by_key<'k>(values: &'k [Value<'_>], key: &'k [u8]) -> &'k [u8] {
    match values {
        [Value::String(text)] => text.as_bytes(),
        _ => key,
    }
}

/// What a row of the group `key` is spread by. One text as key: as a Kafka producer that is keyed by this text would.
pub(super) fn spread(key: &[u8]) -> Cow<'_, [u8]> {
    let mut rest = key;
    match decode_value(&mut rest) {
        Some(Value::String(text)) if rest.is_empty() => match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        _ => Cow::Borrowed(key),
    }
}
