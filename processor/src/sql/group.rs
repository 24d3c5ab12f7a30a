//! GROUP BY over windows: keys, aggregates, HAVING and the SELECT list over the result.

use std::ops::ControlFlow;

use sqlparser::ast::{self, GroupByExpr, SelectItem};
use sqlparser::tokenizer::Span;

use super::bind::{AggregateCall, Binder, is_aggregate_name};
use super::branches::grouping_sets;
use super::error::SqlError;
use super::position;
use super::query::{MAX_FIELDS, QueryPlanner, default_name};
use super::relation::{Relation, Updating, Windowing};
use super::scope::Field;
use crate::expr::{DataType, Expr, Node, ScalarFunction, Value};
use crate::plan::{AggregateFunction, GroupAggregate, OutputField, Stage, Window, WindowAggregate};

/// Keys with their places, and keys of other grouping sets.
type Keys = (Vec<(Expr, Span)>, Vec<Expr>);

/// Why a grouping could not be planned.
enum Unplanned {
    Mistake(SqlError),
    /// It needs a row for each window of a row, see [`Relation::with_rows`].
    NeedsRows,
}

impl From<SqlError> for Unplanned {
    fn from(error: SqlError) -> Unplanned {
        Unplanned::Mistake(error)
    }
}

impl QueryPlanner<'_> {
    /// Plans a SELECT with GROUP BY or aggregate functions.
    pub(super) fn aggregate(&mut self, select: &ast::Select, relation: Relation) -> Result<Relation, SqlError> {
        let warnings = self.warnings.len();
        match self.try_aggregate(select, relation.clone()) {
            Err(Unplanned::NeedsRows) => {
                self.warnings.truncate(warnings);
                self.try_aggregate(select, relation.with_rows()).map_err(|unplanned| match unplanned {
                    Unplanned::Mistake(error) => error,
                    Unplanned::NeedsRows => {
                        SqlError::new(select.select_token.0.span, "these windows cannot be grouped")
                    }
                })
            }
            Err(Unplanned::Mistake(error)) => Err(error),
            Ok(relation) => Ok(relation),
        }
    }

    fn try_aggregate(&mut self, select: &ast::Select, relation: Relation) -> Result<Relation, Unplanned> {
        let (keys, absent) = self.group_keys(select, &relation)?;
        let windowing = windowing(&relation, &keys)?;
        let mut plan = Grouping::new(&keys, absent, windowing)?;
        let what = relation.what();

        let mut fields = Vec::new();
        for (index, item) in select.projection.iter().enumerate() {
            let (expr, name) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, default_name(expr, index)),
                SelectItem::ExprWithAlias { expr, alias } => (expr, alias.value.clone()),
                _ => {
                    let error = SqlError::new(ast::Spanned::span(item), "* is not possible with GROUP BY");
                    return Err(error.hint("name the columns").into());
                }
            };
            let bound = self.grouped(expr, "SELECT", &relation, &what, &mut plan)?;
            fields.push((name, bound));
        }
        let having = match &select.having {
            Some(condition) => {
                let bound = self.grouped(condition, "HAVING", &relation, &what, &mut plan)?;
                if !matches!(bound.data_type(), DataType::Boolean | DataType::Null) {
                    let message = format!("expected a condition in HAVING, found {}", bound.data_type());
                    return Err(SqlError::new(position::of(condition), message).into());
                }
                Some(bound)
            }
            None => None,
        };
        if fields.len() > MAX_FIELDS {
            let message = format!("a query has at most {MAX_FIELDS} columns");
            return Err(SqlError::new(select.select_token.0.span, message).into());
        }
        if relation.updating.is_some() && plan.aggregates.iter().any(|call| call.function == AggregateFunction::Sketch)
        {
            let message = "APPROX_COUNT_DISTINCT cannot take rows back, and the rows of this query change";
            return Err(SqlError::new(select.select_token.0.span, message).hint("write COUNT(DISTINCT ..)").into());
        }
        let span = keys.first().map_or(select.select_token.0.span, |(_, span)| *span);
        Ok(plan.finish(relation, fields, having, span))
    }

    /// The expressions of GROUP BY, with their places, and those of other grouping sets.
    fn group_keys(&mut self, select: &ast::Select, relation: &Relation) -> Result<Keys, Unplanned> {
        let GroupByExpr::Expressions(expressions, modifiers) = &select.group_by else {
            return Err(SqlError::new(select.select_token.0.span, "GROUP BY ALL is not supported").into());
        };
        if !modifiers.is_empty() {
            let error = SqlError::new(select.select_token.0.span, "GROUP BY .. WITH is not supported");
            return Err(error.hint("write GROUP BY ROLLUP (..) or CUBE (..)").into());
        }
        let sets = grouping_sets(expressions)?;
        let chosen = match self.grouping_set() {
            Some(chosen) => chosen,
            None if sets.len() == 1 => 0,
            None => {
                let message = "GROUPING SETS, ROLLUP and CUBE are for the outermost query of INSERT INTO";
                return Err(SqlError::new(select.select_token.0.span, message).into());
            }
        };
        let what = relation.what();
        let mut keys: Vec<(Expr, Span)> = Vec::new();
        let mut absent = Vec::new();
        let others = sets.iter().enumerate().filter(|(set, _)| *set != chosen).flat_map(|(_, set)| set.iter());
        let own = sets.get(chosen).into_iter().flatten().map(|expr| (expr, true));
        for (expr, is_own) in own.chain(others.map(|expr| (expr, false))) {
            let mut binder = Binder::new(relation.scope(&what), "GROUP BY");
            let bound = binder.bind(expr).map_err(|error| alias_advice(error, expr, select))?;
            self.warnings.append(&mut binder.warnings);
            if let Some(windowing) = &relation.windowing
                && bound.has_window_column()
                && ![&windowing.start, &windowing.end, &windowing.last].contains(&&bound)
            {
                return Err(Unplanned::NeedsRows);
            }
            if is_own {
                keys.push((bound, position::of(expr)));
            } else if !keys.iter().any(|(key, _)| *key == bound) && !absent.contains(&bound) {
                absent.push(bound);
            }
        }
        Ok((keys, absent))
    }

    /// Binds an expression over the result of the aggregation.
    fn grouped(
        &mut self,
        expr: &ast::Expr,
        place: &str,
        relation: &Relation,
        what: &str,
        plan: &mut Grouping,
    ) -> Result<Expr, Unplanned> {
        let mut binder = Binder::with_aggregates(relation.scope(what), place, &mut plan.aggregates);
        let bound = binder.bind(expr)?;
        let used = std::mem::take(&mut binder.used);
        self.warnings.append(&mut binder.warnings);
        let parts = plan.aggregates.iter().flat_map(|call| call.argument.iter().chain(&call.filter));
        if parts.into_iter().any(Expr::has_window_column) {
            return Err(Unplanned::NeedsRows);
        }
        plan.over_result(bound).map_err(|missing| {
            let named = used.iter().find(|(column, _, _)| column_positions(column).contains(&missing));
            let (name, span) = match named {
                Some((_, name, span)) => (name.clone(), *span),
                None => ("a column".to_owned(), position::of(expr)),
            };
            let message = format!("{name} is neither in GROUP BY nor inside of an aggregate function");
            SqlError::new(span, message)
                .hint(format!("add {name} to GROUP BY, or take MIN({name}) or MAX({name})"))
                .into()
        })
    }
}

