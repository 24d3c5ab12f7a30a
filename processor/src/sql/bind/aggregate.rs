//! Calls of aggregate functions.

use sqlparser::ast;

use super::super::error::SqlError;
use super::{Binder, coerced, describe, spread};
use crate::expr::json::{ARRAY_OF_PARTS, OBJECT_OF_PARTS};
use crate::expr::library::{GATHERED, GATHERED_ARRAY, sketch};
use crate::expr::{DataType, Expr, Node, ScalarFunction, Value, decimal};
use crate::plan::{Aggregate, AggregateFunction};

/// The most aggregate calls of one query.
pub const MAX_AGGREGATES: usize = 500;

/// An aggregate call, typed; equal calls of a query are computed once.
pub(crate) type AggregateCall = Aggregate;

/// The aggregate functions there are.
pub(crate) const NAMES: &[&str] = &[
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "FIRST_VALUE",
    "LAST_VALUE",
    "LISTAGG",
    "ARRAY_AGG",
    "JSON_ARRAYAGG",
    "JSON_OBJECTAGG",
    "APPROX_COUNT_DISTINCT",
    "PERCENTILE",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "STDDEV",
    "VAR_POP",
    "VAR_SAMP",
    "VARIANCE",
];

/// Whether an aggregate function has this name, in capitals.
pub(crate) fn is_aggregate_name(name: &str) -> bool {
    NAMES.contains(&name)
}

