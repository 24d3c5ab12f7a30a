//! Calls of aggregate functions.

use sqlparser::ast;

use super::super::error::SqlError;
use super::{Binder, describe};
use crate::expr::{DataType, Expr, Node, decimal};
use crate::plan::{Aggregate, AggregateFunction};

/// The most aggregate calls of one query.
pub const MAX_AGGREGATES: usize = 500;

/// An aggregate call, typed; equal calls of a query are computed once.
pub(crate) type AggregateCall = Aggregate;

/// The aggregate functions there are.
pub(super) const NAMES: &[&str] = &["COUNT", "SUM", "MIN", "MAX", "AVG"];

/// Flink's aggregate functions that are not supported yet.
pub(super) const LATER: &[&str] = &[
    "STDDEV_POP",
    "STDDEV_SAMP",
    "STDDEV",
    "VAR_POP",
    "VAR_SAMP",
    "VARIANCE",
    "COLLECT",
    "LISTAGG",
    "FIRST_VALUE",
    "LAST_VALUE",
    "ARRAY_AGG",
    "JSON_OBJECTAGG",
    "JSON_ARRAYAGG",
    "APPROX_COUNT_DISTINCT",
    "PERCENTILE",
    "CUME_DIST",
];

impl Binder<'_> {
    /// Binds a call of one of [`NAMES`].
    pub(super) fn aggregate(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        function: &ast::Function,
    ) -> Result<Expr, SqlError> {
        if function.over.is_some() {
            return Err(self.unsupported(whole, "OVER"));
        }
        if self.inside_aggregate {
            return Err(self.error(whole, format!("{name} inside of an aggregate function")));
        }
        if self.aggregates.is_none() {
            let error = self.error(whole, format!("{name} is an aggregate function, there is none in {}", self.place));
            return Err(if self.place == "WHERE" {
                error.hint("conditions on aggregates go into HAVING")
            } else {
                error
            });
        }
        let ast::FunctionArguments::List(list) = &function.args else {
            return Err(self.error(whole, format!("{name} needs an argument in parentheses")));
        };
        let distinct = list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
        if distinct && matches!(list.args.as_slice(), [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)]) {
            return Err(self.error(whole, format!("{name}(DISTINCT *) means nothing")).hint("name a column"));
        }
        if !list.clauses.is_empty() || !function.within_group.is_empty() || function.null_treatment.is_some() {
            return Err(self.error(whole, format!("{name} takes one argument and FILTER (WHERE ..), nothing else")));
        }
        self.inside_aggregate = true;
        let parts = self.aggregate_parts(whole, name, list, (distinct, function.filter.as_deref()));
        self.inside_aggregate = false;
        let (kind, argument, filter) = parts?;
        let result = result_type(kind, argument.as_ref().map(Expr::data_type));
        let Some(result) = result else {
            let found = argument.as_ref().map_or(DataType::Null, Expr::data_type);
            return Err(self.error(whole, format!("{name} needs a number, found {}", describe(found))));
        };
        let extreme = matches!(kind, AggregateFunction::Min | AggregateFunction::Max);
        let call = Aggregate { function: kind, distinct: distinct && !extreme, argument, filter, result };
        let Some(calls) = &mut self.aggregates else {
            return Err(self.error(whole, "an aggregate function in the wrong place"));
        };
        let index = match calls.iter().position(|other| *other == call) {
            Some(index) => index,
            None => {
                calls.push(call);
                calls.len() - 1
            }
        };
        if index >= MAX_AGGREGATES {
            return Err(self.error(whole, format!("a query has at most {MAX_AGGREGATES} aggregates")));
        }
        Ok(Expr::new(Node::Aggregate(index), result))
    }

    fn aggregate_parts(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        list: &ast::FunctionArgumentList,
        (distinct, filter): (bool, Option<&ast::Expr>),
    ) -> Result<(AggregateFunction, Option<Expr>, Option<Expr>), SqlError> {
        use ast::{FunctionArg as Arg, FunctionArgExpr as Is};
        let filter = filter.map(|condition| self.bind_condition(condition)).transpose()?;
        let kind = match name {
            "COUNT" => AggregateFunction::Count,
            "SUM" => AggregateFunction::Sum,
            "MIN" => AggregateFunction::Min,
            "MAX" => AggregateFunction::Max,
            _ => AggregateFunction::Avg,
        };
        match list.args.as_slice() {
            [Arg::Unnamed(Is::Wildcard)] if kind == AggregateFunction::Count => {
                Ok((AggregateFunction::CountStar, None, filter))
            }
            [] if kind == AggregateFunction::Count => Err(self.error(whole, "COUNT needs * or an argument")),
            [Arg::Unnamed(Is::Expr(argument))] => {
                let bound = self.bind(argument)?;
                // A constant that is not NULL is there in every row.
                if kind == AggregateFunction::Count
                    && !distinct
                    && bound.as_literal().is_some_and(|value| !value.is_null())
                {
                    return Ok((AggregateFunction::CountStar, None, filter));
                }
                Ok((kind, Some(bound), filter))
            }
            [Arg::Unnamed(Is::Wildcard)] => {
                Err(self.error(whole, format!("{name}(*) means nothing, only COUNT(*) does")))
            }
            arguments => Err(self.error(whole, format!("{name} takes one argument, there are {}", arguments.len()))),
        }
    }
}

/// Flink's result types; `None` if the function does not take the argument.
fn result_type(function: AggregateFunction, argument: Option<DataType>) -> Option<DataType> {
    let argument = argument.unwrap_or(DataType::Null);
    match function {
        AggregateFunction::CountStar | AggregateFunction::Count => Some(DataType::BigInt),
        AggregateFunction::Min | AggregateFunction::Max => {
            (argument != DataType::Null && !matches!(argument, DataType::VarBinary(_))).then_some(argument)
        }
        AggregateFunction::Sum => match argument {
            DataType::Decimal { scale, .. } => Some(DataType::Decimal { precision: 38, scale }),
            other => other.is_numeric().then_some(other),
        },
        AggregateFunction::Avg => match argument {
            DataType::Decimal { scale, .. } => Some(decimal::fit(38, i32::from(scale.max(6)))),
            other => other.is_numeric().then_some(other),
        },
    }
}
