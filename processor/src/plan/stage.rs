//! The steps between source and sink.

use super::{Branch, Deduplicate, Join, Materialize, Over, OverCall, Rank, Top, Unnest};
use crate::expr::{DataType, Expr};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Only rows for which the condition is TRUE go on (WHERE, HAVING). The row stays as it is.
    Filter(Expr),
    /// The row becomes the values of these expressions.
    Project(Vec<Expr>),
    /// Rows are gathered by window and key; when a window closes, each key becomes one row.
    WindowAggregate(WindowAggregate),
    /// Rows are gathered by key, without windows: each key has one row, which changes as rows come.
    GroupAggregate(GroupAggregate),
    /// Rows that each replace or remove the one of their key (`upsert-kafka`) also say what that was.
    Normalize(Normalize),
    /// Of each key the first or the last row by time.
    Deduplicate(Deduplicate),
    /// Of each key the first rows by any order.
    Rank(Rank),
    /// Each row with what is computed over it and rows before it, by time.
    Over(Over),
    /// Rows by the key of the sink: the last stage, if there is one.
    Materialize(Materialize),
    /// A row becomes one row for each of its windows (a windowing function without an aggregation). With SESSION they come when the
    /// session closes.
    WindowRows(WindowRows),
    /// A row becomes one row for each element of an array, a map or a multiset (UNNEST).
    Unnest(Unnest),
    /// UNION ALL: rows of these branches come too. Their rows have the same columns of the same types; like those of the stages before, they
    /// have just come out of a [`Stage::Project`].
    Union(Vec<Branch>),
    /// Rows of a branch meet those of the pipeline. Both have just come out of a [`Stage::Project`].
    Join(Box<Join>),
}

impl Stage {
    /// Whether the row that leaves it is another than the one that came in.
    #[must_use]
    pub fn makes_rows(&self) -> bool {
        !matches!(self, Stage::Filter(_))
    }

