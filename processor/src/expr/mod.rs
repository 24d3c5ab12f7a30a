//! Typed expressions over rows of decoded columns, with Flink's types, NULL rules and arithmetic.

mod data_type;
mod error;
mod value;

pub use data_type::DataType;
pub use error::EvalError;
pub use value::{Timestamp, Value};

/// An expression, typed and ready to be evaluated.
///
/// It is built by the planner (or by [`Expr::column`] and [`Expr::literal`]); column references are positions in the row it
/// is evaluated over.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    node: Node,
    data_type: DataType,
}

/// What an expression does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// The value at this position of the row.
    Column(usize),
    /// A constant.
    Literal(Value<'static>),
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

    /// Computes the value over `row`. A result may borrow from the row and from the expression.
    ///
    /// # Errors
    /// What makes a Flink job fail: a division of integers by zero, a CAST of a text that does not fit.
    #[inline]
    pub fn eval<'r>(&'r self, row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
        match &self.node {
            Node::Column(index) => Ok(row[*index].borrowed()),
            Node::Literal(value) => Ok(value.borrowed()),
        }
    }

    /// Computes a condition: true only if the result is TRUE, as WHERE and HAVING want it (NULL is not true).
    ///
    /// # Errors
    /// As [`Expr::eval`].
    #[inline]
    pub fn eval_condition<'r>(&'r self, row: &'r [Value<'r>]) -> Result<bool, EvalError> {
        Ok(matches!(self.eval(row)?, Value::Boolean(true)))
    }
}
