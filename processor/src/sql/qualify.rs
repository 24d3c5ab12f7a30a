//! QUALIFY: a condition on the ranks of the same query's rows.

use sqlparser::ast::{self, Ident, SelectItem};

use super::error::SqlError;
use super::position;
use super::query::QueryPlanner;
use super::rank;
use super::relation::Relation;
use super::scope::Field;
use crate::expr::Expr;

/// The rank's name in the condition; no column is called so unless it is quoted on purpose.
const RANK: &str = "$rank";

impl QueryPlanner<'_> {
    /// Keeps of the relation the rows that QUALIFY lets pass; returns their rank, too.
    pub(super) fn qualified_rows(
        &mut self,
        select: &ast::Select,
        qualify: &ast::Expr,
        mut relation: Relation,
    ) -> Result<(Relation, Expr), SqlError> {
        let (mut condition, mut calls) = (qualify.clone(), Vec::new());
        replace_calls(&mut condition, &mut calls);
        let mut names = vec![RANK];
        for item in &select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            if rank::row_number(expr).is_none() {
                continue;
            }
            calls.push(expr.clone());
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                names.push(&alias.value);
            }
        }
        let Some((first, others)) = calls.split_first() else {
            let error = SqlError::new(position::of(qualify), "QUALIFY is a condition on ROW_NUMBER() OVER (..)");
            return Err(error.hint("write other conditions into WHERE"));
        };
        if let Some(other) = others.iter().find(|other| *other != first) {
            return Err(SqlError::new(position::of(other), "a query ranks its rows once"));
        }
        let item = SelectItem::UnnamedExpr(first.clone());
        let Some(ranking) = self.ranking(&[item], &relation)? else { return Ok((relation, rank::rank_column())) };
        let shown = relation.fields.len();
        let named =
            |name: &str| Field { qualifier: None, name: name.to_owned(), expr: rank::rank_column(), rowtime: false };
        relation.fields.extend(names.into_iter().map(named));
        let mut relation = self.ranked(relation, ranking, &condition)?;
        let hidden = relation.fields.split_off(shown);
        Ok((relation, hidden.into_iter().next().map_or_else(rank::rank_column, |field| field.expr)))
    }
}

/// Puts the rank's name in the place of each ROW_NUMBER() OVER (..), where a condition on it can stand.
fn replace_calls(condition: &mut ast::Expr, calls: &mut Vec<ast::Expr>) {
    use ast::Expr as E;
    if rank::row_number(condition).is_some() {
        let name = Ident::with_span(position::of(condition), RANK);
        calls.push(std::mem::replace(condition, E::Identifier(name)));
        return;
    }
    match condition {
        E::BinaryOp { left, right, .. } => {
            replace_calls(left, calls);
            replace_calls(right, calls);
        }
        E::Between { expr, .. } | E::Nested(expr) => replace_calls(expr, calls),
        _ => {}
    }
}
