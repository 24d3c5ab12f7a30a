//! UNION ALL inside of a query: rows of several relations become rows of one.

use sqlparser::tokenizer::Span;

use super::bind::{coerced, common_type, describe};
use super::error::SqlError;
use super::prune::whole_source;
use super::relation::Relation;
use super::scope::Field;
use crate::expr::Expr;
use crate::plan::{Branch, Stage};

/// The rows of both, under the names of `left`; each column is of the type that holds the values of both (Calcite: leastRestrictive).
pub(super) fn all(left: Relation, right: Relation, span: Span) -> Result<Relation, SqlError> {
    let (left, right) = (left.without_ranking()?, right.without_ranking()?);
    let (mut left, mut right) = (left.with_own_windows(), right.with_own_windows());
    if left.fields.len() != right.fields.len() {
        let message = format!(
            "the queries of UNION ALL have as many columns, here they have {} and {}",
            left.fields.len(),
            right.fields.len()
        );
        return Err(SqlError::new(span, message));
    }
    left.others.push(right.table.clone());
    left.others.append(&mut right.others);
    let (mut ours, mut theirs, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (left, right)) in left.fields.iter().zip(&right.fields).enumerate() {
        let (from, to) = (left.expr.data_type(), right.expr.data_type());
        let Some(data_type) = common_type(from, to) else {
            let message = format!(
                "column {} of UNION ALL is {} in one query and {} in another",
                left.name,
                describe(from),
                describe(to)
            );
            return Err(SqlError::new(span, message).hint("CAST one of them"));
        };
        ours.push(coerced(left.expr.clone(), data_type));
        theirs.push(coerced(right.expr.clone(), data_type));
        fields.push(Field {
            qualifier: None,
            name: left.name.clone(),
            expr: Expr::column(at, data_type),
            rowtime: left.rowtime && right.rowtime,
        });
    }
    right.stages.push(Stage::Project(theirs));
    let branch = Branch { source: whole_source(&right.table), stages: right.stages };
    let is_whole = ours.iter().enumerate().all(|(at, expr)| expr.as_column() == Some(at));
    match left.stages.last_mut() {
        // A third query joins the first two.
        Some(Stage::Union(branches)) if is_whole => branches.push(branch),
        _ => left.stages.extend([Stage::Project(ours), Stage::Union(vec![branch])]),
    }
    let updating = left.updating.take().or(right.updating);
    Ok(Relation { fields, windowing: None, updating, ..left })
}
