//! OVER in SELECT: aggregates over each row and rows before it, by time.

use std::collections::BTreeMap;
use std::convert::Infallible;

use sqlparser::ast::{self, NamedWindowExpr, OrderBySort, SelectItem, WindowFrameBound, WindowFrameUnits, WindowType};
use sqlparser::tokenizer::Span;

use super::bind::{Binder, LAGS, OverCalls, OverKind};
use super::error::{SqlError, did_you_mean};
use super::group::has_over;
use super::position;
use super::query::{MAX_FIELDS, QueryPlanner, default_name, qualified};
use super::rank;
use super::relation::Relation;
use super::scope::{Field, Scope};
use super::top::{TimeOrder, time_order};
use crate::expr::{DataType, Expr, Node, Value};
use crate::plan::{Aggregate, AggregateFunction, Frame, Over, OverCall, Stage};

const FORM: &str = "write SUM(x) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 9 PRECEDING AND CURRENT ROW), or RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING ..";

/// Whether a SELECT computes something with OVER that is not only how its rows are ranked.
pub(super) fn is_over(select: &ast::Select) -> bool {
    let mut ranks = 0;
    let computes = select.projection.iter().any(|item| {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { return false };
        let is_rank = rank::row_number(expr).is_some() || rank::other_rank(expr).is_some();
        ranks += usize::from(is_rank);
        !is_rank && has_over(expr)
    });
    computes || (ranks > 1 && select.qualify.is_none())
}

/// Puts the definitions of the WINDOW clause in the place of their names.
pub(super) fn with_named_windows(select: &ast::Select) -> Result<ast::Select, SqlError> {
    let mut select = select.clone();
    let mut named = BTreeMap::new();
    for ast::NamedWindowDefinition(name, definition) in std::mem::take(&mut select.named_window) {
        let spec = match definition {
            NamedWindowExpr::WindowSpec(spec) if spec.window_name.is_none() => spec,
            _ => {
                return Err(SqlError::new(
                    name.span,
                    "a window of the WINDOW clause is defined by itself, in parentheses",
                ));
            }
        };
        if named.insert(name.value.clone(), spec).is_some() {
            return Err(SqlError::new(name.span, format!("window {} is there twice", name.value)));
        }
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            resolve(expr, &named)?;
        }
    }
    select.qualify.as_mut().map_or(Ok(()), |qualify| resolve(qualify, &named))?;
    Ok(select)
}

/// Puts definitions of windows in the place of their names, where calls with OVER mostly stand.
fn resolve(expr: &mut ast::Expr, named: &BTreeMap<String, ast::WindowSpec>) -> Result<(), SqlError> {
    use ast::Expr as E;
    match expr {
        E::Function(function) => {
            let Some(WindowType::NamedWindow(name)) = &function.over else {
                let ast::FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
                return list.args.iter_mut().try_for_each(|argument| match argument {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => resolve(expr, named),
                    _ => Ok(()),
                });
            };
            let Some(spec) = named.get(&name.value) else {
                let error = SqlError::new(name.span, format!("there is no window {} in the WINDOW clause", name.value));
                return Err(error.maybe_hint(did_you_mean(&name.value, named.keys().map(String::as_str))));
            };
            function.over = Some(WindowType::WindowSpec(spec.clone()));
            Ok(())
        }
        E::BinaryOp { left, right, .. } => resolve(left, named).and_then(|()| resolve(right, named)),
        E::Between { expr, .. } | E::Nested(expr) | E::UnaryOp { expr, .. } | E::Cast { expr, .. } => {
            resolve(expr, named)
        }
        E::Case { conditions, else_result, .. } => {
            for case in conditions {
                resolve(&mut case.condition, named)?;
                resolve(&mut case.result, named)?;
            }
            else_result.as_mut().map_or(Ok(()), |other| resolve(other, named))
        }
        _ => Ok(()),
    }
}

