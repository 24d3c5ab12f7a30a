//! Typed expressions over rows of decoded columns, with Flink's types, NULL rules and arithmetic.

mod arithmetic;
mod cache;
pub(crate) mod calendar;
pub(crate) mod cast;
mod compare;
mod data_type;
mod date_pattern;
pub(crate) mod decimal;
mod error;
mod eval;
mod function;
pub(crate) mod json;
pub(crate) mod library;
pub(crate) mod like;
pub(crate) mod nested;
mod node;
mod quick;
pub(crate) mod render;
mod time_field;
mod user;
mod value;
mod volatile;
mod walk;
pub(crate) mod zone;

#[cfg(test)]
mod tests;

pub(crate) use compare::compare;
pub use data_type::DataType;
pub(crate) use date_pattern::DatePattern;
pub use decimal::MAX_DECIMAL_PRECISION;
pub use error::EvalError;
pub(crate) use function::{Metadata, ScalarFunction, TrimSide, WindowBound};
pub(crate) use like::LikePattern;
pub use nested::{KnownType, MAX_TYPE_DEPTH, Nested, NestedType, TypeLimit};
pub(crate) use node::{Arithmetic, Comparison, Node, TruthTest};
pub(crate) use quick::QuickExpr;
pub(crate) use time_field::{TimeField, Unit};
pub use user::{Closure, Functions, Outcome, SqlType, UserFunction};
pub use value::{Timestamp, Value};
pub(crate) use volatile::{Volatile, step_begins};

/// An expression, typed and ready to be evaluated.
///
/// It is built by the planner (or by [`Expr::column`] and [`Expr::literal`]); column references are positions in the row it
/// is evaluated over.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    node: Node,
    data_type: DataType,
}

impl Expr {
    /// The value at `index` of the row.
    pub fn column(index: usize, data_type: DataType) -> Self {
        Self { node: Node::Column(index), data_type }
    }

    /// A constant; `value` must be of `data_type`'s representation, see [`DataType`].
    pub fn literal(value: Value<'static>, data_type: DataType) -> Self {
        Self { node: Node::Literal(value), data_type }
    }

    /// An expression of a node whose parts the caller has typed.
    pub(crate) fn new(node: Node, data_type: DataType) -> Self {
        Self { node, data_type }
    }

    /// What the expression does.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The type of the result.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The position in the row, if this is nothing but a column.
    pub fn as_column(&self) -> Option<usize> {
        match self.node {
            Node::Column(index) => Some(index),
            _ => None,
        }
    }

    /// The value, if this is nothing but a constant.
    pub fn as_literal(&self) -> Option<&Value<'static>> {
        match &self.node {
            Node::Literal(value) => Some(value),
            _ => None,
        }
    }
}
