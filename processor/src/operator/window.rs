//! Gathers rows by window on a grid (TUMBLE, HOP, CUMULATE) and key; each key of a window that closes becomes one row.
//!
//! # Which rows are late
//! A row is late for a window when that had ended by the watermark of *its own partition* before this row, or when it is already
//! closed; the row is late, dropped and counted, when it is late for all of its windows. The first is decided by the order of one partition's log alone, so it comes out the same however partitions
//! are interleaved, after a crash, and on a replay. It also implies the second, but for windows closed while this partition was
//! idle; and idleness is part of a commit. Flink goes by the combined watermark at that moment, which depends on
//! which partition happened to be read first; the two agree as long as no row is later than the watermark's delay.

use super::aggregate;
use super::error::RowError;
use crate::expr::{EvalError, Value};
use crate::format::recycle;
use crate::plan::{Aggregate, AggregateFunction, OutputField, Window, WindowAggregate};
use crate::state::{Accumulator, Slice, WindowState, decode_value, encode_value};
use crate::time::{Grid, is_window_fired};

/// Takes a result row and its group key.
pub type TakeRow<'t> = dyn FnMut(&[Value<'_>], &[u8]) -> Result<(), RowError> + 't;

/// The operator and its state.
#[derive(Debug)]
pub struct WindowOperator {
    plan: WindowAggregate,
    grid: Grid,
    state: WindowState,
    key: Vec<u8>,
    row: Vec<Value<'static>>,
}

impl WindowOperator {
    /// For `plan`, whose windows lie on `grid`; `snapshot_floor` as in [`WindowState::new`].
    #[must_use]
    pub fn new(plan: &WindowAggregate, grid: Grid, snapshot_floor: u64) -> WindowOperator {
        let initial = plan.aggregates.iter().map(aggregate::initial).collect();
        WindowOperator {
            grid,
            state: WindowState::new(layout(plan), initial, snapshot_floor),
            plan: plan.clone(),
            key: Vec::new(),
            row: Vec::new(),
        }
    }

    /// The open windows.
    #[must_use]
    pub fn state(&self) -> &WindowState {
        &self.state
    }

    /// The open windows, to be restored or written to the changelog.
    pub fn state_mut(&mut self) -> &mut WindowState {
        &mut self.state
    }

