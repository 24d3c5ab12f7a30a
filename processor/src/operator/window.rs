//! Gathers rows by tumbling window and key; each key of a window that closes becomes one row.
//!
//! # Which rows are late
//! A row is late when its window had ended by the watermark of *its own partition* before this row, or when its window is already
//! closed. The first is decided by the order of one partition's log alone, so it comes out the same however partitions
//! are interleaved, after a crash, and on a replay. It also implies the second, but for windows closed while this partition was
//! idle; and idleness is part of a commit. Flink goes by the combined watermark at that moment, which depends on
//! which partition happened to be read first; the two agree as long as no row is later than the watermark's delay.

use super::aggregate;
use super::error::RowError;
use crate::expr::{EvalError, Value};
use crate::format::recycle;
use crate::plan::{Aggregate, AggregateFunction, OutputField, Window, WindowAggregate};
use crate::state::{Slice, WindowState, decode_value, encode_value};
use crate::time::{is_window_fired, window_start};

/// Takes a result row and its group key.
pub type TakeRow<'t> = dyn FnMut(&[Value<'_>], &[u8]) -> Result<(), RowError> + 't;

/// The operator and its state.
#[derive(Debug)]
pub struct WindowOperator {
    plan: WindowAggregate,
    size: i64,
    offset: i64,
    state: WindowState,
    key: Vec<u8>,
    row: Vec<Value<'static>>,
}

impl WindowOperator {
    /// For `plan`; `snapshot_floor` as in [`WindowState::new`].
    #[must_use]
    pub fn new(plan: &WindowAggregate, snapshot_floor: u64) -> WindowOperator {
        let Window::Tumble { size_ms, offset_ms } = plan.window;
        let initial = plan.aggregates.iter().map(aggregate::initial).collect();
        WindowOperator {
            size: size_ms.max(1),
            offset: offset_ms,
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
        let end = window_start(time.millis, self.offset, self.size).saturating_add(self.size);
        if is_window_fired(end, watermark.max(closed)) {
            return Ok(false);
        }
        self.key.clear();
        for key in &self.plan.keys {
            encode_value(&key.eval(row)?, &mut self.key);
        }
        let states = self.state.update(end, &self.key)?;
        for (call, state) in self.plan.aggregates.iter().zip(states) {
            aggregate::add(call, state, row)?;
        }
        Ok(true)
    }

    /// Closes the windows that `watermark` has passed and hands each row with its group key to `take`: windows by time, keys by
    /// their bytes.
    pub fn close(&mut self, watermark: i64, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        for (end, slice) in self.state.close(watermark) {
            self.emit(end, &slice, take)?;
            self.state.reuse(slice);
        }
        Ok(())
    }

    fn emit(&mut self, end: i64, slice: &Slice, take: &mut TakeRow<'_>) -> Result<(), RowError> {
        let mut keys = Vec::with_capacity(self.plan.keys.len());
        let mut row: Vec<Value<'_>> = std::mem::take(&mut self.row);
        for (key, states) in slice.sorted() {
            keys.clear();
            let mut rest = key;
            while !rest.is_empty() {
                let value = decode_value(&mut rest).ok_or(EvalError::Shape("a group key cannot be read back"))?;
                keys.push(value);
            }
            row.clear();
            row.extend(self.plan.output.iter().map(|field| match *field {
                // A decoded key borrows, so this copies no text.
                OutputField::Key(at) => keys[at].clone(),
                OutputField::Aggregate(at) => aggregate::result(&self.plan.aggregates[at], &states[at]),
                OutputField::WindowStart => Value::timestamp(end.saturating_sub(self.size)),
                OutputField::WindowEnd => Value::timestamp(end),
                OutputField::WindowTime => Value::timestamp(end.saturating_sub(1)),
            }));
            // One text as key: spread as a Kafka producer that is keyed by this text would.
            match &keys[..] {
                [Value::String(text)] => take(&row, text.as_bytes())?,
                _ => take(&row, key)?,
            }
        }
        self.row = recycle(row);
        Ok(())
    }
}

/// What the state's bytes depend on: see [`Record::Begin`](crate::state::changelog::Record::Begin). It is compared with what an
/// earlier version wrote, so it is made of names that stay as they are.
fn layout(plan: &WindowAggregate) -> String {
    let Window::Tumble { size_ms, offset_ms } = plan.window;
    let keys: Vec<String> = plan.keys.iter().map(|key| key.data_type().to_string()).collect();
    let call = |call: &Aggregate| {
        let argument = call.argument.as_ref().map_or_else(|| "*".to_owned(), |a| a.data_type().to_string());
        format!("{}({argument})", name(call.function))
    };
    let calls: Vec<String> = plan.aggregates.iter().map(call).collect();
    format!("1; TUMBLE {size_ms} ms offset {offset_ms} ms; by {}; {}", keys.join(", "), calls.join(", "))
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