fn column_positions(expr: &Expr) -> Vec<usize> {
    let mut positions = Vec::new();
    expr.for_each_column(&mut |position| positions.push(position));
    positions
}

/// Whether an expression calls an aggregate function. Only names are looked at; the binder checks the rest.
pub(super) fn calls_aggregate(expr: &ast::Expr) -> bool {
    let mut stack = vec![expr];
    while let Some(expr) = stack.pop() {
        if let ast::Expr::Function(function) = expr {
            let name = function.name.to_string().to_ascii_uppercase();
            if is_aggregate_name(&name) && function.over.is_none() {
                return true;
            }
        }
        let _: ControlFlow<()> = parts(expr, &mut stack);
    }
    false
}

/// Whether an expression has a call with OVER.
pub(super) fn has_over(expr: &ast::Expr) -> bool {
    let mut stack = vec![expr];
    while let Some(expr) = stack.pop() {
        if matches!(expr, ast::Expr::Function(function) if function.over.is_some()) {
            return true;
        }
        let _: ControlFlow<()> = parts(expr, &mut stack);
    }
    false
}

/// Pushes the parts of an expression in which an aggregate can stand.
pub(super) fn parts<'e>(expr: &'e ast::Expr, stack: &mut Vec<&'e ast::Expr>) -> ControlFlow<()> {
    use ast::Expr as E;
    match expr {
        E::BinaryOp { left, right, .. } | E::IsDistinctFrom(left, right) | E::IsNotDistinctFrom(left, right) => {
            stack.extend([&**left, &**right]);
        }
        E::UnaryOp { expr, .. }
        | E::Cast { expr, .. }
        | E::Nested(expr)
        | E::IsNull(expr)
        | E::IsNotNull(expr)
        | E::IsTrue(expr)
        | E::IsNotTrue(expr)
        | E::IsFalse(expr)
        | E::IsNotFalse(expr)
        | E::IsUnknown(expr)
        | E::IsNotUnknown(expr)
        | E::Floor { expr, .. }
        | E::Ceil { expr, .. }
        | E::Extract { expr, .. }
        | E::Substring { expr, .. }
        | E::Trim { expr, .. } => stack.push(expr),
        E::Between { expr, low, high, .. } => stack.extend([&**expr, &**low, &**high]),
        E::InList { expr, list, .. } => {
            stack.push(expr);
            stack.extend(list);
        }
        E::Like { expr, pattern, .. } => stack.extend([&**expr, &**pattern]),
        E::Case { operand, conditions, else_result, .. } => {
            stack.extend(operand.as_deref());
            stack.extend(conditions.iter().flat_map(|case| [&case.condition, &case.result]));
            stack.extend(else_result.as_deref());
        }
        E::Function(function) => {
            if let ast::FunctionArguments::List(list) = &function.args {
                stack.extend(list.args.iter().filter_map(|argument| match argument {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                }));
            }
        }
        _ => {}
    }
    ControlFlow::Continue(())
}

