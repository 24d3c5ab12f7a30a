//! Joins in FROM, and subqueries of WHERE that are joins: IN and EXISTS.
//!
//! Conditions are bound over the fields of both sides, numbered through, and then told apart: what looks at one side only is a filter of
//! that side, an equation of both is a key, what says how far apart in time rows are makes an interval join, and the rest is a condition on
//! pairs. What is neither bound by windows nor by time is a regular join.

mod conditions;
mod temporal;
mod time;

use sqlparser::ast::{self, JoinConstraint, JoinOperator};
use sqlparser::tokenizer::Span;

use conditions::{Parts, flattened};
use temporal::{KeyField, as_of};
use time::{interval, window};

use super::bind::{Binder, coerced, common_type, describe};
use super::error::SqlError;
use super::position;
use super::prune::whole_source;
use super::query::{MAX_FIELDS, QueryPlanner, refuse_clauses};
use super::relation::{Relation, Updating, Windowing};
use super::scope::{Field, Scope};
use super::unnest::Unnesting;
use crate::expr::{Comparison, DataType, Expr, Functions, Node};
use crate::plan::{Branch, Join, JoinKind, JoinSide, JoinTime, Stage, Window};

/// What makes a regular join one that takes nothing back.
const BOUNDED_KINDS: &str = "join rows of the same windows (ON l.window_start = r.window_start AND l.window_end = r.window_end), or rows near to \
                             each other in time (AND l.ts BETWEEN r.ts - INTERVAL '5' MINUTE AND r.ts)";

/// A join to be made.
pub(super) struct Joining<'a> {
    pub kind: JoinKind,
    /// What must hold, over the fields of the left side and, numbered on, of the right side.
    pub conditions: Vec<Expr>,
    /// Where it stands.
    pub span: Span,
    /// What is joined, for messages.
    pub what: &'static str,
    /// Of a temporal join: the fields of both sides by which time goes, and the right side's PRIMARY KEY.
    pub versions: Option<([usize; 2], &'a [KeyField])>,
}

