//! OVER windows: aggregates over each row and those before it, by time.

use std::fmt;

use super::Aggregate;
use super::explain::call_text;
use super::rank::{by_text, kept_text};
use crate::expr::render::duration;
use crate::expr::{DataType, Expr};

/// Each row with what is computed over it and rows before it (Flink: `StreamExecOverAggregate`). The outgoing row: `columns`, then the results.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    /// PARTITION BY, over the incoming row.
    pub keys: Vec<Expr>,
    /// Position of the time column that rows are ordered by: a row comes out when the watermark has passed it. `None`: in the order in
    /// which they come, at once.
    pub time_column: Option<usize>,
    /// Which rows before it count.
    pub frame: Frame,
    /// What is computed, at least one.
    pub calls: Vec<OverCall>,
    /// The columns of the incoming row that are kept, with their types.
    pub columns: Vec<(usize, DataType)>,
    /// `table.exec.state.ttl`: a key for which nothing has come for so many ms is forgotten; `None`: never. Not where the frame ends by time.
    pub ttl_ms: Option<i64>,
}

/// Which rows count besides the present one; with RANGE all rows of its very time do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW.
    AllRows,
    /// ROWS BETWEEN n PRECEDING AND CURRENT ROW.
    Rows(u64),
    /// RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW.
    AllTime,
    /// RANGE BETWEEN INTERVAL .. PRECEDING AND CURRENT ROW, in ms.
    Time(i64),
}

/// What is computed for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum OverCall {
    /// An aggregate function.
    Aggregate(Aggregate),
    /// LAG: the value of the row so many rows before, NULLs counted.
    Lag {
        /// The value, over the incoming row.
        argument: Expr,
        /// How many rows before; 0 is the row itself.
        offset: usize,
        /// A constant, for rows that have none.
        default: Expr,
    },
}

impl Frame {
    /// Whether rows leave it, so that what is computed takes them back.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        matches!(self, Frame::Rows(_) | Frame::Time(_))
    }

    /// Whether rows of one time count for one another.
    #[must_use]
    pub fn is_by_time(self) -> bool {
        matches!(self, Frame::AllTime | Frame::Time(_))
    }

    fn text(self) -> String {
        match self {
            Frame::AllRows => "each row and all before".to_owned(),
            Frame::Rows(rows) => format!("each row and {rows} before"),
            Frame::AllTime => "each time and all before".to_owned(),
            Frame::Time(ms) => format!("each time and {} before", duration(ms)),
        }
    }
}

impl OverCall {
    /// The expressions that are evaluated, over the incoming row.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Expr> {
        let (argument, filter) = match self {
            OverCall::Aggregate(call) => (call.argument.as_ref(), call.filter.as_ref()),
            OverCall::Lag { argument, .. } => (Some(argument), None),
        };
        argument.into_iter().chain(filter)
    }

    /// The same, to be changed.
    pub(crate) fn parts_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let (argument, filter) = match self {
            OverCall::Aggregate(call) => (call.argument.as_mut(), call.filter.as_mut()),
            OverCall::Lag { argument, .. } => (Some(argument), None),
        };
        argument.into_iter().chain(filter)
    }

    /// Type of the result.
    #[must_use]
    pub fn result(&self) -> DataType {
        match self {
            OverCall::Aggregate(call) => call.result,
            OverCall::Lag { argument, .. } => argument.data_type(),
        }
    }

    fn text(&self, names: &[String]) -> String {
        match self {
            OverCall::Aggregate(call) => call_text(call, names),
            OverCall::Lag { argument, offset, .. } => format!("LAG({}, {offset})", argument.display(names)),
        }
    }
}

impl Over {
    /// Writes the step, over a row of columns that are called `names`, and returns the names of its row.
    pub(super) fn line(&self, f: &mut fmt::Formatter<'_>, names: &[String]) -> Result<Vec<String>, fmt::Error> {
        let name = |column: usize| names.get(column).cloned().unwrap_or_default();
        let kept: Vec<String> = self.columns.iter().map(|(column, _)| name(*column)).collect();
        let calls: Vec<String> = self.calls.iter().map(|call| call.text(names)).collect();
        let order = self.time_column.map_or("when it comes".to_owned(), name);
        let until = match self.frame {
            Frame::Time(_) => "kept as long".to_owned(),
            _ => kept_text(self.ttl_ms),
        };
        let (by, frame) = (by_text(&self.keys, names), self.frame.text());
        writeln!(f, "  over       {by}, {frame} by {order}: {} ({}); {until}", calls.join(", "), kept.join(", "))?;
        Ok(kept.into_iter().chain(calls).collect())
    }
}