/// A name that only SELECT gives cannot be used in GROUP BY.
fn alias_advice(error: SqlError, expr: &ast::Expr, select: &ast::Select) -> SqlError {
    let ast::Expr::Identifier(name) = expr else { return error };
    let is_alias =
        |item: &SelectItem| matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name.value);
    if select.projection.iter().any(is_alias) {
        return error.hint("an alias of SELECT cannot be used in GROUP BY: repeat its expression");
    }
    error
}

/// The window that is grouped by, if it is named whole. Otherwise each row's windows are columns like others, and the result changes with
/// every row, as in Flink.
fn windowing(relation: &Relation, keys: &[(Expr, Span)]) -> Result<Option<Windowing>, Unplanned> {
    let Some(windowing) = &relation.windowing else { return Ok(None) };
    let has = |bound: &Expr| keys.iter().any(|(key, _)| key == bound);
    match (has(&windowing.start) && has(&windowing.end), &windowing.window) {
        (true, _) => Ok(Some(windowing.clone())),
        (false, Window::Attached) => Ok(None),
        (false, _) => Err(Unplanned::NeedsRows),
    }
}

/// An aggregation under construction. Its row is keys, aggregates, window_start, window_end, window_time.
struct Grouping {
    keys: Vec<Expr>,
    /// Keys of other grouping sets: NULL in this one.
    absent: Vec<Expr>,
    /// None if rows are grouped without windows.
    windowing: Option<Windowing>,
    aggregates: Vec<AggregateCall>,
    /// What of the row is used: positions as if all aggregates had [`Grouping::AGGREGATES`] as base.
    window_used: [bool; 3],
    window_time_is_key: bool,
}