    /// Takes `row` into its window. Returns false, and drops the row, if it is late: `watermark` is that of its partition before this
    /// row, `closed` the one up to which windows are closed.
    #[inline]
    pub fn add(&mut self, row: &[Value<'_>], watermark: i64, closed: i64) -> Result<bool, RowError> {
        let Value::Timestamp(time) = &row[self.plan.time_column] else {
            return Err(EvalError::Shape("the event time of a window is not a timestamp").into());
        };
        let Some(span) = self.grid.place(time.millis, watermark.max(closed)) else { return Ok(false) };
        self.key.clear();
        for key in &self.plan.keys {
            encode_value(&key.eval(row)?, &mut self.key);
        }
        // A row that cannot be computed must not leave half of itself behind: a policy may go on without it.
        for call in self.plan.aggregates.iter().filter(|call| aggregate::may_fail(call)) {
            aggregate::check(call, row)?;
        }
        let states = self.state.update(span, &self.key)?;
        for (call, state) in self.plan.aggregates.iter().zip(states) {
            aggregate::add(call, state, row)?;
        }
        Ok(true)
    }

    /// End of the last window that `row` is in; what a late row came too late for.
    #[must_use]
    pub fn last_end(&self, row: &[Value<'_>]) -> i64 {
        match &row[self.plan.time_column] {
            Value::Timestamp(time) => self.grid.last_end(time.millis),
            _ => i64::MAX,
        }
    }

    /// End of the first window with rows that `closed`, the watermark up to which windows are closed, has left open.
    #[must_use]
    pub fn next_close(&self, closed: i64) -> Option<i64> {
        self.state.next_end(closed, self.grid.interval())
    }

    /// Fires the windows that `watermark` has passed since `closed`, the watermark of the last call, and hands each row with its
    /// group key to `take`: windows by their end, keys by their bytes.
    pub fn close(&mut self, closed: i64, watermark: i64, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let WindowOperator { plan, grid, state, row, .. } = self;
        let mut fired = closed;
        let failure = std::cell::Cell::new(None);
        let merge = |into: &mut [Accumulator], from: &[Accumulator]| {
            for ((call, into), from) in plan.aggregates.iter().zip(into).zip(from) {
                if let Err(error) = aggregate::merge(call, into, from) {
                    failure.set(Some(error));
                }
            }
        };
        while let Some(end) = state.next_end(fired, grid.interval())
            && is_window_fired(end, watermark)
        {
            state.fire(end, &merge, &mut |slice| emit(plan, (grid.start(end), end), slice, row, take))?;
            fired = end.saturating_sub(1);
            if end == i64::MAX {
                break;
            }
        }
        failure.take().map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Hands the rows of one window to `take`; `scratch` is room for a row.
pub(super) fn emit(
    plan: &WindowAggregate,
    (start, end): (i64, i64),
    slice: &Slice,
    scratch: &mut Vec<Value<'static>>,
    take: &mut TakeRow<'_>,
) -> Result<(), RowError> {
    let mut keys = Vec::with_capacity(plan.keys.len());
    let mut row: Vec<Value<'_>> = std::mem::take(scratch);
    for (key, states) in slice.sorted() {
        keys.clear();
        let mut rest = key;
        while !rest.is_empty() {
            let value = decode_value(&mut rest).ok_or(EvalError::Shape("a group key cannot be read back"))?;
            keys.push(value);
        }
        row.clear();
        row.extend(plan.output.iter().map(|field| match *field {
            // A decoded key borrows, so this copies no text.
            OutputField::Key(at) => keys[at].clone(),
            OutputField::Aggregate(at) => aggregate::result(&plan.aggregates[at], &states[at]),
            OutputField::WindowStart => Value::timestamp(start),
            OutputField::WindowEnd => Value::timestamp(end),
            OutputField::WindowTime => Value::timestamp(end.saturating_sub(1)),
        }));
        // One text as key: spread as a Kafka producer that is keyed by this text would.
        match &keys[..] {
            [Value::String(text)] => take(&row, text.as_bytes())?,
            _ => take(&row, key)?,
        }
    }
    *scratch = recycle(row);
    Ok(())
}

/// What the state's bytes depend on: see [`Record::Begin`](crate::state::changelog::Record::Begin). It is compared with what an
/// earlier version wrote, so it is made of names that stay as they are.
fn layout(plan: &WindowAggregate) -> String {
    let window = match plan.window {
        Window::Tumble { size_ms, offset_ms } => format!("TUMBLE {size_ms} ms offset {offset_ms} ms"),
        Window::Hop { slide_ms, size_ms, offset_ms } => {
            format!("HOP {size_ms} ms by {slide_ms} ms offset {offset_ms} ms")
        }
        Window::Cumulate { step_ms, size_ms, offset_ms } => {
            format!("CUMULATE {size_ms} ms by {step_ms} ms offset {offset_ms} ms")
        }
    };
    let keys: Vec<String> = plan.keys.iter().map(|key| key.data_type().to_string()).collect();
    let call = |call: &Aggregate| {
        let argument = call.argument.as_ref().map_or_else(|| "*".to_owned(), |a| a.data_type().to_string());
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        format!("{}({distinct}{argument})", name(call.function))
    };
    let calls: Vec<String> = plan.aggregates.iter().map(call).collect();
    format!("1; {window}; by {}; {}", keys.join(", "), calls.join(", "))
}

fn name(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::CountStar | AggregateFunction::Count => "COUNT",
        AggregateFunction::Sum => "SUM",
        AggregateFunction::Min => "MIN",
        AggregateFunction::Max => "MAX",
        AggregateFunction::Avg => "AVG",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{DataType, Expr};

    /// The text is in changelogs: a change makes every running job refuse its state.
    #[test]
    fn the_layout_stays_as_it_is() {
        let call = |function, argument: Option<DataType>| Aggregate {
            function,
            distinct: false,
            argument: argument.map(|data_type| Expr::column(0, data_type)),
            filter: None,
            result: DataType::BigInt,
        };
        let plan = WindowAggregate {
            window: Window::Tumble { size_ms: 5_000, offset_ms: -1 },
            time_column: 0,
            keys: vec![Expr::column(0, DataType::STRING), Expr::column(1, DataType::Int)],
            aggregates: vec![
                call(AggregateFunction::CountStar, None),
                call(AggregateFunction::Sum, Some(DataType::BigInt)),
                call(AggregateFunction::Avg, Some(DataType::Decimal { precision: 10, scale: 2 })),
            ],
            output: Vec::new(),
        };
        let expected = "1; TUMBLE 5000 ms offset -1 ms; by STRING, INT; COUNT(*), SUM(BIGINT), AVG(DECIMAL(10, 2))";
        assert_eq!(layout(&plan), expected);
    }
}