impl QueryPlanner<'_> {
    /// Plans the SELECT list of a query with OVER.
    pub(super) fn over_rows(&mut self, select: &ast::Select, relation: Relation) -> Result<Relation, SqlError> {
        if let Some(qualify) = &select.qualify {
            let error =
                SqlError::new(position::of(qualify), "QUALIFY beside aggregates with OVER is not supported yet");
            return Err(error.hint("put the aggregates into a subquery, and write WHERE around it"));
        }
        let mut relation = relation.with_rows();
        let what = relation.what();
        let (mut calls, mut over) = (Vec::new(), OverCalls::default());
        let mut fields: Vec<(Option<String>, String, Expr)> = Vec::new();
        let own = |field: &Field| (field.qualifier.clone(), field.name.clone(), field.expr.clone());
        for (index, item) in select.projection.iter().enumerate() {
            let (expr, name) = match item {
                SelectItem::Wildcard(_) => {
                    fields.extend(relation.fields.iter().map(own));
                    continue;
                }
                SelectItem::QualifiedWildcard(kind, _) => {
                    fields.extend(qualified(kind, &relation)?.iter().map(own));
                    continue;
                }
                SelectItem::UnnamedExpr(expr) => (expr, default_name(expr, index)),
                SelectItem::ExprWithAlias { expr, alias } => (expr, alias.value.clone()),
                SelectItem::ExprWithAliases { expr, .. } => {
                    return Err(SqlError::new(position::of(expr), "an expression has one alias"));
                }
            };
            let mut binder = Binder::with_aggregates(relation.scope(&what), "SELECT", &mut calls);
            binder.over = Some(&mut over);
            let bound = binder.bind(expr)?;
            self.warnings.append(&mut binder.warnings);
            fields.push((None, name, bound));
        }
        if fields.len() > MAX_FIELDS {
            return Err(SqlError::new(select.select_token.0.span, format!("a query has at most {MAX_FIELDS} columns")));
        }
        let mut window: Option<Window> = None;
        for (written, kind, span) in &over.windows {
            let this = self.over_window(written, *kind, *span, &relation)?;
            if window.get_or_insert_with(|| this.clone()) != &this {
                let message = "all OVER windows of a query must be the same, as in Flink: PARTITION BY, ORDER BY and the rows that count";
                let hint = "ROW_NUMBER counts by ROWS, LAG and what has no frame by RANGE; put one of them into a query around this one";
                return Err(SqlError::new(*span, message).hint(hint));
            }
        }
        let Some(window) = window else {
            return Err(SqlError::new(select.select_token.0.span, "OVER in the wrong place").hint(FORM));
        };
        if let Some(updating) = &relation.updating {
            let message = format!("OVER windows do not take changing rows, which are made by {}", updating.what);
            return Err(SqlError::new(over.windows[0].2, message));
        }
        let first_lag = calls.len();
        let calls = calls.into_iter().map(OverCall::Aggregate).chain(over.lags).collect();
        let rowtime = relation.fields.iter().find(|field| field.rowtime).map(|field| field.expr.clone());
        let field = |(qualifier, name, expr): (Option<String>, String, Expr)| {
            let rowtime = rowtime.as_ref() == Some(&expr);
            Field { qualifier, name, rowtime, expr }
        };
        relation.fields = fields.into_iter().map(field).collect();
        Ok(appended(relation, window, calls, first_lag))
    }

    /// The window of one call.
    fn over_window(
        &mut self,
        written: &WindowType,
        kind: OverKind,
        span: Span,
        relation: &Relation,
    ) -> Result<Window, SqlError> {
        let spec = match written {
            WindowType::WindowSpec(spec) if spec.window_name.is_none() => spec,
            WindowType::WindowSpec(_) | WindowType::NamedWindow(_) => {
                return Err(SqlError::new(span, "there is no such window in the WINDOW clause").hint(FORM));
            }
        };
        let what = relation.what();
        let mut bind = |expr: &ast::Expr, place: &str| {
            let mut binder = Binder::new(relation.scope(&what), place);
            let bound = binder.bind(expr)?;
            self.warnings.append(&mut binder.warnings);
            Ok::<_, SqlError>(bound)
        };
        let mut keys = Vec::new();
        for key in &spec.partition_by {
            let key = bind(key, "PARTITION BY")?;
            if !key.is_constant() && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let [order] = &spec.order_by[..] else {
            let message = "OVER over a stream is ordered by one column, the event time or PROCTIME()";
            return Err(SqlError::new(span, message).hint(FORM));
        };
        let at = position::of(&order.expr);
        if !matches!(order.options.sort, None | Some(OrderBySort::Asc)) {
            return Err(SqlError::new(at, "OVER over a stream is ordered in ascending order, as in Flink"));
        }
        let order = bind(&order.expr, "ORDER BY")?;
        let Some(time) = time_order(relation, &order) else {
            let message = "OVER windows' ordering in stream mode must be defined on a time attribute: the column of WATERMARK, or PROCTIME()";
            return Err(SqlError::new(at, message));
        };
        let frame = match (kind, &spec.window_frame) {
            (OverKind::Aggregate, Some(frame)) => self.over_frame(frame, span)?,
            (OverKind::Aggregate | OverKind::Lag, None) => Frame::AllTime,
            (OverKind::RowNumber, None) => Frame::AllRows,
            (_, Some(_)) => return Err(SqlError::new(span, "ROW_NUMBER and LAG take no ROWS or RANGE")),
        };
        Ok(Window { keys, time: time_column(relation, (time, &order), frame, at)?, frame })
    }

    /// ROWS or RANGE BETWEEN .. PRECEDING AND CURRENT ROW.
    fn over_frame(&mut self, frame: &ast::WindowFrame, span: Span) -> Result<Frame, SqlError> {
        if !matches!(frame.end_bound, None | Some(WindowFrameBound::CurrentRow)) {
            return Err(
                SqlError::new(span, "an OVER window over a stream ends with CURRENT ROW, as in Flink").hint(FORM)
            );
        }
        let preceding = match &frame.start_bound {
            WindowFrameBound::Preceding(bound) => bound.as_deref(),
            WindowFrameBound::CurrentRow => {
                return Ok(if frame.units == WindowFrameUnits::Rows { Frame::Rows(0) } else { Frame::Time(0) });
            }
            WindowFrameBound::Following(_) => {
                return Err(SqlError::new(span, "an OVER window begins before its row: n PRECEDING").hint(FORM));
            }
        };
        match (frame.units, preceding) {
            (WindowFrameUnits::Rows, None) => Ok(Frame::AllRows),
            (WindowFrameUnits::Range, None) => Ok(Frame::AllTime),
            (WindowFrameUnits::Groups, _) => {
                Err(SqlError::new(span, "GROUPS is not supported, as in Flink").hint(FORM))
            }
            (units, Some(bound)) => {
                let functions = crate::expr::Functions::default();
                let scope =
                    Scope { fields: &[], what: "the bound of a window, which is constant", functions: &functions };
                let constant = Binder::new(scope, "OVER").bind(bound)?.folded();
                match (units, constant.data_type(), constant.as_literal()) {
                    (WindowFrameUnits::Rows, from, Some(Value::Integer(rows))) if from.is_integer() && *rows >= 0 => {
                        Ok(Frame::Rows(rows.unsigned_abs()))
                    }
                    (WindowFrameUnits::Range, DataType::IntervalDayTime, Some(Value::Integer(ms))) if *ms >= 0 => {
                        Ok(Frame::Time(*ms))
                    }
                    (WindowFrameUnits::Rows, ..) => {
                        Err(SqlError::new(position::of(bound), "ROWS counts a constant number of rows").hint(FORM))
                    }
                    _ => Err(SqlError::new(
                        position::of(bound),
                        "RANGE reaches back by a constant INTERVAL of days to seconds",
                    )
                    .hint(FORM)),
                }
            }
        }
    }
}