    /// Whether it keeps rows until their windows close.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        match self {
            Stage::WindowAggregate(_)
            | Stage::GroupAggregate(_)
            | Stage::Normalize(_)
            | Stage::Deduplicate(_)
            | Stage::Rank(_)
            | Stage::Over(_)
            | Stage::Materialize(_)
            | Stage::Join(_) => true,
            Stage::WindowRows(rows) => matches!(rows.window, Window::Session { .. }),
            Stage::Union(branches) => branches.iter().any(|branch| branch.stages.iter().any(Stage::keeps_rows)),
            Stage::Filter(_) | Stage::Project(_) | Stage::Unnest(_) => false,
        }
    }

    /// The keys that rows are gathered by, over the incoming row.
    #[must_use]
    pub fn keys(&self) -> &[Expr] {
        match self {
            Stage::WindowAggregate(plan) => &plan.keys,
            Stage::GroupAggregate(plan) => &plan.keys,
            Stage::Normalize(plan) => &plan.keys,
            Stage::Deduplicate(plan) => &plan.keys,
            Stage::Rank(plan) => &plan.keys,
            Stage::Over(plan) => &plan.keys,
            Stage::Materialize(plan) => &plan.keys,
            Stage::WindowRows(plan) => &plan.keys,
            Stage::Filter(_) | Stage::Project(_) | Stage::Unnest(_) | Stage::Union(_) | Stage::Join(_) => &[],
        }
    }

    /// The branches whose rows come in here.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        match self {
            Stage::Union(branches) => branches,
            Stage::Join(join) => std::slice::from_ref(&join.branch),
            _ => &[],
        }
    }

    /// The branches whose rows come in here.
    pub fn branches_mut(&mut self) -> &mut [Branch] {
        match self {
            Stage::Union(branches) => branches,
            Stage::Join(join) => std::slice::from_mut(&mut join.branch),
            _ => &mut [],
        }
    }

    /// Calls `visit` with the position of every column of the incoming row that is read.
    pub(crate) fn for_each_column(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Stage::Filter(condition) => condition.for_each_column(visit),
            Stage::Project(exprs) => exprs.iter().for_each(|expr| expr.for_each_column(visit)),
            Stage::WindowAggregate(window) => {
                visit(window.time_column);
                window.keys.iter().for_each(|key| key.for_each_column(visit));
                window.aggregates.iter().for_each(|call| call.for_each_column(visit));
            }
            Stage::Normalize(plan) => {
                plan.keys.iter().for_each(|key| key.for_each_column(visit));
                plan.columns.iter().for_each(|(column, _)| visit(*column));
            }
            Stage::Deduplicate(plan) => {
                plan.keys.iter().for_each(|key| key.for_each_column(visit));
                plan.time_column.iter().for_each(|column| visit(*column));
                plan.columns.iter().for_each(|(column, _)| visit(*column));
            }
            Stage::Rank(plan) => {
                plan.keys.iter().for_each(|key| key.for_each_column(visit));
                plan.top.for_each_column(visit);
            }
            Stage::Materialize(plan) => plan.columns.iter().for_each(|(column, _)| visit(*column)),
            Stage::Over(plan) => {
                plan.keys.iter().for_each(|key| key.for_each_column(visit));
                plan.time_column.iter().for_each(|column| visit(*column));
                plan.calls.iter().flat_map(OverCall::parts).for_each(|part| part.for_each_column(visit));
                plan.columns.iter().for_each(|(column, _)| visit(*column));
            }
            Stage::GroupAggregate(group) => {
                group.keys.iter().for_each(|key| key.for_each_column(visit));
                let parts = group.aggregates.iter().flat_map(|call| call.argument.iter().chain(&call.filter));
                parts.for_each(|part| part.for_each_column(visit));
            }
            Stage::WindowRows(rows) => {
                visit(rows.time_column);
                rows.keys.iter().for_each(|key| key.for_each_column(visit));
                rows.columns.iter().for_each(|(column, _)| visit(*column));
            }
            Stage::Unnest(plan) => {
                plan.of.for_each_column(visit);
                plan.columns.iter().for_each(|(column, _)| visit(*column));
            }
            // It takes whole rows, from a projection.
            Stage::Union(_) => {}
            Stage::Join(join) => join.left.for_each_column(visit),
        }
    }

    /// Gives every column of the incoming row a new position.
    pub(crate) fn map_columns(&mut self, map: &impl Fn(usize) -> usize) {
        match self {
            Stage::Filter(condition) => condition.map_columns(map),
            Stage::Project(exprs) => exprs.iter_mut().for_each(|expr| expr.map_columns(map)),
            Stage::WindowAggregate(window) => {
                window.time_column = map(window.time_column);
                window.keys.iter_mut().for_each(|key| key.map_columns(map));
                window.aggregates.iter_mut().for_each(|call| call.map_columns(map));
            }
            Stage::Normalize(plan) => {
                plan.keys.iter_mut().for_each(|key| key.map_columns(map));
                plan.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
            }
            Stage::Deduplicate(plan) => {
                plan.keys.iter_mut().for_each(|key| key.map_columns(map));
                plan.time_column.iter_mut().for_each(|column| *column = map(*column));
                plan.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
            }
            Stage::Rank(plan) => {
                plan.keys.iter_mut().for_each(|key| key.map_columns(map));
                plan.top.map_columns(map);
            }
            Stage::Materialize(plan) => {
                plan.keys.iter_mut().for_each(|key| key.map_columns(map));
                plan.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
            }
            Stage::Over(plan) => {
                plan.keys.iter_mut().for_each(|key| key.map_columns(map));
                plan.time_column.iter_mut().for_each(|column| *column = map(*column));
                plan.calls.iter_mut().flat_map(OverCall::parts_mut).for_each(|part| part.map_columns(map));
                plan.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
            }
            Stage::GroupAggregate(group) => {
                group.keys.iter_mut().for_each(|key| key.map_columns(map));
                let parts =
                    group.aggregates.iter_mut().flat_map(|call| call.argument.iter_mut().chain(&mut call.filter));
                parts.for_each(|part| part.map_columns(map));
            }
            Stage::WindowRows(rows) => {
                rows.time_column = map(rows.time_column);
                rows.keys.iter_mut().for_each(|key| key.map_columns(map));
                rows.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
            }
            Stage::Unnest(plan) => {
                plan.of.map_columns(map);
                plan.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
            }
            Stage::Union(_) => {}
            Stage::Join(join) => join.left.map_columns(map),
        }
    }
}