impl QueryPlanner<'_> {
    /// The tables of FROM, joined. Conditions of WHERE that several of them are needed for are used up where all joins are inner ones.
    pub(super) fn joined(
        &mut self,
        from: &[ast::TableWithJoins],
        filter: &mut Option<ast::Expr>,
        span: Span,
    ) -> Result<Relation, SqlError> {
        let mut tables = Vec::new();
        for table in from {
            tables.push((JoinKind::Inner, &table.relation, None));
            for join in &table.joins {
                let (kind, constraint) = join_kind(&join.join_operator, &join.relation, span)?;
                tables.push((kind, &join.relation, constraint));
            }
        }
        let all_inner = tables.iter().all(|(kind, _, _)| *kind == JoinKind::Inner);
        // UNNEST meets no other rows.
        let several = tables.iter().filter(|(_, factor, _)| Unnesting::of(factor).is_none()).count() > 1;
        let (mut waiting, mut used) = (Vec::new(), Vec::new());
        if all_inner && several {
            let (plain, subqueries): (Vec<_>, Vec<_>) =
                filter.take().map_or_else(Vec::new, conjuncts).into_iter().partition(|part| !is_subquery(part));
            waiting = plain;
            *filter = subqueries.into_iter().reduce(and);
        }
        let mut tables = tables.into_iter();
        let Some((_, first, _)) = tables.next() else {
            return Err(SqlError::new(span, "a query without FROM reads nothing"));
        };
        let mut relation = self.factor(first, span)?;
        for (kind, factor, constraint) in tables {
            if let Some(unnesting) = Unnesting::of(factor) {
                relation = self.unnest(relation, &unnesting, kind, constraint)?;
                continue;
            }
            let here = super::query::factor_span(factor).unwrap_or(span);
            let (right, versions) = match as_of(factor) {
                None => (self.factor(factor, span)?, None),
                Some(at) => {
                    let ours = self.time_of_versions(&relation, at)?;
                    let versions = self.versions(factor, here)?;
                    (versions.relation, Some(([ours, versions.time], versions.key)))
                }
            };
            let fields = both(&relation, &right);
            let mut conditions = Vec::new();
            for part in constraint.cloned().map_or_else(Vec::new, conjuncts) {
                conditions.push(self.over_both(&relation.table.functions, &part, &fields, "ON")?);
            }
            // A condition waits for the first join that has all of its columns.
            let mut later = Vec::new();
            for part in std::mem::take(&mut waiting) {
                match self.over_both(&relation.table.functions, &part, &fields, "WHERE") {
                    Ok(bound) => {
                        conditions.push(bound);
                        used.push(part);
                    }
                    Err(_) => later.push(part),
                }
            }
            waiting = later;
            let versions = versions.as_ref().map(|(times, key)| (*times, &key[..]));
            relation = join(relation, right, Joining { kind, conditions, span: here, what: "a join", versions })?;
        }
        // A name that the first tables alone have said must also be none of a later one.
        let (fields, warned): (Vec<Field>, usize) = (number(&relation.fields, 0).collect(), self.warnings.len());
        for part in &used {
            self.over_both(&relation.table.functions, part, &fields, "WHERE")?;
        }
        self.warnings.truncate(warned);
        let left = waiting.into_iter().reduce(and);
        *filter = [left, filter.take()].into_iter().flatten().reduce(and);
        Ok(relation)
    }

    /// Takes the IN and EXISTS with subqueries out of a WHERE, as the joins that they are.
    pub(super) fn subqueries(
        &mut self,
        mut relation: Relation,
        filter: &mut Option<ast::Expr>,
    ) -> Result<Relation, SqlError> {
        let parts = filter.take().map_or_else(Vec::new, conjuncts);
        let (subqueries, plain): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_subquery);
        *filter = plain.into_iter().reduce(and);
        for part in subqueries {
            let (part, negated) = un_negated(&part);
            relation = match part {
                ast::Expr::Exists { subquery, negated: not } => {
                    self.matching(relation, None, subquery, negated != *not)?
                }
                ast::Expr::InSubquery { expr, subquery, negated: not } => {
                    self.matching(relation, Some(expr), subquery, negated != *not)?
                }
                other => return Err(SqlError::new(position::of(other), "this subquery is not supported")),
            };
        }
        Ok(relation)
    }

    /// The rows of `relation` for which the subquery has rows, or has none if it is `negated`.
    fn matching(
        &mut self,
        relation: Relation,
        value: Option<&ast::Expr>,
        subquery: &ast::Query,
        negated: bool,
    ) -> Result<Relation, SqlError> {
        let span = position::of_query(subquery);
        let (right, correlated, item) = self.subquery(subquery)?;
        let fields = both(&relation, &right);
        let mut conditions = Vec::new();
        for part in &correlated {
            conditions.push(self.over_both(&relation.table.functions, part, &fields, "WHERE")?);
        }
        if let Some(value) = value {
            let width = relation.fields.len();
            let outer = self.over_fields(&relation.table.functions, value, (&relation.fields, 0))?;
            let inner = match item {
                Some(item) => self.over_fields(&relation.table.functions, &item, (&right.fields, width))?,
                None => match &right.fields[..] {
                    [only] => Expr::column(width, only.expr.data_type()),
                    fields => {
                        let message = format!("IN takes a subquery of one column, this one has {}", fields.len());
                        return Err(SqlError::new(span, message));
                    }
                },
            };
            let Some(common) = common_type(outer.data_type(), inner.data_type()) else {
                let (a, b) = (describe(outer.data_type()), describe(inner.data_type()));
                return Err(SqlError::new(position::of(value), format!("{a} IN {b}: these types cannot be compared")));
            };
            let sides = [&outer, &inner].map(|side| Box::new(coerced(side.clone(), common)));
            let [a, b] = sides;
            let equal = Expr::new(Node::Compare(Comparison::Equal, a, b), DataType::Boolean);
            conditions.push(match negated {
                false => equal,
                // NOT IN is TRUE only if no value is equal and none is NULL.
                true => {
                    let is_null = |expr: Expr| {
                        let test = crate::expr::TruthTest::Null;
                        Expr::new(Node::Is { input: Box::new(expr), test, negated: false }, DataType::Boolean)
                    };
                    Expr::new(Node::Or(vec![equal, is_null(outer), is_null(inner)]), DataType::Boolean)
                }
            });
        }
        let kind = if negated { JoinKind::Anti } else { JoinKind::Semi };
        join(relation, right, Joining { kind, conditions, span, what: "a subquery in WHERE", versions: None })
    }

    /// A subquery, without those of its conditions that need the query around it, and its one item if that is an expression.
    fn subquery(&mut self, query: &ast::Query) -> Result<(Relation, Vec<ast::Expr>, Option<ast::Expr>), SqlError> {
        let ast::SetExpr::Select(select) = &*query.body else { return Ok((self.query(query)?, Vec::new(), None)) };
        let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
        if !plain || super::query::is_aggregate(select) || select.distinct.is_some() {
            return Ok((self.query(query)?, Vec::new(), None));
        }
        refuse_clauses(select)?;
        let mut filter = select.selection.clone();
        let mut relation = self.joined(&select.from, &mut filter, select.select_token.0.span)?;
        let mut correlated = Vec::new();
        for part in filter.map_or_else(Vec::new, conjuncts) {
            match self.condition(&part, &relation) {
                Ok(bound) if !bound.has_window_column() => relation.stages.push(Stage::Filter(bound)),
                _ => correlated.push(part),
            }
        }
        let item = match &select.projection[..] {
            [ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. }] => Some(expr.clone()),
            _ => None,
        };
        Ok((relation, correlated, item))
    }

    /// A condition over fields that are numbered through.
    fn over_both(
        &mut self,
        functions: &Functions,
        part: &ast::Expr,
        fields: &[Field],
        place: &str,
    ) -> Result<Expr, SqlError> {
        let mut binder = Binder::new(Scope { fields, what: "the joined tables", functions }, place);
        let bound = binder.bind_condition(part)?;
        self.warnings.append(&mut binder.warnings);
        Ok(bound)
    }

    /// An expression of IN over the fields of one side, numbered from `from` on.
    fn over_fields(
        &mut self,
        functions: &Functions,
        expr: &ast::Expr,
        (fields, from): (&[Field], usize),
    ) -> Result<Expr, SqlError> {
        let numbered: Vec<Field> = number(fields, from).collect();
        let mut binder = Binder::new(Scope { fields: &numbered, what: "the query", functions }, "IN");
        let bound = binder.bind(expr)?;
        self.warnings.append(&mut binder.warnings);
        Ok(bound)
    }
}

