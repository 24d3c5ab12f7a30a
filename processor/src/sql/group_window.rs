//! Windows in GROUP BY, as they were written before there were windowing functions: `GROUP BY k, TUMBLE(ts, INTERVAL '5' SECOND)` and
//! TUMBLE_START(..) beside it. Such a query is planned as the one that stands for it, over a windowing function.

use std::ops::ControlFlow;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, Ident, SelectItem, SetExpr, TableFactor, TableWithJoins};

use super::error::SqlError;
use super::group;
use super::position;

/// The windows that can stand in GROUP BY.
const WINDOWS: &[&str] = &["TUMBLE", "HOP", "SESSION"];

/// The column of a window that `TUMBLE_START` and its like stand for.
pub(super) fn column_of(function: &str) -> Option<&'static str> {
    let (window, bound) = function.rsplit_once('_')?;
    let column = match bound {
        "START" => "window_start",
        "END" => "window_end",
        "ROWTIME" => "window_time",
        _ => return None,
    };
    WINDOWS.contains(&window).then_some(column)
}

/// The query over a windowing function that `select` stands for, if it has a window in GROUP BY.
pub(super) fn as_windowing(select: &ast::Select) -> Result<Option<ast::Select>, SqlError> {
    let ast::GroupByExpr::Expressions(keys, modifiers) = &select.group_by else { return Ok(None) };
    let Some((at, window, name)) =
        keys.iter().enumerate().find_map(|(at, key)| window_of(key).map(|found| (at, found.0, found.1)))
    else {
        return Ok(None);
    };
    if let Some(second) = keys[at + 1..].iter().find(|key| window_of(key).is_some()) {
        return Err(SqlError::new(position::of(second), "a query has one window in GROUP BY"));
    }
    let (time, lengths) = arguments_of(window)?;
    check_bounds(select, window, name)?;
    let mut data = ast::Expr::Subquery(Box::new(rows_of(select)));
    let others: Vec<&ast::Expr> =
        keys.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, key)| key).collect();
    if name == "SESSION" {
        data = partitioned(data, &others)?;
    }
    let mut arguments = vec![argument(data), argument(descriptor(time))];
    arguments.extend(lengths.iter().map(|length| argument((*length).clone())));
    let mut function = window.clone();
    if let ast::FunctionArguments::List(list) = &mut function.args {
        list.args = arguments;
    }
    let factor = TableFactor::TableFunction { expr: ast::Expr::Function(function), alias: alias_of(&select.from) };
    let mut group_by: Vec<ast::Expr> = others.into_iter().cloned().collect();
    group_by.extend(["window_start", "window_end", "window_time"].map(|name| ast::Expr::Identifier(Ident::new(name))));
    Ok(Some(ast::Select {
        from: vec![TableWithJoins { relation: factor, joins: Vec::new() }],
        selection: None,
        group_by: ast::GroupByExpr::Expressions(group_by, modifiers.clone()),
        ..select.clone()
    }))
}

/// TUMBLE_START(..) and its like are of the window in GROUP BY.
fn check_bounds(select: &ast::Select, window: &ast::Function, name: &str) -> Result<(), SqlError> {
    let items = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    let mut parts: Vec<&ast::Expr> = items.chain(&select.having).collect();
    while let Some(part) = parts.pop() {
        if let ast::Expr::Function(function) = part
            && let called = function.name.to_string().to_ascii_uppercase()
            && column_of(&called).is_some()
            && (called.rsplit_once('_').is_none_or(|(of, _)| of != name)
                || function.args.to_string() != window.args.to_string())
        {
            return Err(SqlError::new(
                position::of(part),
                format!("{called} is of another window than the one in GROUP BY"),
            )
            .hint(format!("write {called}{}", window.args)));
        }
        let _: ControlFlow<()> = group::parts(part, &mut parts);
    }
    Ok(())
}

/// The window that a key of GROUP BY is, with its name.
fn window_of(key: &ast::Expr) -> Option<(&ast::Function, &'static str)> {
    let ast::Expr::Function(function) = key else { return None };
    let name = function.name.to_string();
    WINDOWS.iter().find(|window| window.eq_ignore_ascii_case(&name)).map(|window| (function, *window))
}

/// The time column and the lengths.
fn arguments_of(window: &ast::Function) -> Result<(&ast::Expr, Vec<&ast::Expr>), SqlError> {
    let span = ast::Spanned::span(&window.name);
    let usage = || {
        SqlError::new(span, "a window in GROUP BY is of a column and lengths of time")
            .hint("write TUMBLE(ts, INTERVAL '5' SECOND); or take the windowing function: FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))")
    };
    let ast::FunctionArguments::List(list) = &window.args else { return Err(usage()) };
    let plain = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    let plain: Vec<&ast::Expr> = plain.collect::<Option<_>>().ok_or_else(usage)?;
    match plain.split_first() {
        Some((time, lengths)) if !lengths.is_empty() => Ok((time, lengths.to_vec())),
        _ => Err(usage()),
    }
}

/// `SELECT * FROM .. WHERE ..`: what is left out is in no window.
fn rows_of(select: &ast::Select) -> ast::Query {
    let all = ast::Select {
        distinct: None,
        projection: vec![SelectItem::Wildcard(ast::WildcardAdditionalOptions::default())],
        group_by: ast::GroupByExpr::Expressions(Vec::new(), Vec::new()),
        having: None,
        qualify: None,
        ..select.clone()
    };
    ast::Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(all))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// What names the rows: of one table its name, so that columns can be called by it.
fn alias_of(from: &[TableWithJoins]) -> Option<ast::TableAlias> {
    let [TableWithJoins { relation, joins }] = from else { return None };
    if !joins.is_empty() {
        return None;
    }
    match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(ast::TableAlias { columns: Vec::new(), ..alias.clone() })
        }
        TableFactor::Table { name, alias: None, .. } => {
            let name = name.0.last()?.as_ident()?.clone();
            Some(ast::TableAlias { explicit: true, name, columns: Vec::new(), at: None })
        }
        _ => None,
    }
}

/// The rows with the keys that sessions are made of.
fn partitioned(data: ast::Expr, keys: &[&ast::Expr]) -> Result<ast::Expr, SqlError> {
    if let Some(key) =
        keys.iter().find(|key| !matches!(key, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)))
    {
        return Err(SqlError::new(position::of(key), "beside SESSION in GROUP BY there are columns only")
            .hint("compute the key in a subquery: FROM (SELECT .. AS k, ts FROM t)"));
    }
    let parts = std::iter::once(data).chain(keys.iter().map(|key| last_name(key))).collect();
    let value = Box::new(ast::Expr::Tuple(parts));
    Ok(ast::Expr::Prefixed { prefix: Ident::new("TABLE"), value })
}

/// A column without the table that it is of: a windowing function has but one.
fn last_name(column: &ast::Expr) -> ast::Expr {
    match column {
        ast::Expr::CompoundIdentifier(parts) => {
            parts.last().cloned().map_or_else(|| column.clone(), ast::Expr::Identifier)
        }
        other => other.clone(),
    }
}

fn descriptor(time: &ast::Expr) -> ast::Expr {
    let list = ast::FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![argument(last_name(time))],
        clauses: Vec::new(),
    };
    ast::Expr::Function(ast::Function {
        name: ast::ObjectName::from(vec![Ident::new("DESCRIPTOR")]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn argument(expr: ast::Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}
