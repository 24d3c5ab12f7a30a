//! CROSS JOIN UNNEST(..) and LEFT JOIN UNNEST(..) ON TRUE.

use std::collections::BTreeMap;
use std::convert::Infallible;

use sqlparser::ast::{self, TableFactor};

use super::bind::{Binder, describe};
use super::error::SqlError;
use super::position;
use super::query::{MAX_FIELDS, QueryPlanner};
use super::relation::Relation;
use super::scope::Field;
use crate::expr::{DataType, Expr};
use crate::plan::{JoinKind, Stage, Unnest};

/// How it is written.
const FORM: &str =
    "write FROM t CROSS JOIN UNNEST(t.items) AS u (item), or LEFT JOIN UNNEST(t.items) AS u (item) ON TRUE";

/// A table of FROM that is UNNEST.
pub(super) struct Unnesting<'a> {
    name: &'a ast::Ident,
    arguments: &'a [ast::FunctionArg],
    alias: Option<&'a ast::TableAlias>,
    ordinality: bool,
}

impl<'a> Unnesting<'a> {
    /// Of a table of FROM, if it is one.
    pub(super) fn of(factor: &'a TableFactor) -> Option<Unnesting<'a>> {
        let TableFactor::Table { name, args: Some(arguments), alias, with_ordinality, .. } = factor else {
            return None;
        };
        let name = name.0.first()?.as_ident().filter(|_| name.0.len() == 1)?;
        let is_unnest = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("UNNEST");
        is_unnest.then_some(Unnesting {
            name,
            arguments: &arguments.args,
            alias: alias.as_ref(),
            ordinality: *with_ordinality,
        })
    }

    /// It stands where nothing is to be spread.
    pub(super) fn alone(&self) -> SqlError {
        SqlError::new(self.name.span, "UNNEST stands behind the table whose column it spreads").hint(FORM)
    }
}

impl QueryPlanner<'_> {
    /// The rows of `relation`, once for each element.
    pub(super) fn unnest(
        &mut self,
        relation: Relation,
        unnesting: &Unnesting<'_>,
        kind: JoinKind,
        constraint: Option<&ast::Expr>,
    ) -> Result<Relation, SqlError> {
        let here = unnesting.name.span;
        let outer = match kind {
            JoinKind::Inner => false,
            JoinKind::Left => true,
            _ => return Err(SqlError::new(here, "UNNEST is joined with CROSS JOIN or LEFT JOIN").hint(FORM)),
        };
        let is_true = |condition: &ast::Expr| matches!(condition, ast::Expr::Value(value) if value.value == ast::Value::Boolean(true));
        let condition = constraint.filter(|condition| !is_true(condition));
        if let Some(condition) = condition.filter(|_| outer) {
            let error = SqlError::new(position::of(condition), "LEFT JOIN UNNEST takes no condition but ON TRUE");
            return Err(error.hint("put the condition into WHERE"));
        }
        let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(source))] = unnesting.arguments else {
            let message = format!("UNNEST takes one argument, there are {}", unnesting.arguments.len());
            return Err(SqlError::new(here, message).hint(FORM));
        };
        // Windows of a row become columns first.
        let relation = relation.without_ranking()?.with_rows();
        let what = relation.what();
        let mut binder = Binder::new(relation.scope(&what), "UNNEST");
        let of = binder.bind(source)?;
        self.warnings.append(&mut binder.warnings);
        let Some(parts) = Unnest::parts(of.data_type()) else {
            let message = format!("UNNEST needs an ARRAY, a MAP or a MULTISET, found {}", describe(of.data_type()));
            return Err(SqlError::new(position::of(source), message));
        };
        let mut relation = spread(relation, of, unnesting, parts, outer)?;
        if let Some(condition) = condition {
            let bound = self.condition(condition, &relation)?;
            relation.stages.push(Stage::Filter(bound));
        }
        Ok(relation)
    }
}

/// Adds the stage, and its columns to the fields.
fn spread(
    mut relation: Relation,
    of: Expr,
    unnesting: &Unnesting<'_>,
    mut parts: Vec<(String, DataType)>,
    outer: bool,
) -> Result<Relation, SqlError> {
    if unnesting.ordinality {
        parts.push(("ORDINALITY".to_owned(), DataType::Int));
    }
    if let Some(alias) = unnesting.alias.filter(|alias| !alias.columns.is_empty()) {
        if alias.columns.len() != parts.len() {
            let message = format!("{} columns have {} names", parts.len(), alias.columns.len());
            return Err(SqlError::new(alias.name.span, message));
        }
        for (part, column) in parts.iter_mut().zip(&alias.columns) {
            part.0.clone_from(&column.name.value);
        }
    }
    let columns = keep_columns(&mut relation);
    if relation.fields.len() + parts.len() > MAX_FIELDS {
        return Err(SqlError::new(unnesting.name.span, format!("a query has at most {MAX_FIELDS} columns")));
    }
    let qualifier = unnesting.alias.map(|alias| alias.name.value.clone());
    for (at, (name, data_type)) in parts.into_iter().enumerate() {
        let expr = Expr::column(columns.len() + at, data_type);
        relation.fields.push(Field { qualifier: qualifier.clone(), name, expr, rowtime: false });
    }
    let ordinality = unnesting.ordinality;
    relation.stages.push(Stage::Unnest(Unnest { of, columns, outer, ordinality }));
    Ok(relation)
}

/// The columns that the fields of a relation are computed from, which are then the first of its row.
fn keep_columns(relation: &mut Relation) -> Vec<(usize, DataType)> {
    let mut windows: Vec<&mut Expr> = Vec::new();
    if let Some(windowing) = &mut relation.windowing {
        windows.extend([&mut windowing.time, &mut windowing.start, &mut windowing.end, &mut windowing.last]);
        windows.extend(&mut windowing.keys);
    }
    let mut all: Vec<&mut Expr> = relation.fields.iter_mut().map(|field| &mut field.expr).chain(windows).collect();
    let mut types: BTreeMap<usize, DataType> = BTreeMap::new();
    for expr in &all {
        expr.for_each_typed_column(&mut |at, of| {
            types.insert(at, of);
        });
    }
    let columns: Vec<(usize, DataType)> = types.into_iter().collect();
    for expr in &mut all {
        let place = |part: &Expr| {
            let old = part.as_column();
            let new = old.and_then(|old| columns.iter().position(|(column, _)| *column == old));
            Ok::<_, Infallible>(new.map(|new| Expr::column(new, part.data_type())))
        };
        let Ok(expr_there) = expr.clone().rewrite(&mut { place });
        **expr = expr_there;
    }
    columns
}
