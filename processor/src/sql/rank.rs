//! ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..): the first rows of each key, of which a condition on the rank says how many. Those of each
//! window are planned here, those of all rows in `top.rs`.
//!
//! The query with ROW_NUMBER only remembers how rows are ranked; the one around it, whose WHERE bounds the rank, makes a step of it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use sqlparser::ast::{self, OrderBySort, SelectItem, WindowType};
use sqlparser::tokenizer::Span;

use super::bind::Binder;
use super::error::SqlError;
use super::over;
use super::position;
use super::query::QueryPlanner;
use super::relation::{Relation, Windowing};
use super::scope::Field;
use super::top::{self, TimeOrder};
use crate::expr::{Comparison, DataType, Expr, Node, ScalarFunction, Value};
use crate::plan::{Aggregate, AggregateFunction, OutputField, SortKey, Stage, Top, Window, WindowAggregate};

/// The most rows of a key that are kept: each commit writes those of every key that has changed.
pub(crate) const MAX_RANK: i64 = 10_000;

const FORM: &str = "write SELECT .. FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC) AS rownum \
                    FROM ..) WHERE rownum <= 3";

/// How rows are ranked, over the row of the query that has ROW_NUMBER.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    keys: Vec<Expr>,
    order: Vec<SortKey>,
    /// Whether the order is by time.
    time: Option<TimeOrder>,
    span: Span,
}

impl Ranking {
    /// Whether rows are ranked within whole windows.
    fn is_in(&self, windowing: &Windowing) -> bool {
        [&windowing.start, &windowing.end].into_iter().all(|bound| self.keys.contains(bound))
    }

    /// Nobody has said how many rows are asked for: by time rows have numbers all the same.
    pub(crate) fn numbered(&self, mut relation: Relation) -> Result<Relation, SqlError> {
        let ([SortKey { descending: false, .. }], Some(time)) = (&self.order[..], self.time) else {
            return Err(self.unbounded());
        };
        let shown = relation.fields.len();
        hide(&mut relation, self, Vec::new());
        relation = relation.with_rows();
        let (keys, order, _) = shown_again(&mut relation, self, shown);
        Ok(over::numbered(relation, keys, time.column(&order[0].expr)))
    }

    /// Nobody has said how many rows are asked for.
    fn unbounded(&self) -> SqlError {
        SqlError::new(
            self.span,
            "ROW_NUMBER needs a condition on it in the query around it: without one all rows would be kept",
        )
        .hint(FORM)
    }
}

/// The column of the rank, until it is known which ranks are asked for.
pub(super) fn rank_column() -> Expr {
    Expr::new(Node::Call(ScalarFunction::RowNumber, Vec::new()), DataType::BigInt)
}

pub(super) fn is_rank(expr: &Expr) -> bool {
    matches!(expr.node(), Node::Call(ScalarFunction::RowNumber, _))
}

fn has_rank(expr: &Expr) -> bool {
    is_rank(expr) || expr.children().into_iter().any(has_rank)
}

