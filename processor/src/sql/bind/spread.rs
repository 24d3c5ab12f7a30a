//! STDDEV and VAR, put together from sums and a count as Flink does it (FlinkAggregateReduceFunctionsRule), so their results are of the
//! argument's type: of integers everything is computed in integers.

use sqlparser::ast;

use super::super::error::SqlError;
use super::{Binder, coerced};
use crate::expr::{Arithmetic, Comparison, DataType, Expr, Node, ScalarFunction, Value};
use crate::plan::{Aggregate, AggregateFunction};

/// The functions put together here, and those that they are other names of.
pub(super) const NAMES: &[&str] = &["STDDEV_POP", "STDDEV_SAMP", "STDDEV", "VAR_POP", "VAR_SAMP", "VARIANCE"];

impl Binder<'_> {
    /// `(SUM(x * x) - SUM(x) * SUM(x) / COUNT(x)) / n`, of STDDEV its root; n is the count, of a sample one less and NULL for one value.
    pub(super) fn spread(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        (argument, filter): (Expr, Option<Expr>),
        result: DataType,
    ) -> Result<Expr, SqlError> {
        let square = self.arithmetic_of(whole, Arithmetic::Times, argument.clone(), argument.clone())?;
        let sum = |argument: Expr| Aggregate {
            function: AggregateFunction::Sum,
            distinct: false,
            result: match argument.data_type() {
                DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale },
                other => other,
            },
            argument: Some(argument),
            filter: filter.clone(),
            top: None,
        };
        let (squares, values) = (sum(square), sum(argument.clone()));
        let count = Aggregate {
            function: AggregateFunction::Count,
            distinct: false,
            argument: Some(argument),
            filter: filter.clone(),
            result: DataType::BigInt,
            top: None,
        };
        let squares = self.add_call(whole, squares)?;
        let values = self.add_call(whole, values)?;
        let count = self.add_call(whole, count)?;
        let product = self.arithmetic_of(whole, Arithmetic::Times, values.clone(), values)?;
        let mean = self.arithmetic_of(whole, Arithmetic::Divide, product, count.clone())?;
        let difference = self.arithmetic_of(whole, Arithmetic::Minus, squares, mean)?;
        let divisor = if matches!(name, "STDDEV_POP" | "VAR_POP") { count } else { sample_size(count) };
        let variance = self.arithmetic_of(whole, Arithmetic::Divide, difference, divisor)?;
        if !name.starts_with("STDDEV") {
            return Ok(coerced(variance, result));
        }
        let half = Expr::literal(Value::Double(0.5), DataType::Double);
        let root = Node::Call(ScalarFunction::Power, vec![coerced(variance, DataType::Double), half]);
        Ok(coerced(Expr::new(root, DataType::Double), result))
    }
}

/// `CASE WHEN count = 1 THEN NULL ELSE count - 1 END`.
fn sample_size(count: Expr) -> Expr {
    let one = || Box::new(Expr::literal(Value::Integer(1), DataType::BigInt));
    let is_one = Expr::new(Node::Compare(Comparison::Equal, Box::new(count.clone()), one()), DataType::Boolean);
    let less = Expr::new(Node::Arithmetic(Arithmetic::Minus, Box::new(count), one()), DataType::BigInt);
    let null = Expr::literal(Value::Null, DataType::BigInt);
    Expr::new(Node::Case { branches: vec![(is_one, null)], otherwise: Box::new(less) }, DataType::BigInt)
}