/// A window, as it is planned.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    keys: Vec<Expr>,
    time: Option<usize>,
    frame: Frame,
}

/// The column by which rows wait for time. By processing time they come out at once, unless their frame has a bound in time.
fn time_column(
    relation: &Relation,
    (time, order): (TimeOrder, &Expr),
    frame: Frame,
    span: Span,
) -> Result<Option<usize>, SqlError> {
    match (time, frame) {
        (TimeOrder::Event, _) => Ok(order.as_column()),
        (TimeOrder::Processing, Frame::Time(_)) => {
            let clock = relation.fields.iter().find(|field| field.rowtime).and_then(|field| field.expr.as_column());
            let error = || {
                SqlError::new(span, "RANGE with an INTERVAL over PROCTIME() needs a table without WATERMARK")
                    .hint("order by the event time, or write ROWS")
            };
            clock.map(Some).ok_or_else(error)
        }
        (TimeOrder::Processing, _) => Ok(None),
    }
}

/// Appends the step to the relation, whose fields are over the incoming row and the results of `calls`, LAG's from `first_lag` on.
fn appended(mut relation: Relation, window: Window, calls: Vec<OverCall>, first_lag: usize) -> Relation {
    let mut columns = BTreeMap::new();
    for field in &relation.fields {
        field.expr.for_each_typed_column(&mut |at, data_type| {
            columns.insert(at, data_type);
        });
    }
    let columns: Vec<(usize, DataType)> = columns.into_iter().collect();
    let after = |part: &Expr| {
        let at = match part.node() {
            Node::Aggregate(call) if *call >= LAGS => Some(columns.len() + first_lag + call - LAGS),
            Node::Aggregate(call) => Some(columns.len() + call),
            _ if rank::is_rank(part) => Some(columns.len()),
            _ => part.as_column().and_then(|old| columns.iter().position(|(column, _)| *column == old)),
        };
        Ok::<_, Infallible>(at.map(|at| Expr::column(at, part.data_type())))
    };
    for field in &mut relation.fields {
        let Ok(expr) = field.expr.clone().rewrite(&mut |part| after(part));
        field.expr = expr;
    }
    let Window { keys, time: time_column, frame } = window;
    relation.windowing = None;
    relation.stages.push(Stage::Over(Over { keys, time_column, frame, calls, columns, ttl_ms: None }));
    relation
}

/// The rows of a relation with the numbers that ROW_NUMBER gives them, where nothing bounds these: by time only.
pub(super) fn numbered(relation: Relation, keys: Vec<Expr>, time: Option<usize>) -> Relation {
    let keys = super::top::own_keys(keys);
    let count = Aggregate {
        function: AggregateFunction::CountStar,
        distinct: false,
        argument: None,
        filter: None,
        result: DataType::BigInt,
        top: None,
    };
    let window = Window { keys, time, frame: Frame::AllRows };
    appended(relation, window, vec![OverCall::Aggregate(count)], 1)
}
