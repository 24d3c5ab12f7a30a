//! Where an expression begins in the text.

use sqlparser::ast::{Expr, Spanned};
use sqlparser::tokenizer::Span;

/// The span of the first word of an expression, which is where people look. It walks down the left side only, so that long
/// chains of operators need no stack.
pub(crate) fn of(expr: &Expr) -> Span {
    let mut expr = expr;
    loop {
        expr = match expr {
            Expr::BinaryOp { left, .. } | Expr::IsDistinctFrom(left, _) | Expr::IsNotDistinctFrom(left, _) => left,
            Expr::Between { expr, .. }
            | Expr::InList { expr, .. }
            | Expr::InSubquery { expr, .. }
            | Expr::Like { expr, .. }
            | Expr::ILike { expr, .. }
            | Expr::SimilarTo { expr, .. }
            | Expr::UnaryOp { expr, .. }
            | Expr::Cast { expr, .. }
            | Expr::Extract { expr, .. }
            | Expr::Ceil { expr, .. }
            | Expr::Floor { expr, .. }
            | Expr::Substring { expr, .. }
            | Expr::Trim { expr, .. }
            | Expr::Position { expr, .. }
            | Expr::Nested(expr)
            | Expr::IsNull(expr)
            | Expr::IsNotNull(expr)
            | Expr::IsTrue(expr)
            | Expr::IsNotTrue(expr)
            | Expr::IsFalse(expr)
            | Expr::IsNotFalse(expr)
            | Expr::IsUnknown(expr)
            | Expr::IsNotUnknown(expr) => expr,
            Expr::AtTimeZone { timestamp, .. } => timestamp,
            Expr::Interval(interval) => &interval.value,
            Expr::Case { case_token, .. } => return case_token.0.span,
            Expr::Function(function) => return function.name.span(),
            Expr::Identifier(name) => return name.span,
            Expr::CompoundIdentifier(parts) => {
                return Span::union_iter(parts.iter().map(|part| part.span));
            }
            Expr::CompoundFieldAccess { root, .. } => root,
            Expr::Array(array) => match array.elem.first() {
                Some(first) => first,
                None => return Span::empty(),
            },
            Expr::Value(value) => return value.span,
            Expr::TypedString(text) => return text.value.span,
            Expr::Prefixed { prefix, .. } => return prefix.span,
            Expr::Wildcard(token) => return token.0.span,
            Expr::Tuple(parts) => match parts.first() {
                Some(first) => first,
                None => return Span::empty(),
            },
            Expr::Subquery(query) | Expr::Exists { subquery: query, .. } => return of_query(query),
            _ => return Span::empty(),
        };
    }
}

/// The span of a query's first word.
pub(crate) fn of_query(query: &sqlparser::ast::Query) -> Span {
    let mut body = &*query.body;
    loop {
        body = match body {
            sqlparser::ast::SetExpr::Select(select) => return select.select_token.0.span,
            sqlparser::ast::SetExpr::Query(query) => &query.body,
            sqlparser::ast::SetExpr::SetOperation { left, .. } => left,
            _ => return Span::empty(),
        };
    }
}
