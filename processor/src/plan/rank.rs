//! The first rows of each key without windows: ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..) under WHERE rownum <= n.

use std::fmt;

use super::{OutputField, Top};
use crate::expr::render::duration;
use crate::expr::{DataType, Expr};

/// The first or the last row of each key by time (Flink: `StreamExecDeduplicate`); rows are only put in.
#[derive(Clone, Debug, PartialEq)]
pub struct Deduplicate {
    /// PARTITION BY, over the incoming row.
    pub keys: Vec<Expr>,
    /// Position of the event-time column that rows are ordered by; `None`: the order in which they come (processing time).
    pub time_column: Option<usize>,
    /// The last row, which the next one replaces (ORDER BY .. DESC). The first one by event time comes out when the watermark passes it.
    pub last: bool,
    /// The columns of the incoming row that are kept, with their types: the outgoing row.
    pub columns: Vec<(usize, DataType)>,
    /// `table.exec.state.ttl`: a key is forgotten after so many ms; `None`: never.
    pub ttl_ms: Option<i64>,
}

/// The first rows of each key by any order (Flink: `StreamExecRank`).
#[derive(Clone, Debug, PartialEq)]
pub struct Rank {
    /// PARTITION BY, over the incoming row.
    pub keys: Vec<Expr>,
    /// How rows are ranked and which come out.
    pub top: Top,
    /// The outgoing row: keys, columns of `top`, and the rank.
    pub output: Vec<OutputField>,
    /// Whether incoming rows may be taken back. Then all rows are kept, as any may move up; else those that come out.
    pub retracts: bool,
    /// `table.exec.state.ttl`: a row is forgotten after so many ms; `None`: never.
    pub ttl_ms: Option<i64>,
}

/// What EXPLAIN writes behind the step: how long rows are kept.
pub(super) fn kept_text(ttl_ms: Option<i64>) -> String {
    match ttl_ms {
        Some(ms) => format!("forgotten after {}", duration(ms)),
        None => "kept for ever".to_owned(),
    }
}

/// The expressions that rows are gathered by, as EXPLAIN writes them.
pub(super) fn by_text(keys: &[Expr], names: &[String]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.display(names).to_string()).collect();
    if keys.is_empty() { "all rows".to_owned() } else { format!("by {}", keys.join(", ")) }
}

impl Deduplicate {
    /// Writes the step, over a row of columns that are called `names`, and returns the names of its row.
    pub(super) fn line(&self, f: &mut fmt::Formatter<'_>, names: &[String]) -> Result<Vec<String>, fmt::Error> {
        let name = |column: usize| names.get(column).cloned().unwrap_or_default();
        let kept: Vec<String> = self.columns.iter().map(|(column, _)| name(*column)).collect();
        let which = if self.last { "last" } else { "first" };
        let order = self.time_column.map_or("when it comes".to_owned(), name);
        let (by, until) = (by_text(&self.keys, names), kept_text(self.ttl_ms));
        writeln!(f, "  dedup      {by}: the {which} row by {order} ({}); {until}", kept.join(", "))?;
        Ok(kept)
    }
}

impl Rank {
    /// Writes the step, over a row of columns that are called `names`, and returns the names of its row.
    pub(super) fn line(&self, f: &mut fmt::Formatter<'_>, names: &[String]) -> Result<Vec<String>, fmt::Error> {
        let (by, until) = (by_text(&self.keys, names), kept_text(self.ttl_ms));
        let changing = if self.retracts { ", of rows that change" } else { "" };
        writeln!(f, "  rank       {by}: {}{changing}; {until}", self.top.text(names))?;
        let name = |field: &OutputField| match *field {
            OutputField::Key(at) => self.keys[at].display(names).to_string(),
            OutputField::TopColumn(at) => names.get(self.top.columns[at].0).cloned().unwrap_or_default(),
            _ => "rownum".to_owned(),
        };
        Ok(self.output.iter().map(name).collect())
    }

    /// Whether the rank itself comes out, so that a row that moves is a row that changes.
    #[must_use]
    pub fn shows_rank(&self) -> bool {
        self.output.contains(&OutputField::Rank)
    }
}