/// The kind of a join, and its condition.
fn join_kind<'a>(
    operator: &'a JoinOperator,
    table: &ast::TableFactor,
    span: Span,
) -> Result<(JoinKind, Option<&'a ast::Expr>), SqlError> {
    let span = super::query::factor_span(table).unwrap_or(span);
    let (kind, constraint) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) | JoinOperator::CrossJoin(constraint) => {
            (JoinKind::Inner, constraint)
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (JoinKind::Left, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (JoinKind::Right, constraint),
        JoinOperator::FullOuter(constraint) => (JoinKind::Full, constraint),
        _ => {
            return Err(SqlError::new(span, "Flink SQL has no such join")
                .hint("there is JOIN, LEFT JOIN, RIGHT JOIN and FULL JOIN, and IN and EXISTS in WHERE"));
        }
    };
    match constraint {
        JoinConstraint::On(condition) => Ok((kind, Some(condition))),
        JoinConstraint::None => Ok((kind, None)),
        JoinConstraint::Using(_) | JoinConstraint::Natural => {
            Err(SqlError::new(span, "USING and NATURAL are not supported yet").hint("write JOIN .. ON l.k = r.k"))
        }
    }
}

/// The parts of a condition that all must hold.
fn conjuncts(condition: ast::Expr) -> Vec<ast::Expr> {
    let (mut parts, mut rest) = (Vec::new(), vec![condition]);
    while let Some(part) = rest.pop() {
        match part {
            ast::Expr::BinaryOp { left, op: ast::BinaryOperator::And, right } => rest.extend([*right, *left]),
            ast::Expr::Nested(inner) => rest.push(*inner),
            other => parts.push(other),
        }
    }
    parts
}

