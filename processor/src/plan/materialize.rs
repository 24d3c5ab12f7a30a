//! Rows by the key of the table that they go into, where another key tells them apart in the query.

use std::fmt;

use super::rank::{by_text, kept_text};
use crate::expr::{DataType, Expr};

/// Of each key of the sink all rows are kept, and the last one counts (Flink: `SinkUpsertMaterializer`); the row stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Materialize {
    /// The sink's PRIMARY KEY, over the row.
    pub keys: Vec<Expr>,
    /// All columns of the row, with their types.
    pub columns: Vec<(usize, DataType)>,
    /// `table.exec.state.ttl`: a row is forgotten after so many ms; `None`: never.
    pub ttl_ms: Option<i64>,
}

impl Materialize {
    /// Writes the step, over a row of columns that are called `names`.
    pub(super) fn line(&self, f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
        let kept: Vec<&str> = self.columns.iter().map(|(at, _)| names.get(*at).map_or("", String::as_str)).collect();
        let (by, until) = (by_text(&self.keys, names), kept_text(self.ttl_ms));
        writeln!(f, "  keyed      {by}: the last of the rows ({}); {until}", kept.join(", "))
    }
}
