//! The first rows by an order, of each key of a window: ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..) under WHERE rownum <= n.

use std::fmt;

use crate::expr::{DataType, Expr};

/// What is kept of the rows of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Top {
    /// What rows are ordered by, over the incoming row; those that are equal by all of it are in the order in which they came.
    pub order: Vec<SortKey>,
    /// Of equal rows the one that came last is the first (Flink: a window deduplication that keeps the last row).
    pub latest_first: bool,
    /// The columns of the incoming row that are kept, with their types.
    pub columns: Vec<(usize, DataType)>,
    /// The first rank that comes out, from 1.
    pub from: usize,
    /// The last one: so many rows are kept.
    pub most: usize,
}

/// One of the expressions that rows are ordered by.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// The expression.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// Whether NULL stands before all values; by itself it is less than any (Flink: NullCollation.LOW).
    pub nulls_first: bool,
}

impl SortKey {
    /// As EXPLAIN writes it; `expression` is the expression's text.
    pub(crate) fn text(&self, expression: impl fmt::Display) -> String {
        let order = if self.descending { " DESC" } else { "" };
        let nulls = match (self.nulls_first, self.descending) {
            (true, true) => " NULLS FIRST",
            (false, false) => " NULLS LAST",
            _ => "",
        };
        format!("{expression}{order}{nulls}")
    }
}

impl Top {
    /// Calls `visit` with the position of every column of the incoming row that is read.
    pub(crate) fn for_each_column(&self, visit: &mut impl FnMut(usize)) {
        self.order.iter().for_each(|key| key.expr.for_each_column(visit));
        self.columns.iter().for_each(|(column, _)| visit(*column));
    }

    /// Gives every column of the incoming row a new position.
    pub(crate) fn map_columns(&mut self, map: &impl Fn(usize) -> usize) {
        self.order.iter_mut().for_each(|key| key.expr.map_columns(map));
        self.columns.iter_mut().for_each(|(column, _)| *column = map(*column));
    }

    /// As EXPLAIN writes it, over a row of columns that are called `names`.
    pub(crate) fn text(&self, names: &[String]) -> String {
        let order: Vec<String> = self.order.iter().map(|key| key.text(key.expr.display(names))).collect();
        let kept = self.columns.iter().map(|(column, _)| names.get(*column).map_or("", String::as_str));
        let kept: Vec<&str> = kept.collect();
        let latest = if self.latest_first { ", the latest of equal ones" } else { "" };
        format!("{} by {}{latest} ({})", self.ranks(), order.join(", "), kept.join(", "))
    }

    /// Which of the rows come out.
    fn ranks(&self) -> String {
        match (self.from, self.most) {
            (1, 1) => "the first row".to_owned(),
            (1, most) => format!("the first {most} rows"),
            (from, most) => format!("the rows {from} to {most}"),
        }
    }
}
