//! Order and equality of values that are not NULL.

use std::cmp::Ordering;

use super::{Comparison, EvalError, Value};

/// The order of two values of one representation; `None` if one is NaN. Texts are ordered by their UTF-8 bytes, as Flink's
/// `BinaryStringData` does.
pub(crate) fn compare(left: &Value<'_>, right: &Value<'_>) -> Result<Option<Ordering>, EvalError> {
    Ok(Some(match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Double(a), Value::Double(b)) => return Ok(a.partial_cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) | (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Nested(a), Value::Nested(b)) => return super::nested::compare_nested(a, b),
        _ => return Err(EvalError::Shape("values of two kinds are compared")),
    }))
}

/// Whether `op` holds for values in this order. With NaN only `<>` does, as in Java.
pub(super) fn holds(op: Comparison, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return op == Comparison::NotEqual };
    match op {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
