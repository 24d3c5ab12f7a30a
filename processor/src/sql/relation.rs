//! What a query is while it is planned: a table, steps, and named values over the row after them.

use std::rc::Rc;

use sqlparser::tokenizer::Span;

use super::error::SqlError;
use super::scope::{Field, Scope};
use super::table::Table;
use crate::expr::Expr;
use crate::plan::{Stage, Window};

/// A query under construction.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The table that is read.
    pub table: Rc<Table>,
    /// The steps so far. Those up to the first that makes a new row see the table's whole row.
    pub stages: Vec<Stage>,
    /// The named values, over the row after the last step.
    pub fields: Vec<Field>,
    /// The windowing function that has been applied, until an aggregation uses it up.
    pub windowing: Option<Windowing>,
    /// Whether rows have been aggregated.
    pub aggregated: bool,
}

/// A windowing function over a relation: what its three columns are computed with.
#[derive(Clone, Debug)]
pub(crate) struct Windowing {
    pub window: Window,
    /// Name of the function, and where it stands.
    pub function: (&'static str, Span),
    /// The event-time column.
    pub time: Expr,
    pub start: Expr,
    pub end: Expr,
    pub last: Expr,
}

impl Windowing {
    /// Whether a row is in one window that its time tells, so that window columns can be computed for each row.
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.window, Window::Tumble { .. })
    }

    /// That `what` needs window columns for each row.
    pub(crate) fn not_computed(&self, span: Span, what: &str) -> SqlError {
        let (function, _) = self.function;
        SqlError::new(span, format!("{what} of {function} windows is not supported yet"))
            .hint("window columns can be in GROUP BY, SELECT and HAVING of the aggregation")
    }
}

impl Relation {
    /// The names for expressions over this relation.
    pub(crate) fn scope<'a>(&'a self, what: &'a str) -> Scope<'a> {
        Scope { fields: &self.fields, what }
    }

    /// What the fields belong to, for messages.
    pub(crate) fn what(&self) -> String {
        match self.fields.first().and_then(|field| field.qualifier.as_deref()) {
            Some(name) if name == self.table.name => format!("table {name}"),
            Some(name) => name.to_owned(),
            None => "the inner query".to_owned(),
        }
    }

    /// Puts every field under another name of the table.
    pub(crate) fn qualify(&mut self, qualifier: &str) {
        for field in &mut self.fields {
            field.qualifier = Some(qualifier.to_owned());
        }
    }
}
