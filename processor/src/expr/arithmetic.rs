//! Arithmetic as Flink's generated Java does it: integers wrap around, integer division truncates, decimals beyond their
//! precision are NULL.

use super::calendar::{self, MILLIS_PER_DAY};
use super::node::Arithmetic;
use super::{DataType, EvalError, Expr, Timestamp, Value, decimal};

/// `left op right`, computed in the way of the result's type.
pub(super) fn binary<'r>(
    op: Arithmetic,
    left: &'r Expr,
    right: &'r Expr,
    result: DataType,
    row: &'r [Value<'r>],
) -> Result<Value<'r>, EvalError> {
    let (a, b) = (left.eval(row)?, right.eval(row)?);
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Integer(a), Value::Integer(b)) => Ok(Value::Integer(result.wrap(integers(op, a, b)?))),
        (Value::Double(a), Value::Double(b)) if result == DataType::Float => {
            Ok(Value::Double(f64::from(floats(op, a as f32, b as f32))))
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(doubles(op, a, b))),
        (Value::Decimal(a), Value::Decimal(b)) => {
            let (left, right) = (decimal::scale_of(left.data_type()), decimal::scale_of(right.data_type()));
            decimal::binary(op, (a, left), (b, right), result)
        }
        _ => Err(EvalError::Shape("arithmetic on values of two kinds")),
    }
}

fn integers(op: Arithmetic, a: i64, b: i64) -> Result<i64, EvalError> {
    Ok(match op {
        Arithmetic::Plus => a.wrapping_add(b),
        Arithmetic::Minus => a.wrapping_sub(b),
        Arithmetic::Times => a.wrapping_mul(b),
        Arithmetic::Divide | Arithmetic::Modulo if b == 0 => return Err(EvalError::DivisionByZero),
        Arithmetic::Divide => a.wrapping_div(b),
        Arithmetic::Modulo => a.wrapping_rem(b),
    })
}

fn floats(op: Arithmetic, a: f32, b: f32) -> f32 {
    match op {
        Arithmetic::Plus => a + b,
        Arithmetic::Minus => a - b,
        Arithmetic::Times => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Modulo => a % b,
    }
}

fn doubles(op: Arithmetic, a: f64, b: f64) -> f64 {
    match op {
        Arithmetic::Plus => a + b,
        Arithmetic::Minus => a - b,
        Arithmetic::Times => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Modulo => a % b,
    }
}

/// `-value`.
pub(super) fn negate(value: Value<'_>, result: DataType) -> Result<Value<'_>, EvalError> {
    Ok(match value {
        Value::Null => Value::Null,
        Value::Integer(v) => Value::Integer(result.wrap(v.wrapping_neg())),
        Value::Double(v) => Value::Double(-v),
        Value::Decimal(v) => Value::Decimal(-v),
        _ => return Err(EvalError::Shape("minus before a value that is no number")),
    })
}

/// A time plus an interval. A sum of months that meets a shorter month ends on that month's last day; a TIME wraps at midnight.
pub(super) fn plus_interval<'r>(
    value: &Value<'r>,
    interval: &Value<'r>,
    interval_type: DataType,
    negative: bool,
) -> Result<Value<'r>, EvalError> {
    let amount = match interval {
        Value::Integer(amount) => *amount,
        _ => return Ok(Value::Null),
    };
    let amount = if negative { amount.wrapping_neg() } else { amount };
    let months = interval_type == DataType::IntervalYearMonth;
    Ok(match value {
        Value::Timestamp(ts) if months => {
            let days = calendar::add_months(ts.millis.div_euclid(MILLIS_PER_DAY), amount);
            let time = ts.millis.rem_euclid(MILLIS_PER_DAY);
            let millis = days.wrapping_mul(MILLIS_PER_DAY).wrapping_add(time);
            Value::Timestamp(Timestamp { millis, nanos: ts.nanos })
        }
        Value::Timestamp(ts) => Value::Timestamp(Timestamp { millis: ts.millis.wrapping_add(amount), nanos: ts.nanos }),
        Value::Date(day) if months => Value::Date(calendar::add_months(i64::from(*day), amount) as i32),
        Value::Date(day) => Value::Date(day.wrapping_add((amount / MILLIS_PER_DAY) as i32)),
        Value::Time(time) if !months => {
            Value::Time(i64::from(*time).wrapping_add(amount % MILLIS_PER_DAY).rem_euclid(MILLIS_PER_DAY) as i32)
        }
        Value::Null => Value::Null,
        _ => return Err(EvalError::Shape("an interval is added to what is no time")),
    })
}