impl Binder<'_> {
    /// Binds a call of one of [`NAMES`].
    pub(super) fn aggregate(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        function: &ast::Function,
    ) -> Result<Expr, SqlError> {
        if function.over.is_some() && self.over.is_none() {
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
        if let "JSON_ARRAYAGG" | "JSON_OBJECTAGG" = name {
            return self.json_aggregate(whole, name, function);
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
        let parts = match name {
            "LISTAGG" | "PERCENTILE" => self.two_parts(whole, name, list, function.filter.as_deref()),
            _ => {
                let parts = self.aggregate_parts(whole, name, list, (distinct, function.filter.as_deref()));
                parts.map(|(kind, argument, filter)| (kind, argument, filter, None))
            }
        };
        self.inside_aggregate = false;
        let (kind, argument, filter, second) = parts?;
        let result = result_type(kind, argument.as_ref().map(Expr::data_type));
        let Some(result) = result.filter(|_| argument_fits(name, argument.as_ref())) else {
            let found = argument.as_ref().map_or(DataType::Null, Expr::data_type);
            let expected = if name == "LISTAGG" { "a STRING" } else { "a number" };
            return Err(self.error(whole, format!("{name} needs {expected}, found {}", describe(found))));
        };
        match (name, argument, second) {
            (name, Some(argument), _) if spread::NAMES.contains(&name) => {
                if distinct {
                    return Err(self.unsupported(whole, &format!("{name}(DISTINCT ..)")));
                }
                let result = result_type(AggregateFunction::Avg, Some(argument.data_type())).unwrap_or(result);
                self.spread(whole, name, (argument, filter), result)
            }
            ("LISTAGG", Some(argument), separator) => self.listagg(whole, (argument, separator), (distinct, filter)),
            ("PERCENTILE", Some(argument), Some(fraction)) => {
                let number = coerced(argument, DataType::Double);
                let bytes = Expr::new(Node::Call(ScalarFunction::BytesOfDouble, vec![number]), DataType::BYTES);
                let call = Aggregate { function: kind, distinct, argument: Some(bytes), filter, result, top: None };
                let kept = self.add_call(whole, call)?;
                Ok(Expr::new(Node::Library(sketch::PERCENTILE, vec![kept, fraction]), DataType::Double))
            }
            ("ARRAY_AGG", Some(argument), _) => {
                let element = argument.data_type();
                let bytes = Expr::new(Node::Library(GATHERED, vec![argument]), DataType::BYTES);
                let call = Aggregate { function: kind, distinct, argument: Some(bytes), filter, result, top: None };
                let kept = self.add_call(whole, call)?;
                self.made(whole, Node::Library(GATHERED_ARRAY, vec![kept]), DataType::array(element))
            }
            ("APPROX_COUNT_DISTINCT", argument, _) => {
                let call = Aggregate { function: kind, distinct: false, argument, filter, result, top: None };
                let sketch = self.add_call(whole, call)?;
                Ok(Expr::new(Node::Library(sketch::ESTIMATE, vec![sketch]), DataType::BigInt))
            }
            (_, argument, _) => {
                let extreme = matches!(kind, AggregateFunction::Min | AggregateFunction::Max);
                let call =
                    Aggregate { function: kind, distinct: distinct && !extreme, argument, filter, result, top: None };
                self.add_call(whole, call)
            }
        }
    }

    fn json_aggregate(&mut self, whole: &ast::Expr, name: &str, function: &ast::Function) -> Result<Expr, SqlError> {
        self.inside_aggregate = true;
        let parts = self.json_gathered(whole, name, function);
        self.inside_aggregate = false;
        let (part, filter) = parts?;
        let result = part.data_type();
        let call = Aggregate {
            function: AggregateFunction::Concat,
            distinct: false,
            argument: Some(part),
            filter,
            result,
            top: None,
        };
        let kept = self.add_call(whole, call)?;
        let made = if name == "JSON_ARRAYAGG" { ARRAY_OF_PARTS } else { OBJECT_OF_PARTS };
        Ok(Expr::new(Node::Library(made, vec![kept]), DataType::STRING))
    }

    /// The result of a call, which is computed once if the query has it already.
    pub(super) fn add_call(&mut self, whole: &ast::Expr, call: Aggregate) -> Result<Expr, SqlError> {
        let result = call.result;
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

    /// Each text with the separator before it, all in a row; the first separator is cut off at the end.
    fn listagg(
        &mut self,
        whole: &ast::Expr,
        (text, separator): (Expr, Option<Expr>),
        (distinct, filter): (bool, Option<Expr>),
    ) -> Result<Expr, SqlError> {
        let separator = separator.unwrap_or(Expr::literal(Value::text(","), DataType::Char(1)));
        let Some(Value::String(cut)) = separator.as_literal() else {
            return Err(self.error(whole, "the separator of LISTAGG must be a constant text"));
        };
        let from = Expr::literal(Value::Integer(cut.chars().count() as i64 + 1), DataType::Int);
        let part = Expr::new(Node::Call(ScalarFunction::Concat, vec![separator, text]), DataType::STRING);
        let function = AggregateFunction::Concat;
        let call = Aggregate { function, distinct, argument: Some(part), filter, result: DataType::STRING, top: None };
        let all = self.add_call(whole, call)?;
        Ok(Expr::new(Node::Call(ScalarFunction::Substring, vec![all, from]), DataType::STRING))
    }

    /// The arguments of LISTAGG(text [, separator]) and PERCENTILE(number, fraction).
    fn two_parts(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        list: &ast::FunctionArgumentList,
        filter: Option<&ast::Expr>,
    ) -> Result<Parts, SqlError> {
        use ast::{FunctionArg as Arg, FunctionArgExpr as Is};
        let filter = filter.map(|condition| self.bind_condition(condition)).transpose()?;
        match list.args.as_slice() {
            [Arg::Unnamed(Is::Expr(text))] if name == "LISTAGG" => {
                Ok((AggregateFunction::Concat, Some(self.bind(text)?), filter, None))
            }
            [Arg::Unnamed(Is::Expr(first)), Arg::Unnamed(Is::Expr(second))] => {
                let argument = self.bind(first)?;
                let bound = self.bind(second)?;
                let constant = if name == "PERCENTILE" { coerced(bound, DataType::Double) } else { bound };
                let fits = match constant.as_literal() {
                    Some(Value::Double(fraction)) => name == "PERCENTILE" && (0.0..=1.0).contains(fraction),
                    Some(Value::String(_)) => name == "LISTAGG",
                    _ => false,
                };
                if !fits {
                    let wanted = if name == "LISTAGG" { "a constant text" } else { "a constant from 0 to 1" };
                    return Err(self.error(second, format!("expected {wanted} as the second argument of {name}")));
                }
                Ok((AggregateFunction::Concat, Some(argument), filter, Some(constant)))
            }
            arguments => {
                let form =
                    if name == "LISTAGG" { "LISTAGG(text [, separator])" } else { "PERCENTILE(number, fraction)" };
                let error = self.error(whole, format!("{name} does not take {} arguments", arguments.len()));
                Err(error.hint(format!("write {form}")))
            }
        }
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
            "FIRST_VALUE" => AggregateFunction::First,
            "LAST_VALUE" => AggregateFunction::Last,
            "APPROX_COUNT_DISTINCT" => AggregateFunction::Sketch,
            "ARRAY_AGG" => AggregateFunction::Concat,
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

/// The function, its argument, FILTER and a second argument.
type Parts = (AggregateFunction, Option<Expr>, Option<Expr>, Option<Expr>);

/// What [`result_type`] does not say of the functions put together from others.
fn argument_fits(name: &str, argument: Option<&Expr>) -> bool {
    let data_type = argument.map_or(DataType::Null, Expr::data_type);
    match name {
        "LISTAGG" => data_type.is_text(),
        "PERCENTILE" => data_type.is_numeric(),
        _ => true,
    }
}

/// Flink's result types; `None` if the function does not take the argument.
fn result_type(function: AggregateFunction, argument: Option<DataType>) -> Option<DataType> {
    let argument = argument.unwrap_or(DataType::Null);
    match function {
        AggregateFunction::CountStar | AggregateFunction::Count => Some(DataType::BigInt),
        // It is no call of a query's.
        AggregateFunction::Top => None,
        AggregateFunction::Sketch => (argument != DataType::Null).then_some(DataType::BYTES),
        AggregateFunction::Concat => Some(if argument.is_text() { DataType::STRING } else { DataType::BYTES }),
        AggregateFunction::First | AggregateFunction::Last => (argument != DataType::Null).then_some(argument),
        AggregateFunction::Min | AggregateFunction::Max => (argument != DataType::Null
            && !matches!(argument, DataType::VarBinary(_) | DataType::Nested(_)))
        .then_some(argument),
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
