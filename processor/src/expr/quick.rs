//! Event times and watermarks, which are computed for each record, without a walk over the expression.

use super::function::{ScalarFunction, time::to_timestamp_ltz};
use super::{DataType, EvalError, Expr, Node, Timestamp, Value};

/// An expression that is computed for each record.
#[derive(Clone, Debug)]
pub struct QuickExpr {
    expr: Expr,
    shape: Shape,
}

/// What most event times and watermarks look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `TO_TIMESTAMP_LTZ(column, 3)`, or with 0 for `seconds`.
    Epoch { column: usize, seconds: bool },
    /// A column of timestamps to which so many ms are added.
    Shifted { column: usize, ms: i64 },
    /// Anything else.
    Other,
}

impl QuickExpr {
    /// The same as `expr`.
    #[must_use]
    pub fn new(expr: &Expr) -> QuickExpr {
        let shape = epoch(expr).or_else(|| shifted(expr)).unwrap_or(Shape::Other);
        QuickExpr { expr: expr.clone(), shape }
    }

    /// The column of the number that it is the moment of, and whether that counts seconds.
    #[must_use]
    pub fn as_epoch(&self) -> Option<(usize, bool)> {
        match self.shape {
            Shape::Epoch { column, seconds } => Some((column, seconds)),
            Shape::Shifted { .. } | Shape::Other => None,
        }
    }

    /// The moment of `number`, where it is one of a number; NULL beyond the years 0 to 9999.
    #[inline]
    #[must_use]
    pub fn epoch_millis(number: i64, seconds: bool) -> Option<i64> {
        match to_timestamp_ltz(&Value::Integer(number), seconds, DataType::BigInt) {
            Value::Timestamp(time) => Some(time.millis),
            _ => None,
        }
    }

    /// The column of timestamps, and how many ms are added to it.
    #[must_use]
    pub fn as_shifted(&self) -> Option<(usize, i64)> {
        match self.shape {
            Shape::Shifted { column, ms } => Some((column, ms)),
            Shape::Epoch { .. } | Shape::Other => None,
        }
    }

    /// As [`Expr::eval`].
    ///
    /// # Errors
    /// As [`Expr::eval`].
    #[inline]
    pub fn eval<'r>(&'r self, row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
        match self.shape {
            Shape::Epoch { column, seconds } if let Some(number @ Value::Integer(_)) = row.get(column) => {
                Ok(to_timestamp_ltz(number, seconds, DataType::BigInt))
            }
            Shape::Shifted { column, ms } if let Some(Value::Timestamp(time)) = row.get(column) => {
                Ok(Value::Timestamp(Timestamp { millis: time.millis.wrapping_add(ms), nanos: time.nanos }))
            }
            _ => self.expr.eval(row),
        }
    }
}

fn epoch(expr: &Expr) -> Option<Shape> {
    match &expr.node {
        Node::Call(ScalarFunction::ToTimestampLtz { seconds }, arguments) => {
            let [number] = &arguments[..] else { return None };
            Some(Shape::Epoch { column: number.as_column()?, seconds: *seconds })
        }
        _ => None,
    }
}

fn shifted(expr: &Expr) -> Option<Shape> {
    match &expr.node {
        Node::Column(column) => Some(Shape::Shifted { column: *column, ms: 0 }),
        Node::PlusInterval { input, interval, negative } if interval.data_type != DataType::IntervalYearMonth => {
            let Some(Value::Integer(ms)) = interval.as_literal() else { return None };
            let ms = if *negative { ms.wrapping_neg() } else { *ms };
            Some(Shape::Shifted { column: input.as_column()?, ms })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minus(ms: i64, interval: DataType, negative: bool) -> Expr {
        let input = Box::new(Expr::column(1, DataType::TimestampLtz(3)));
        let interval = Box::new(Expr::literal(Value::Integer(ms), interval));
        Expr::new(Node::PlusInterval { input, interval, negative }, DataType::TimestampLtz(3))
    }

    fn from_epoch(seconds: bool) -> Expr {
        let number = vec![Expr::column(0, DataType::BigInt)];
        Expr::new(Node::Call(ScalarFunction::ToTimestampLtz { seconds }, number), DataType::TimestampLtz(3))
    }

    #[test]
    fn is_what_the_expression_is() {
        let time = |millis, nanos| Value::Timestamp(Timestamp { millis, nanos });
        let quick = [
            from_epoch(false),
            from_epoch(true),
            minus(2_000, DataType::IntervalDayTime, true),
            minus(i64::MIN, DataType::IntervalDayTime, true),
            minus(5, DataType::IntervalDayTime, false),
            Expr::column(1, DataType::TimestampLtz(3)),
        ];
        let slow = [minus(1, DataType::IntervalYearMonth, true), Expr::literal(Value::Integer(7), DataType::BigInt)];
        for expr in quick.iter().chain(&slow) {
            assert_eq!(QuickExpr::new(expr).shape == Shape::Other, slow.contains(expr), "{expr:?}");
            for row in [
                [Value::Integer(1_700_000_000), time(1_700_000_000_123, 456_789)],
                [Value::Integer(253_402_300_800_000), time(i64::MAX, 0)],
                [Value::Integer(i64::MIN), time(-1, 1)],
                [Value::Null, Value::Null],
            ] {
                assert_eq!(QuickExpr::new(expr).eval(&row), expr.eval(&row), "{expr:?} over {row:?}");
            }
        }
        assert!(QuickExpr::new(&quick[0]).eval(&[]).is_err());
    }
}
