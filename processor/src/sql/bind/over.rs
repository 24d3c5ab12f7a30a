//! Calls with OVER: aggregates, ROW_NUMBER and LAG over rows before each row.

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::super::error::SqlError;
use super::super::position;
use super::{Binder, aggregate, coerced};
use crate::expr::{DataType, Expr, Node, Value};
use crate::plan::{Aggregate, AggregateFunction, OverCall};

/// Where the numbers of LAG's results begin in [`Node::Aggregate`], behind those of the aggregates.
pub(crate) const LAGS: usize = 1 << 20;

/// The most rows that LAG looks back.
pub(crate) const MAX_LAG: i64 = 10_000;

/// What a query's calls with OVER are.
#[derive(Debug, Default)]
pub(crate) struct OverCalls {
    /// The windows, as they are written, with what is called over them.
    pub windows: Vec<(ast::WindowType, OverKind, Span)>,
    /// The calls of LAG; aggregates are gathered as those of GROUP BY.
    pub lags: Vec<OverCall>,
}

/// What is called, as far as its frame depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverKind {
    /// An aggregate function: the frame is the window's.
    Aggregate,
    /// ROW_NUMBER: all rows before.
    RowNumber,
    /// LAG: all rows of the same time and before (Calcite: `SqlToRelConverter.convertOver`).
    Lag,
}

impl Binder<'_> {
    /// Binds a call of `name` with OVER.
    pub(super) fn over_call(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        function: &ast::Function,
        window: &ast::WindowType,
    ) -> Result<Expr, SqlError> {
        if self.inside_aggregate {
            return Err(self.error(whole, "OVER inside of an aggregate function"));
        }
        let kind = match name {
            "APPROX_COUNT_DISTINCT" | "ARRAY_AGG" | "JSON_ARRAYAGG" | "JSON_OBJECTAGG" => {
                return Err(self.unsupported(whole, &format!("{name} with OVER")));
            }
            _ if aggregate::NAMES.contains(&name) => OverKind::Aggregate,
            "ROW_NUMBER" => OverKind::RowNumber,
            "LAG" => OverKind::Lag,
            "LEAD" => {
                return Err(self
                    .error(whole, "LEAD is not supported over a stream, as in Flink: the next row is yet to come")
                    .hint("LAG gives a row before"));
            }
            "RANK" | "DENSE_RANK" | "PERCENT_RANK" | "CUME_DIST" | "NTILE" => {
                return Err(self.error(whole, format!("{name} is not supported over a stream")));
            }
            _ => return Err(self.error(whole, format!("{name} is no aggregate function, so it takes no OVER"))),
        };
        if let Some(over) = &mut self.over {
            over.windows.push((window.clone(), kind, position::of(whole)));
        }
        match kind {
            OverKind::Aggregate => self.aggregate(whole, name, function),
            OverKind::RowNumber => {
                let call = Aggregate {
                    function: AggregateFunction::CountStar,
                    distinct: false,
                    argument: None,
                    filter: None,
                    result: DataType::BigInt,
                    top: None,
                };
                self.add_call(whole, call)
            }
            OverKind::Lag => self.lag(whole, function),
        }
    }

    /// LAG(value [, offset [, default]]).
    fn lag(&mut self, whole: &ast::Expr, function: &ast::Function) -> Result<Expr, SqlError> {
        let arguments = self.plain_arguments(whole, "LAG", function)?;
        let (value, offset, default) = match arguments[..] {
            [value] => (value, None, None),
            [value, offset] => (value, Some(offset), None),
            [value, offset, default] => (value, Some(offset), Some(default)),
            _ => {
                return Err(
                    self.error(whole, "LAG takes one to three arguments: a value, how many rows before, a default")
                );
            }
        };
        let offset = match offset {
            None => 1,
            Some(expr) => match self.bind(expr)?.as_literal() {
                Some(Value::Integer(rows)) if (0..=MAX_LAG).contains(rows) => *rows as usize,
                _ => {
                    return Err(
                        self.error(expr, format!("LAG looks back by a constant number of rows, 0 to {MAX_LAG}"))
                    );
                }
            },
        };
        self.inside_aggregate = true;
        let argument = self.bind(value);
        self.inside_aggregate = false;
        let argument = argument?;
        let data_type = argument.data_type();
        let default = match default {
            None => Expr::literal(Value::Null, data_type),
            Some(expr) => {
                let bound = self.bind(expr)?;
                if !crate::expr::cast::is_implicit(bound.data_type(), data_type) || !bound.is_constant() {
                    return Err(self.error(expr, format!("the default of LAG is a constant of type {data_type}")));
                }
                coerced(bound, data_type).folded()
            }
        };
        let call = OverCall::Lag { argument, offset, default };
        let Some(over) = &mut self.over else { return Err(self.error(whole, "LAG in the wrong place")) };
        let at = over.lags.iter().position(|other| *other == call).unwrap_or_else(|| {
            over.lags.push(call);
            over.lags.len() - 1
        });
        Ok(Expr::new(Node::Aggregate(LAGS + at), data_type))
    }
}
