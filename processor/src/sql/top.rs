//! ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..) without a whole window, under a condition on the rank: the first rows of each key of all
//! that ever come (Top-N), or, where the one first or last row by time is asked for, a deduplication.

use std::collections::BTreeMap;
use std::convert::Infallible;

use sqlparser::tokenizer::Span;

use super::rank::is_rank;
use super::relation::{Relation, Updating};
use super::scope::Field;
use crate::expr::{DataType, Expr, Value};
use crate::plan::{Deduplicate, OutputField, Rank, SortKey, Stage, Top};

/// What is asked for: the keys of PARTITION BY and the order, over the relation's row; the first and the last rank; what else rows are
/// filtered by; and where that is written.
pub(super) struct Ranked {
    pub keys: Vec<Expr>,
    pub order: Vec<SortKey>,
    /// Whether the order is by time.
    pub time: Option<TimeOrder>,
    pub ranks: (usize, usize),
    pub rest: Vec<Expr>,
    pub span: Span,
}

/// What orders rows, if it is nothing but time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeOrder {
    /// The event time, a column.
    Event,
    /// The moment at which they come.
    Processing,
}

impl TimeOrder {
    /// The column of event time, where rows are ordered by `order`.
    pub(super) fn column(self, order: &Expr) -> Option<usize> {
        order.as_column().filter(|_| self == TimeOrder::Event)
    }
}

/// The time that `expr` is, if it is the time attribute of the relation or PROCTIME().
pub(super) fn time_order(relation: &Relation, expr: &Expr) -> Option<TimeOrder> {
    let column = expr.as_column()?;
    let table = &relation.table;
    let is_clock = |column: usize| {
        let computed = column.checked_sub(table.physical.len()).and_then(|at| table.computed.get(at));
        computed.is_some_and(|computed| computed.expr.is_proctime())
    };
    if relation.fields.iter().any(|field| field.rowtime && field.expr == *expr) {
        let by_clock = table.event_time.as_ref().is_some_and(|time| is_clock(time.column));
        return Some(if by_clock { TimeOrder::Processing } else { TimeOrder::Event });
    }
    // As long as the row is the table's own.
    let is_own_row = relation.stages.iter().all(|stage| !stage.makes_rows());
    (is_own_row && is_clock(column)).then_some(TimeOrder::Processing)
}

/// Appends the step that keeps the rows of these ranks, and a filter of the other conditions, to the relation.
pub(super) fn keep_first(relation: Relation, ranked: Ranked) -> Relation {
    match ranked.time.filter(|_| ranked.ranks == (1, 1)) {
        Some(time) => deduplicated(relation, ranked, time),
        None => top(relation, ranked),
    }
}

/// The one first or last row by time (Flink: `RankUtil.canConvertToDeduplicate`).
fn deduplicated(mut relation: Relation, ranked: Ranked, time: TimeOrder) -> Relation {
    let Ranked { keys, order, mut rest, span, .. } = ranked;
    let last = order[0].descending;
    let columns = columns_of(&relation.fields, &rest);
    rest.iter_mut().chain(relation.fields.iter_mut().map(|field| &mut field.expr)).for_each(|expr| {
        replace(expr, &columns, 0, &Expr::literal(Value::Integer(1), DataType::BigInt));
    });
    let time_column = time.column(&order[0].expr);
    relation.stages.push(Stage::Deduplicate(Deduplicate {
        keys: own_keys(keys),
        time_column,
        last,
        columns,
        ttl_ms: None,
    }));
    relation.stages.extend(rest.into_iter().map(Stage::Filter));
    relation.windowing = None;
    if last {
        relation.updating = Some(updating("a deduplication that keeps the last row", span));
        relation.fields.iter_mut().for_each(|field| field.rowtime = false);
    }
    relation
}

/// The first rows by any order.
fn top(mut relation: Relation, ranked: Ranked) -> Relation {
    let Ranked { keys, order, ranks: (from, most), mut rest, span, .. } = ranked;
    let keys = own_keys(keys);
    let columns = columns_of(&relation.fields, &rest);
    // The row: the rank, the columns.
    let rank = Expr::column(0, DataType::BigInt);
    rest.iter_mut()
        .chain(relation.fields.iter_mut().map(|field| &mut field.expr))
        .for_each(|expr| replace(expr, &columns, 1, &rank));
    let of_column = |(at, (column, _)): (usize, &(usize, DataType))| {
        let key = keys.iter().position(|key| key.as_column() == Some(*column));
        key.map_or(OutputField::TopColumn(at), OutputField::Key)
    };
    let output = std::iter::once(OutputField::Rank).chain(columns.iter().enumerate().map(of_column)).collect();
    relation.stages.push(Stage::Rank(Rank {
        keys,
        top: Top { order, latest_first: false, columns, from, most },
        output,
        retracts: relation.updating.is_some(),
        ttl_ms: None,
    }));
    relation.stages.extend(rest.into_iter().map(Stage::Filter));
    relation.fields.iter_mut().for_each(|field| field.rowtime = false);
    relation.windowing = None;
    relation.updating = Some(updating("ROW_NUMBER without a whole window", span));
    relation
}

fn updating(what: &'static str, span: Span) -> Updating {
    Updating { what, span, instead: None }
}

/// Each key once, without those that are the same for all rows.
pub(super) fn own_keys(keys: Vec<Expr>) -> Vec<Expr> {
    let mut own = Vec::new();
    for key in keys {
        if !key.is_constant() && !own.contains(&key) {
            own.push(key);
        }
    }
    own
}

/// The columns of the incoming row that are read after the step.
fn columns_of(fields: &[Field], rest: &[Expr]) -> Vec<(usize, DataType)> {
    let mut columns = BTreeMap::new();
    for expr in fields.iter().map(|field| &field.expr).chain(rest) {
        expr.for_each_typed_column(&mut |at, data_type| {
            columns.insert(at, data_type);
        });
    }
    columns.into_iter().collect()
}

/// Makes an expression over the incoming row one over the outgoing row, where `columns` stand behind `before` others.
fn replace(expr: &mut Expr, columns: &[(usize, DataType)], before: usize, rank: &Expr) {
    let new = |part: &Expr| {
        if is_rank(part) {
            return Ok::<_, Infallible>(Some(rank.clone()));
        }
        let place = part.as_column().and_then(|old| columns.iter().position(|(column, _)| *column == old));
        Ok(place.map(|place| Expr::column(before + place, part.data_type())))
    };
    let Ok(replaced) = expr.clone().rewrite(&mut |part| new(part));
    *expr = replaced;
}