fn and(left: ast::Expr, right: ast::Expr) -> ast::Expr {
    ast::Expr::BinaryOp { left: Box::new(left), op: ast::BinaryOperator::And, right: Box::new(right) }
}

fn un_negated(part: &ast::Expr) -> (&ast::Expr, bool) {
    match part {
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Not, expr } => {
            let (inner, negated) = un_negated(expr);
            (inner, !negated)
        }
        ast::Expr::Nested(inner) => un_negated(inner),
        other => (other, false),
    }
}

fn is_subquery(part: &ast::Expr) -> bool {
    matches!(un_negated(part).0, ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. })
}

/// Fields as columns of their own numbers.
fn number(fields: &[Field], from: usize) -> impl Iterator<Item = Field> {
    fields
        .iter()
        .enumerate()
        .map(move |(at, field)| Field { expr: Expr::column(from + at, field.expr.data_type()), ..field.clone() })
}

fn both(left: &Relation, right: &Relation) -> Vec<Field> {
    number(&left.fields, 0).chain(number(&right.fields, left.fields.len())).collect()
}

/// How rows meet by their time: the windows that they are in afterwards, the time itself, and the columns of time.
type Meeting = (Option<Windowing>, JoinTime, [Option<usize>; 2]);

/// Joins two relations.
pub(super) fn join(left: Relation, right: Relation, joining: Joining<'_>) -> Result<Relation, SqlError> {
    let Joining { kind, conditions, span, what, versions } = joining;
    let own = |relation: Relation| {
        let relation = relation.without_ranking()?;
        let attached = relation.windowing.as_ref().is_some_and(|windowing| windowing.window == Window::Attached);
        Ok::<_, SqlError>(if attached { relation } else { relation.with_rows() })
    };
    let (left, mut right) = (own(left)?, own(right)?);
    let width = left.fields.len();
    if width + right.fields.len() > MAX_FIELDS {
        return Err(SqlError::new(span, format!("a query has at most {MAX_FIELDS} columns")));
    }
    let mut parts = Parts {
        width,
        equal: Vec::new(),
        pairs: Vec::new(),
        filters: [Vec::new(), Vec::new()],
        versions: versions.is_some(),
    };
    conditions.into_iter().flat_map(flattened).for_each(|condition| parts.add(condition, kind));
    let (windowing, time, columns) = match versions {
        None => meeting(&left, &right, &mut parts, (kind, span))?,
        Some((times, key)) => {
            if let Some(updating) = &left.updating {
                let message = format!(
                    "a temporal join cannot take rows that change on its left side, which are made by {}",
                    updating.what
                );
                return Err(SqlError::new(span, message));
            }
            let keys = temporal::keys(&mut parts, key, (kind, span))?;
            parts.equal = keys.into_iter().map(|(ours, theirs)| (ours.clone(), theirs, ours)).collect();
            // Of each left row there is one row.
            right.updating = None;
            (None, JoinTime::Temporal, times.map(Some))
        }
    };
    let mut fields = both(&left, &right);
    let [keeps_left, keeps_right] = kind.keeps_unmatched();
    for (at, field) in fields.iter_mut().enumerate() {
        // A time attribute that may be NULL is none, nor is one of rows that come at any time.
        let may_be_null = if at < width { keeps_right } else { keeps_left };
        let is_in_time = match time {
            JoinTime::Regular { .. } => false,
            JoinTime::Temporal => at < width,
            JoinTime::Window | JoinTime::Interval { .. } => true,
        };
        field.rowtime &= is_in_time && (!may_be_null || kind == JoinKind::Anti);
    }
    if kind.is_of_left_rows() {
        fields.truncate(width);
    }
    let side = |relation: &Relation, keys: Vec<Expr>, time_column: Option<usize>| JoinSide {
        time_column,
        keys,
        columns: relation.fields.iter().enumerate().map(|(at, field)| (at, field.expr.data_type())).collect(),
    };
    let (ours, theirs): (Vec<_>, Vec<_>) = parts.equal.into_iter().map(|(ours, theirs, _)| (ours, theirs)).unzip();
    let null_safe = vec![false; ours.len()];
    let condition = match parts.pairs.len() {
        0 | 1 => parts.pairs.pop(),
        _ => Some(Expr::new(Node::And(parts.pairs), DataType::Boolean)),
    };
    let (own, other) = (side(&left, ours, columns[0]), side(&right, theirs, columns[1]));
    let [own_filter, other_filter] = parts.filters;
    let updating = updating(&left, &right, time, (kind, span, what));
    let mut relation = projected(left, own_filter);
    let right = projected(right, other_filter);
    relation.others.push(right.table.clone());
    relation.others.extend(right.others);
    let branch = Branch { source: whole_source(&right.table), stages: right.stages };
    let plan = Join { kind, time, left: own, right: other, null_safe, condition, branch };
    relation.stages.push(Stage::Join(Box::new(plan)));
    let windowing = windowing.filter(|_| !keeps_right || kind == JoinKind::Anti);
    Ok(Relation { fields, windowing, updating, ..relation })
}

