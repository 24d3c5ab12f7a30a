//! INSERT INTO of several results: the queries of a UNION ALL, and the sets of GROUPING SETS, ROLLUP and CUBE. Each is a pipeline of its
//! own that writes the same topic, which is what putting their rows together means for a topic.

use sqlparser::ast::{self, GroupByExpr, SetExpr, SetOperator, SetQuantifier};

use super::error::SqlError;
use super::position;
use super::statement::Insert;

/// The most grouping sets of one query.
pub(crate) const MAX_GROUPING_SETS: usize = 64;

/// One INSERT INTO for each query of a UNION ALL.
pub(crate) fn of_union(insert: &Insert) -> Vec<Insert> {
    let mut branches = Vec::new();
    let mut rest = vec![(*insert.query).clone()];
    while let Some(query) = rest.pop() {
        let plain = query.order_by.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
        match &*query.body {
            SetExpr::SetOperation { op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, right }
                if plain =>
            {
                // The last one pushed comes first.
                rest.push(ast::Query { body: right.clone(), ..query.clone() });
                rest.push(ast::Query { body: left.clone(), ..query.clone() });
            }
            SetExpr::Query(inner) if plain && query.with.is_none() => rest.push((**inner).clone()),
            _ => branches.push(Insert { query: Box::new(query), ..insert.clone() }),
        }
    }
    branches
}

/// How many grouping sets the query's own GROUP BY has; 1 without any.
pub(crate) fn count_of_sets(query: &ast::Query) -> Result<usize, SqlError> {
    match &*query.body {
        SetExpr::Select(select) => match &select.group_by {
            GroupByExpr::Expressions(expressions, _) => Ok(grouping_sets(expressions)?.len()),
            GroupByExpr::All(_) => Ok(1),
        },
        _ => Ok(1),
    }
}

/// The lists of expressions that rows are grouped by: each entry of GROUP BY with each of the others.
pub(crate) fn grouping_sets(expressions: &[ast::Expr]) -> Result<Vec<Vec<&ast::Expr>>, SqlError> {
    let mut sets: Vec<Vec<&ast::Expr>> = vec![Vec::new()];
    for expression in expressions {
        let entry = sets_of(expression);
        if sets.len().saturating_mul(entry.len()) > MAX_GROUPING_SETS {
            let message = format!("GROUP BY has more than {MAX_GROUPING_SETS} grouping sets");
            return Err(SqlError::new(position::of(expression), message));
        }
        sets = sets
            .iter()
            .flat_map(|set| entry.iter().map(move |more| set.iter().chain(more).copied().collect()))
            .collect();
    }
    Ok(sets)
}

fn sets_of(expression: &ast::Expr) -> Vec<Vec<&ast::Expr>> {
    match expression {
        ast::Expr::GroupingSets(sets) => sets.iter().map(|set| set.iter().collect()).collect(),
        ast::Expr::Rollup(groups) => {
            (0..=groups.len()).rev().map(|kept| groups[..kept].iter().flatten().collect()).collect()
        }
        // More than so many have too many subsets in any case.
        ast::Expr::Cube(groups) => (0..1_usize << groups.len().min(8))
            .rev()
            .map(|kept| {
                let chosen = groups.iter().enumerate().filter(move |(at, _)| kept >> at & 1 == 1 || *at >= 8);
                chosen.flat_map(|(_, group)| group).collect()
            })
            .collect(),
        plain => vec![vec![plain]],
    }
}