/// The call, if an expression is ROW_NUMBER() OVER (..).
pub(super) fn row_number(expr: &ast::Expr) -> Option<&ast::WindowSpec> {
    match expr {
        ast::Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("ROW_NUMBER") => {
            match &function.over {
                Some(WindowType::WindowSpec(over)) => Some(over),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The name of another ranking function, if an expression is a call of it.
pub(super) fn other_rank(expr: &ast::Expr) -> Option<String> {
    let ast::Expr::Function(function) = expr else { return None };
    let name = function.name.to_string().to_ascii_uppercase();
    (function.over.is_some() && matches!(&name[..], "RANK" | "DENSE_RANK")).then_some(name)
}

impl QueryPlanner<'_> {
    /// How a SELECT ranks rows, if it does.
    pub(super) fn ranking(&mut self, items: &[SelectItem], relation: &Relation) -> Result<Option<Ranking>, SqlError> {
        let mut found = None;
        for item in items {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            let span = position::of(expr);
            if let Some(name) = other_rank(expr) {
                return Err(SqlError::new(span, format!("{name} is not supported over a stream, as in Flink"))
                    .hint("ROW_NUMBER gives rows that are equal in order ranks of their own"));
            }
            let Some(over) = row_number(expr) else { continue };
            if found.is_some() {
                return Err(SqlError::new(span, "a query ranks its rows once"));
            }
            if over.window_frame.is_some() || over.window_name.is_some() {
                return Err(SqlError::new(span, "ROW_NUMBER takes PARTITION BY and ORDER BY, nothing else").hint(FORM));
            }
            found = Some(self.over(over, span, relation)?);
        }
        Ok(found)
    }

    fn over(&mut self, over: &ast::WindowSpec, span: Span, relation: &Relation) -> Result<Ranking, SqlError> {
        let what = relation.what();
        let mut bind = |expr: &ast::Expr, place: &str| {
            let mut binder = Binder::new(relation.scope(&what), place);
            let bound = binder.bind(expr)?;
            self.warnings.append(&mut binder.warnings);
            Ok::<_, SqlError>(bound)
        };
        let keys = over.partition_by.iter().map(|key| bind(key, "PARTITION BY")).collect::<Result<_, _>>()?;
        let mut order = Vec::with_capacity(over.order_by.len());
        for key in &over.order_by {
            let descending = match key.options.sort {
                None | Some(OrderBySort::Asc) => false,
                Some(OrderBySort::Desc) => true,
                Some(OrderBySort::Using(_)) => {
                    return Err(SqlError::new(position::of(&key.expr), "rows are ordered ASC or DESC"));
                }
            };
            let expr = bind(&key.expr, "ORDER BY")?;
            if let Some(nested) = expr.data_type().nested() {
                let message = format!("ORDER BY needs values that have an order, found {nested}");
                return Err(SqlError::new(position::of(&key.expr), message));
            }
            order.push(SortKey { expr, descending, nulls_first: key.options.nulls_first.unwrap_or(!descending) });
        }
        if order.is_empty() {
            return Err(SqlError::new(span, "ROW_NUMBER needs an ORDER BY").hint(FORM));
        }
        let time = match &order[..] {
            [SortKey { expr, .. }] if relation.updating.is_none() => top::time_order(relation, expr),
            _ => None,
        };
        Ok(Ranking { keys, order, time, span })
    }

    /// Keeps of the relation, whose rows are ranked, those that a condition on the rank lets pass.
    pub(super) fn ranked(
        &mut self,
        mut relation: Relation,
        ranking: Ranking,
        condition: &ast::Expr,
    ) -> Result<Relation, SqlError> {
        let bound = self.condition(condition, &relation)?;
        let (ranks, rest) = split(bound, position::of(condition))?;
        let Some(most) = ranks.most else {
            if ranks.from > 1 {
                return Err(ranking.unbounded());
            }
            // Numbers that have no bound are a column like others.
            let mut relation = ranking.numbered(relation)?;
            let bound = self.condition(condition, &relation)?;
            relation.stages.push(Stage::Filter(bound));
            return Ok(relation);
        };
        if ranks.from > most {
            return Err(SqlError::new(position::of(condition), "no rank fits this condition"));
        }
        if most > MAX_RANK {
            let message = format!("rows are kept up to rank {MAX_RANK}, not {most}");
            return Err(SqlError::new(position::of(condition), message));
        }
        let Some(windowing) = relation.windowing.as_ref().filter(|windowing| ranking.is_in(windowing)) else {
            return Ok(first_of_all(relation, ranking, (ranks.from as usize, most as usize), rest));
        };
        let latest_first = keeps_latest(&ranking, most, windowing, &relation.fields);
        let shown = relation.fields.len();
        hide(&mut relation, &ranking, rest);
        if !matches!(windowing_of(&relation).window, Window::Tumble { .. } | Window::Attached) {
            relation = relation.with_rows();
        }
        let (keys, order, rest) = shown_again(&mut relation, &ranking, shown);
        let keys = window_keys(windowing_of(&relation), keys);
        let top = Top { order, latest_first, columns: Vec::new(), from: ranks.from as usize, most: most as usize };
        Ok(finish(relation, keys, top, rest))
    }
}

/// Ranks rows without a whole window.
fn first_of_all(mut relation: Relation, ranking: Ranking, ranks: (usize, usize), rest: Vec<Expr>) -> Relation {
    let shown = relation.fields.len();
    hide(&mut relation, &ranking, rest);
    relation = relation.with_own_windows();
    let (keys, order, rest) = shown_again(&mut relation, &ranking, shown);
    let (time, span) = (ranking.time, ranking.span);
    top::keep_first(relation, top::Ranked { keys, order, time, ranks, rest, span })
}

/// The windows of a relation that has them.
fn windowing_of(relation: &Relation) -> &Windowing {
    relation.windowing.as_ref().expect("a relation without windows is refused before")
}

/// Whether of rows of one time the latest is the first: where Flink makes a window deduplication of it, which keeps the last row.
fn keeps_latest(ranking: &Ranking, most: i64, windowing: &Windowing, fields: &[Field]) -> bool {
    let [SortKey { expr, descending: true, .. }] = &ranking.order[..] else { return false };
    let is_time = *expr == windowing.last
        || (windowing.window != Window::Attached && *expr == windowing.time)
        || fields.iter().any(|field| field.rowtime && field.expr == *expr);
    is_time && most == 1
}

/// Puts what ranks rows, and what else they are filtered by, behind the named columns, so that it is changed with them.
fn hide(relation: &mut Relation, ranking: &Ranking, rest: Vec<Expr>) {
    let order = ranking.order.iter().map(|key| key.expr.clone());
    let hidden = ranking.keys.iter().cloned().chain(order).chain(rest);
    relation.fields.extend(hidden.map(|expr| Field { qualifier: None, name: String::new(), expr, rowtime: false }));
}

/// Takes what [`hide`] has put behind the columns out again: the keys, the order, and the other conditions.
fn shown_again(relation: &mut Relation, ranking: &Ranking, shown: usize) -> (Vec<Expr>, Vec<SortKey>, Vec<Expr>) {
    let mut hidden = relation.fields.split_off(shown).into_iter().map(|field| field.expr);
    let keys = hidden.by_ref().take(ranking.keys.len()).collect();
    let order = ranking.order.iter().zip(hidden.by_ref()).map(|(key, expr)| SortKey { expr, ..key.clone() }).collect();
    (keys, order, hidden.collect())
}

/// The keys besides the window.
fn window_keys(windowing: &Windowing, keys: Vec<Expr>) -> Vec<Expr> {
    let mut own = Vec::new();
    if windowing.window == Window::Attached {
        own.push(windowing.start.clone());
    }
    for key in keys {
        let is_window = key == windowing.start || key == windowing.end || key == windowing.last;
        if !is_window && !key.is_constant() && !own.contains(&key) {
            own.push(key);
        }
    }
    own
}

/// The ranks that a condition lets pass.
struct Ranks {
    from: i64,
    most: Option<i64>,
}

/// Parts a condition into what it says about the rank and the rest.
fn split(condition: Expr, span: Span) -> Result<(Ranks, Vec<Expr>), SqlError> {
    let (mut ranks, mut rest) = (Ranks { from: 1, most: None }, Vec::new());
    let mut parts = vec![condition];
    while let Some(part) = parts.pop() {
        match part.node() {
            Node::And(list) => parts.extend(list.iter().rev().cloned()),
            _ if !has_rank(&part) => rest.push(part),
            _ => ranks.narrow(&part).ok_or_else(|| {
                SqlError::new(span, "the rank is compared with a constant number, by <=, <, =, >=, > or BETWEEN")
                    .hint(FORM)
            })?,
        }
    }
    Ok((ranks, rest))
}

impl Ranks {
    /// Lets only those pass that this comparison does, too; `None` if it is no comparison of the rank with a number.
    fn narrow(&mut self, part: &Expr) -> Option<()> {
        let Node::Compare(op, left, right) = part.node() else { return None };
        let (op, number) = match (is_rank(left), is_rank(right)) {
            (true, false) => (*op, right),
            (false, true) => (flipped(*op), left),
            _ => return None,
        };
        let Some(Value::Integer(number)) = number.as_literal() else { return None };
        let (from, most) = match op {
            Comparison::Equal => (Some(*number), Some(*number)),
            Comparison::Less => (None, Some(number.saturating_sub(1))),
            Comparison::LessOrEqual => (None, Some(*number)),
            Comparison::Greater => (Some(number.saturating_add(1)), None),
            Comparison::GreaterOrEqual => (Some(*number), None),
            Comparison::NotEqual => return None,
        };
        self.from = self.from.max(from.unwrap_or(1));
        self.most = self.most.into_iter().chain(most).min();
        Some(())
    }
}

fn flipped(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        other => other,
    }
}

/// Appends the step, and a filter of the other conditions, to the relation.
fn finish(mut relation: Relation, keys: Vec<Expr>, mut top: Top, rest: Vec<Expr>) -> Relation {
    let windowing = windowing_of(&relation).clone();
    let bounds = [&windowing.start, &windowing.end, &windowing.last];
    top.columns = columns(relation.fields.iter().map(|field| &field.expr).chain(&rest), &bounds);
    // The row: window_start, window_end, window_time, the rank, the columns.
    let start = if windowing.window == Window::Attached { OutputField::Key(0) } else { OutputField::WindowStart };
    let mut output = vec![start, OutputField::WindowEnd, OutputField::WindowTime, OutputField::Rank];
    let rank = output.len() - 1;
    let of_column = |(at, (column, _)): (usize, &(usize, DataType))| {
        let key = keys.iter().position(|key| key.as_column() == Some(*column));
        key.map_or(OutputField::TopColumn(at), OutputField::Key)
    };
    output.extend(top.columns.iter().enumerate().map(of_column));
    let after = |part: &Expr| {
        let at = match bounds.iter().position(|bound| *bound == part && !part.is_constant()) {
            Some(bound) => Some(bound),
            None if is_rank(part) => Some(rank),
            None => {
                let place = |old| top.columns.iter().position(|(column, _)| *column == old);
                part.as_column().and_then(place).map(|place| rank + 1 + place)
            }
        };
        Ok::<_, Infallible>(at.map(|at| Expr::column(at, part.data_type())))
    };
    let moved = |expr: Expr| {
        let Ok(expr) = expr.rewrite(&mut |part| after(part));
        expr
    };
    for field in &mut relation.fields {
        field.expr = moved(field.expr.clone());
    }
    let rest: Vec<Expr> = rest.into_iter().map(moved).collect();
    let [start, end, last] = bounds.map(|bound| moved(bound.clone()));
    relation.windowing = Some(Windowing {
        window: Window::Attached,
        spec: windowing.spec.clone(),
        time: end.clone(),
        keys: Vec::new(),
        start,
        end,
        last,
    });
    let call = Aggregate {
        function: AggregateFunction::Top,
        distinct: false,
        argument: None,
        filter: None,
        result: DataType::Null,
        top: Some(Box::new(top)),
    };
    let time_column = windowing.time.as_column().unwrap_or_default();
    relation.stages.push(Stage::WindowAggregate(WindowAggregate {
        window: windowing.window,
        time_column,
        keys,
        aggregates: vec![call],
        output,
    }));
    relation.stages.extend(rest.into_iter().map(Stage::Filter));
    relation
}

/// The columns that expressions read, beside those of the window.
fn columns<'e>(expressions: impl Iterator<Item = &'e Expr>, bounds: &[&Expr]) -> Vec<(usize, DataType)> {
    let mut columns = BTreeMap::new();
    for expression in expressions {
        let Ok(_) = expression.clone().rewrite(&mut |part| {
            if let Some(column) = part.as_column().filter(|_| !bounds.contains(&part)) {
                columns.insert(column, part.data_type());
            }
            Ok::<_, Infallible>(bounds.contains(&part).then(|| part.clone()))
        });
    }
    columns.into_iter().collect()
}