/// How rows meet that are not told to meet versions: in windows, in an interval, or all of them.
fn meeting(
    left: &Relation,
    right: &Relation,
    parts: &mut Parts,
    (kind, span): (JoinKind, Span),
) -> Result<Meeting, SqlError> {
    let changes = left.updating.is_some() || right.updating.is_some();
    if !changes && let Some((windowing, columns)) = window(left, right, parts, span)? {
        return Ok((Some(windowing), JoinTime::Window, columns.map(Some)));
    }
    if !changes
        && !kind.is_of_left_rows()
        && let Some((bounds, columns)) = interval(left, right, parts)
    {
        return Ok((None, bounds, columns.map(Some)));
    }
    Ok((None, JoinTime::Regular { ttl_ms: None }, [None; 2]))
}

/// Why the rows of a join may change, if they may.
fn updating(
    left: &Relation,
    right: &Relation,
    time: JoinTime,
    (kind, span, what): (JoinKind, Span, &'static str),
) -> Option<Updating> {
    if let Some(updating) = left.updating.as_ref().or(right.updating.as_ref()) {
        return Some(updating.clone());
    }
    let is_regular = matches!(time, JoinTime::Regular { .. });
    let may_change = is_regular && !matches!(kind, JoinKind::Inner | JoinKind::Semi);
    may_change.then(|| Updating { what, span, instead: Some(BOUNDED_KINDS.to_owned()) })
}

/// The relation with its fields as its row, and only the rows for which the filters hold.
fn projected(mut relation: Relation, filters: Vec<Expr>) -> Relation {
    relation.stages.push(Stage::Project(relation.fields.iter().map(|field| field.expr.clone()).collect()));
    if !filters.is_empty() {
        // The projection is to be the last stage before the join.
        let project = relation.stages.pop();
        let fields: Vec<Expr> = relation.fields.iter().map(|field| field.expr.clone()).collect();
        for filter in filters {
            let Ok(over_row) = filter
                .rewrite(&mut |part| Ok::<_, std::convert::Infallible>(part.as_column().map(|at| fields[at].clone())));
            relation.stages.push(Stage::Filter(over_row));
        }
        relation.stages.extend(project);
    }
    relation
}