impl Grouping {
    /// Where aggregates begin while their number is not known, and where the window's columns do.
    const AGGREGATES: usize = 1 << 20;
    const WINDOW: usize = 1 << 21;

    fn new(keys: &[(Expr, Span)], absent: Vec<Expr>, windowing: Option<Windowing>) -> Result<Self, Unplanned> {
        let bounds: Vec<&Expr> = windowing.iter().flat_map(|of| [&of.start, &of.end, &of.last]).collect();
        let is_window = |key: &Expr| bounds.contains(&key);
        let window_time_is_key = windowing.as_ref().is_some_and(|of| keys.iter().any(|(key, _)| *key == of.last));
        let mut own: Vec<Expr> = Vec::new();
        if let Some(of) = windowing.as_ref().filter(|of| of.window == Window::Attached) {
            own.push(of.start.clone());
        }
        for (key, _) in keys {
            if !is_window(key) && !key.is_constant() && !own.contains(key) {
                own.push(key.clone());
            }
        }
        let is_same = |ours: &[Expr], others: &[Expr]| ours.iter().all(|key| others.contains(key));
        let session = windowing.as_ref().filter(|of| matches!(of.window, Window::Session { .. }));
        if session.is_some_and(|of| !(is_same(&own, &of.keys) && is_same(&of.keys, &own))) {
            return Err(Unplanned::NeedsRows);
        }
        Ok(Self { keys: own, absent, windowing, aggregates: Vec::new(), window_used: [false; 3], window_time_is_key })
    }

    /// An expression over the incoming row becomes one over the outgoing; the error is the column that is not there.
    fn over_result(&mut self, expr: Expr) -> Result<Expr, usize> {
        let (keys, windowing, used) = (&self.keys, &self.windowing, &mut self.window_used);
        let time_is_key = self.window_time_is_key;
        let absent = &self.absent;
        expr.rewrite(&mut |part: &Expr| {
            if absent.contains(part) {
                return Ok(Some(Expr::literal(Value::Null, part.data_type())));
            }
            if let Node::Call(ScalarFunction::Grouping, columns) = part.node() {
                let bits = columns.iter().fold(0, |bits, column| bits << 1 | i64::from(absent.contains(column)));
                return Ok(Some(Expr::literal(Value::Integer(bits), DataType::BigInt)));
            }
            if let Some(index) = keys.iter().position(|key| key == part) {
                return Ok(Some(Expr::column(index, part.data_type())));
            }
            let bounds = windowing.iter().flat_map(|of| [(&of.start, true), (&of.end, true), (&of.last, time_is_key)]);
            for (index, (bound, there)) in bounds.enumerate() {
                if there && bound == part {
                    used[index] = true;
                    return Ok(Some(Expr::column(Self::WINDOW + index, part.data_type())));
                }
            }
            match part.node() {
                Node::Aggregate(index) => Ok(Some(Expr::column(Self::AGGREGATES + index, part.data_type()))),
                Node::Column(position) => Err(*position),
                _ => Ok(None),
            }
        })
    }