/// A windowing function without an aggregation: the outgoing row has `columns` and after them window_start, window_end and
/// window_time.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRows {
    /// The windows.
    pub window: Window,
    /// Position of the event-time column in the incoming row.
    pub time_column: usize,
    /// With SESSION the PARTITION BY columns, over the incoming row; else empty.
    pub keys: Vec<Expr>,
    /// The columns of the incoming row that are kept, with their types.
    pub columns: Vec<(usize, DataType)>,
}

/// A window aggregation (GROUP BY window_start, window_end and keys, over a windowing function).
#[derive(Clone, Debug, PartialEq)]
pub struct WindowAggregate {
    /// The windows.
    pub window: Window,
    /// Position of the event-time column in the incoming row (TIMESTAMP or TIMESTAMP_LTZ); by it a row falls into its window.
    /// A row whose last window has fired (watermark >= window end - 1) is late: dropped and counted.
    pub time_column: usize,
    /// The keys besides the window, over the incoming row. Two NULLs are the same key. Empty: one group for each window that
    /// has rows.
    pub keys: Vec<Expr>,
    /// What is computed for each window and key.
    pub aggregates: Vec<Aggregate>,
    /// The outgoing row.
    pub output: Vec<OutputField>,
}

/// An aggregation without windows (GROUP BY keys; SELECT DISTINCT; aggregates without GROUP BY).
#[derive(Clone, Debug, PartialEq)]
pub struct GroupAggregate {
    /// The keys, over the incoming row. Two NULLs are the same key. Empty: one group, once there is a row.
    pub keys: Vec<Expr>,
    /// What is computed for each key.
    pub aggregates: Vec<Aggregate>,
    /// The outgoing row: keys and aggregates.
    pub output: Vec<OutputField>,
    /// Whether incoming rows may be taken back.
    pub retracts: bool,
    /// `table.exec.state.ttl`: a group for which nothing has come for so many ms is forgotten; `None`: never.
    pub ttl_ms: Option<i64>,
}

/// Of each key the last row is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    /// The PRIMARY KEY, over the incoming row.
    pub keys: Vec<Expr>,
    /// The columns of the incoming row that are kept, with their types: the outgoing row.
    pub columns: Vec<(usize, DataType)>,
    /// `table.exec.state.ttl`: a row that nothing has come for in so many ms is forgotten; `None`: never.
    pub ttl_ms: Option<i64>,
}

/// How time is cut into windows. Lengths are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// TUMBLE: a row is in the one window that starts at `ts - floormod(ts - offset, size)` and ends before start + size.
    Tumble {
        /// Length of a window, at least 1.
        size_ms: i64,
        /// Where windows start after a multiple of the size; its absolute value is less than the size.
        offset_ms: i64,
    },
    /// HOP: windows of `size_ms` begin every `slide_ms`, so a row is in `size_ms / slide_ms` of them.
    Hop {
        /// Distance between the starts of windows, at least 1.
        slide_ms: i64,
        /// Length of a window, a multiple of the slide.
        size_ms: i64,
        /// Where windows start after a multiple of the slide.
        offset_ms: i64,
    },
    /// CUMULATE: windows that begin as those of TUMBLE do, and end after each step up to the whole size.
    Cumulate {
        /// By how much each window is longer than the one before, at least 1.
        step_ms: i64,
        /// Length of the longest window, a multiple of the step.
        size_ms: i64,
        /// Where windows start after a multiple of the size.
        offset_ms: i64,
    },
    /// SESSION: rows of the same keys, each at most `gap_ms` after the one before it in time; the window ends a gap after the last.
    Session {
        /// The longest distance between rows of one session, at least 1.
        gap_ms: i64,
    },
    /// Rows have been assigned to windows, or come from windows: the event-time column is their window_end, the first key of the
    /// aggregation their window_start.
    Attached,
}

