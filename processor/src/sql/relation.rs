//! What a query is while it is planned: a table, steps, and named values over the row after them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;

use sqlparser::tokenizer::Span;

use super::error::SqlError;
use super::rank::Ranking;
use super::scope::{Field, Scope};
use super::table::Table;
use crate::expr::{DataType, Expr};
use crate::plan::{Stage, Window, WindowRows};

/// A query under construction.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The table that is read.
    pub table: Rc<Table>,
    /// Those whose rows have met its rows, in the order of [`Pipeline::sources`](crate::plan::Pipeline::sources).
    pub others: Vec<Rc<Table>>,
    /// The steps so far. Those up to the first that makes a new row see the table's whole row.
    pub stages: Vec<Stage>,
    /// The named values, over the row after the last step.
    pub fields: Vec<Field>,
    /// The windows that rows are in.
    pub windowing: Option<Windowing>,
    /// How rows are ranked, until a condition says which ranks are asked for.
    pub ranking: Option<Ranking>,
    /// Why its rows may change and go, if they may.
    pub updating: Option<Updating>,
}

/// What makes rows change.
#[derive(Clone, Debug)]
pub(crate) struct Updating {
    /// What it is, for messages.
    pub what: &'static str,
    /// Where it is.
    pub span: Span,
    /// How it could be done without, if that is likely what was meant.
    pub instead: Option<String>,
}

/// Windows that a relation's rows are in: what their three columns are computed with.
#[derive(Clone, Debug)]
pub(crate) struct Windowing {
    /// How windows come about; [`Window::Attached`] if rows have them in columns.
    pub window: Window,
    /// The windows as the function made them: what both sides of a window join must have in common.
    pub spec: Window,
    /// The event-time column.
    pub time: Expr,
    /// With SESSION the PARTITION BY columns.
    pub keys: Vec<Expr>,
    pub start: Expr,
    pub end: Expr,
    pub last: Expr,
}

impl Windowing {
    /// Whether a row is in one window that it tells itself, so that window columns can be computed for each row.
    pub(crate) fn is_computed(&self) -> bool {
        matches!(self.window, Window::Tumble { .. } | Window::Attached)
    }
}

impl Relation {
    /// The names for expressions over this relation.
    pub(crate) fn scope<'a>(&'a self, what: &'a str) -> Scope<'a> {
        Scope { fields: &self.fields, what, functions: &self.table.functions }
    }

    /// The same with the numbers of rows, where nobody has said which are asked for. They are refused but for those by time.
    pub(crate) fn without_ranking(mut self) -> Result<Relation, SqlError> {
        match self.ranking.take() {
            Some(ranking) => ranking.numbered(self),
            None => Ok(self),
        }
    }

    /// What the fields belong to, for messages.
    pub(crate) fn what(&self) -> String {
        match self.fields.first().and_then(|field| field.qualifier.as_deref()) {
            Some(name) if name == self.table.name => format!("table {name}"),
            Some(name) => name.to_owned(),
            None => "the inner query".to_owned(),
        }
    }

    /// The same, where windows that cannot be computed for each row are columns of it.
    pub(crate) fn with_own_windows(self) -> Relation {
        match &self.windowing {
            Some(windowing) if !windowing.is_computed() => self.with_rows(),
            _ => self,
        }
    }

    /// The same, whose columns of the clock or of chance are computed once for each row, however often they are read.
    pub(crate) fn with_steady_columns(self) -> Relation {
        if self.ranking.is_some() || !self.fields.iter().any(|field| field.expr.is_volatile()) {
            return self;
        }
        let mut relation = self.with_own_windows();
        let mut columns: Vec<Expr> = Vec::new();
        let mut column = |expr: &mut Expr| {
            let at = columns.iter().position(|known| known == expr && !known.is_volatile()).unwrap_or(columns.len());
            if at == columns.len() {
                columns.push(expr.clone());
            }
            *expr = Expr::column(at, expr.data_type());
        };
        relation.fields.iter_mut().for_each(|field| column(&mut field.expr));
        if let Some(windowing) = &mut relation.windowing {
            let Windowing { time, keys, start, end, last, .. } = windowing;
            keys.iter_mut().chain([time, start, end, last]).for_each(column);
        }
        relation.stages.push(Stage::Project(columns));
        relation
    }

    /// The same with a row for each window that a row is in; the windows' columns are columns of it.
    pub(crate) fn with_rows(mut self) -> Relation {
        let Some(windowing) = self.windowing.take() else { return self };
        let mut types: BTreeMap<usize, DataType> = BTreeMap::new();
        self.fields.iter().for_each(|field| {
            field.expr.for_each_typed_column(&mut |at, of| {
                types.insert(at, of);
            });
        });
        let columns: Vec<(usize, DataType)> = types.into_iter().collect();
        let bounds = [&windowing.start, &windowing.end, &windowing.last];
        let after = |part: &Expr| {
            if let Some(bound) = bounds.iter().position(|bound| *bound == part) {
                return Ok::<_, Infallible>(Some(Expr::column(columns.len() + bound, part.data_type())));
            }
            let old = part.as_column();
            let new = old.and_then(|old| columns.iter().position(|(column, _)| *column == old));
            Ok(new.map(|new| Expr::column(new, part.data_type())))
        };
        for field in &mut self.fields {
            let Ok(expr) = field.expr.clone().rewrite(&mut |part| after(part));
            field.expr = expr;
        }
        let [start, end, last] = bounds.map(|bound| {
            let Ok(column) = bound.clone().rewrite(&mut |part| after(part));
            column
        });
        self.stages.push(Stage::WindowRows(WindowRows {
            window: windowing.window.clone(),
            time_column: windowing.time.as_column().unwrap_or_default(),
            keys: windowing.keys.clone(),
            columns,
        }));
        self.windowing = Some(Windowing {
            window: Window::Attached,
            spec: windowing.spec,
            time: end.clone(),
            keys: Vec::new(),
            start,
            end,
            last,
        });
        self
    }

    /// Puts every field under another name of the table.
    pub(crate) fn qualify(&mut self, qualifier: &str) {
        for field in &mut self.fields {
            field.qualifier = Some(qualifier.to_owned());
        }
    }
}