    /// Appends the aggregation to the relation.
    fn finish(
        mut self,
        mut relation: Relation,
        fields: Vec<(String, Expr)>,
        having: Option<Expr>,
        span: Span,
    ) -> Relation {
        let Some(windowing) = self.windowing.take() else {
            return self.finish_unwindowed(relation, fields, having, span);
        };
        let (key_count, aggregate_count) = (self.keys.len(), self.aggregates.len());
        let mut output: Vec<OutputField> = (0..key_count).map(OutputField::Key).collect();
        output.extend((0..aggregate_count).map(OutputField::Aggregate));
        let mut window_positions = [usize::MAX; 3];
        let bounds = [OutputField::WindowStart, OutputField::WindowEnd, OutputField::WindowTime];
        for ((position, bound), used) in window_positions.iter_mut().zip(bounds).zip(self.window_used) {
            if used {
                *position = output.len();
                output.push(bound);
            }
        }
        let place = |position: usize| {
            if position >= Self::WINDOW {
                window_positions[position - Self::WINDOW]
            } else if position >= Self::AGGREGATES {
                key_count + position - Self::AGGREGATES
            } else {
                position
            }
        };
        let placed = |mut expr: Expr| {
            expr.map_columns(&place);
            expr
        };
        let time_column = windowing.time.as_column().unwrap_or_default();
        let window = windowing.window.clone();
        let spec = windowing.spec.clone();
        // What comes out is still in its window, for whoever groups by that again.
        let start = if window == Window::Attached { 0 } else { window_positions[0] };
        let column = |at: usize, of: &Expr| match at {
            usize::MAX => Expr::literal(Value::Null, DataType::Null),
            at => Expr::column(at, of.data_type()),
        };
        let Windowing { start: old_start, end: old_end, last: old_last, .. } = &windowing;
        let end = column(window_positions[1], old_end);
        let last = column(window_positions[2], old_last);
        let has_window = start != usize::MAX && window_positions[1] != usize::MAX;
        relation.windowing = has_window.then(|| Windowing {
            window: Window::Attached,
            spec,
            time: end.clone(),
            keys: Vec::new(),
            start: column(start, old_start),
            end,
            last: last.clone(),
        });
        relation.stages.push(Stage::WindowAggregate(WindowAggregate {
            window,
            time_column,
            keys: self.keys,
            aggregates: self.aggregates,
            output,
        }));
        relation.stages.extend(having.map(|having| Stage::Filter(placed(having))));
        let field = |(name, expr): (String, Expr)| {
            let expr = placed(expr);
            Field { qualifier: None, name, rowtime: expr == last, expr }
        };
        relation.fields = fields.into_iter().map(field).collect();
        relation
    }

    /// Appends the aggregation without windows to the relation.
    fn finish_unwindowed(
        self,
        mut relation: Relation,
        fields: Vec<(String, Expr)>,
        having: Option<Expr>,
        span: Span,
    ) -> Relation {
        let Grouping { keys, aggregates, .. } = self;
        let key_count = keys.len();
        let place = |at: usize| if at >= Self::AGGREGATES { key_count + at - Self::AGGREGATES } else { at };
        let placed = |mut expr: Expr| {
            expr.map_columns(&place);
            expr
        };
        let output = (0..key_count).map(OutputField::Key);
        let output = output.chain((0..aggregates.len()).map(OutputField::Aggregate)).collect();
        let instead = match relation.windowing {
            Some(_) => Some("add window_start and window_end to GROUP BY".to_owned()),
            None if relation.table.event_time.is_some() && relation.updating.is_none() => Some(format!(
                "read FROM TABLE(TUMBLE(TABLE {}, DESCRIPTOR(..), INTERVAL '5' SECOND)) and GROUP BY window_start, window_end too",
                relation.table.name
            )),
            None => None,
        };
        let retracts = relation.updating.is_some();
        relation.stages.push(Stage::GroupAggregate(GroupAggregate {
            keys,
            aggregates,
            output,
            retracts,
            ttl_ms: None,
        }));
        relation.stages.extend(having.map(|having| Stage::Filter(placed(having))));
        let field = |(name, expr)| Field { qualifier: None, name, rowtime: false, expr: placed(expr) };
        relation.fields = fields.into_iter().map(field).collect();
        relation.windowing = None;
        relation.updating = Some(Updating { what: "GROUP BY without a whole window", span, instead });
        relation
    }
}