/// A field of a window aggregation's outgoing row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputField {
    /// The key at this position of [`WindowAggregate::keys`].
    Key(usize),
    /// The result at this position of [`WindowAggregate::aggregates`].
    Aggregate(usize),
    /// The column at this position of [`Top::columns`]; the one aggregate is [`AggregateFunction::Top`].
    TopColumn(usize),
    /// The rank of a row among the first ones, from 1.
    Rank,
    /// The first moment in the window, a TIMESTAMP(3).
    WindowStart,
    /// The first moment after the window, a TIMESTAMP(3).
    WindowEnd,
    /// The last moment in the window: window_end - 1 ms; of the event-time column's type with precision 3.
    WindowTime,
}

impl OutputField {
    /// The position of the key that it is, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<usize> {
        match *self {
            OutputField::Key(at) => Some(at),
            _ => None,
        }
    }
}

/// One aggregate function call.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The function.
    pub function: AggregateFunction,
    /// Whether equal values count once; never for MIN and MAX, which give the same either way. Not with COUNT(*).
    pub distinct: bool,
    /// What it is applied to, over the incoming row; `None` for COUNT(*) only. NULLs are passed over.
    pub argument: Option<Expr>,
    /// FILTER (WHERE ..): only rows for which it is TRUE count.
    pub filter: Option<Expr>,
    /// Type of the result, by Flink's rules: COUNT is BIGINT; MIN, MAX and AVG are of the argument's type (AVG of a DECIMAL(p, s)
    /// is DECIMAL(38, max(6, s))); so is SUM (SUM of a DECIMAL(p, s) is DECIMAL(38, s)).
    pub result: DataType,
    /// What [`AggregateFunction::Top`] keeps; else `None`.
    pub top: Option<Box<Top>>,
}

impl Aggregate {
    /// Calls `visit` with the position of every column of the incoming row that is read.
    pub(crate) fn for_each_column(&self, visit: &mut impl FnMut(usize)) {
        self.argument.iter().chain(&self.filter).for_each(|part| part.for_each_column(visit));
        if let Some(top) = &self.top {
            top.for_each_column(visit);
        }
    }

    /// Gives every column of the incoming row a new position.
    pub(crate) fn map_columns(&mut self, map: &impl Fn(usize) -> usize) {
        self.argument.iter_mut().chain(&mut self.filter).for_each(|part| part.map_columns(map));
        if let Some(top) = &mut self.top {
            top.map_columns(map);
        }
    }
}

/// The aggregate functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// COUNT(*): rows.
    CountStar,
    /// COUNT(x): rows where x is not NULL; 0 if there is none.
    Count,
    /// SUM(x): NULL over NULLs only. Integers wrap around at the result type's range ([`DataType::wrap`]), a FLOAT is summed in
    /// `f32`, a DECIMAL beyond its precision is NULL.
    Sum,
    /// MIN(x): NULL over NULLs only.
    Min,
    /// MAX(x): NULL over NULLs only.
    Max,
    /// AVG(x): NULL over NULLs only. Integers are summed in BIGINT (wrapping) and divided with truncation toward zero; FLOAT
    /// and DOUBLE are summed in `f64`; a DECIMAL is summed in DECIMAL(38, s) and rounded half up to the result's scale.
    Avg,
    /// FIRST_VALUE(x): the first in the order of arrival; of windows put together from slices, the first of the earliest slice.
    First,
    /// LAST_VALUE(x): the last.
    Last,
    /// Texts (LISTAGG) or bytes in a row, in the order of arrival. For PERCENTILE a value is the eight bytes of a DOUBLE.
    Concat,
    /// APPROX_COUNT_DISTINCT(x): the bytes of a sketch of the different values.
    Sketch,
    /// The first rows by an order ([`Aggregate::top`]); then it is the only call, and a key becomes a row for each of them.
    Top,
}
