//! UNION ALL inside of a query: rows of several relations become rows of one.

use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};
use sqlparser::tokenizer::Span;

use super::bind::{coerced, common_type, describe};
use super::error::SqlError;
use super::prune::whole_source;
use super::relation::Relation;
use super::scope::Field;
use crate::expr::Expr;
use crate::plan::{Branch, Stage};

/// The same queries with equal rows: they are left out behind all of them.
fn with_all(body: &SetExpr) -> SetExpr {
    match body {
        SetExpr::SetOperation {
            op: op @ SetOperator::Union,
            set_quantifier: SetQuantifier::None | SetQuantifier::Distinct | SetQuantifier::All,
            left,
            right,
        } => SetExpr::SetOperation {
            op: *op,
            set_quantifier: SetQuantifier::All,
            left: Box::new(with_all(left)),
            right: right.clone(),
        },
        other => other.clone(),
    }
}

/// UNION without ALL: `SELECT DISTINCT *` of the rows of both.
pub(super) fn distinct(query: &ast::Query, left: &SetExpr, right: &SetExpr, span: Span) -> ast::Select {
    let all = SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left: Box::new(with_all(left)),
        right: Box::new(right.clone()),
    };
    let subquery = Box::new(ast::Query { with: None, body: Box::new(all), ..query.clone() });
    let relation = ast::TableFactor::Derived { lateral: false, subquery, alias: None, sample: None };
    ast::Select { distinct: Some(ast::Distinct::Distinct), ..all_from(relation, span) }
}

/// `SELECT * FROM name`.
pub(super) fn all_of(name: ast::Ident, span: Span) -> ast::Select {
    let name = ast::ObjectName::from(vec![name]);
    let relation = ast::TableFactor::Table {
        name,
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    all_from(relation, span)
}

fn all_from(relation: ast::TableFactor, span: Span) -> ast::Select {
    ast::Select {
        select_token: ast::helpers::attached_token::AttachedToken(sqlparser::tokenizer::TokenWithSpan {
            token: sqlparser::tokenizer::Token::Mul,
            span,
        }),
        distinct: None,
        projection: vec![ast::SelectItem::Wildcard(ast::WildcardAdditionalOptions::default())],
        from: vec![ast::TableWithJoins { relation, joins: Vec::new() }],
        group_by: ast::GroupByExpr::Expressions(Vec::new(), Vec::new()),
        flavor: ast::SelectFlavor::Standard,
        optimizer_hints: Vec::new(),
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        exclude: None,
        into: None,
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
    }
}

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
