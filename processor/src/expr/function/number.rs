//! Functions of a number.

use std::borrow::Cow;

use super::super::{DataType, EvalError, Timestamp, Value, cast, decimal};
use super::ScalarFunction;

/// Calls a function whose first argument is a number, of the type `argument`; `result` is the call's type.
pub(super) fn call<'r>(
    function: &'r ScalarFunction,
    number: Value<'r>,
    digits: &Value<'r>,
    argument: DataType,
    result: DataType,
) -> Result<Value<'r>, EvalError> {
    Ok(match (function, number, digits) {
        (ScalarFunction::FromUnixtime(pattern), Value::Integer(seconds), _) => {
            let ts = Timestamp::from_millis(seconds.wrapping_mul(1000));
            Value::String(Cow::Owned(pattern.format(ts)))
        }
        (ScalarFunction::Abs, Value::Integer(v), _) => Value::Integer(result.wrap(v.wrapping_abs())),
        (ScalarFunction::Abs, Value::Double(v), _) => Value::Double(v.abs()),
        (ScalarFunction::Abs, Value::Decimal(v), _) => Value::Decimal(v.abs()),
        (ScalarFunction::Floor | ScalarFunction::Ceil, Value::Integer(v), _) => Value::Integer(v),
        (ScalarFunction::Floor, Value::Double(v), _) => Value::Double(v.floor()),
        (ScalarFunction::Ceil, Value::Double(v), _) => Value::Double(v.ceil()),
        (ScalarFunction::Floor, Value::Decimal(v), _) => {
            Value::Decimal(v.div_euclid(decimal::power_of_ten(decimal::scale_of(argument))))
        }
        (ScalarFunction::Ceil, Value::Decimal(v), _) => {
            Value::Decimal(-(-v).div_euclid(decimal::power_of_ten(decimal::scale_of(argument))))
        }
        (ScalarFunction::Round, number, Value::Integer(digits)) => round(number, *digits, argument, result),
        (ScalarFunction::Power, Value::Double(base), Value::Double(exponent)) => Value::Double(base.powf(*exponent)),
        (ScalarFunction::BytesOfDouble, Value::Double(v), _) => Value::Bytes(v.to_bits().to_be_bytes().to_vec().into()),
        (ScalarFunction::Sqrt, Value::Double(v), _) => Value::Double(v.sqrt()),
        (ScalarFunction::Exp, Value::Double(v), _) => Value::Double(v.exp()),
        (ScalarFunction::Ln, Value::Double(v), _) => Value::Double(v.ln()),
        _ => return Err(EvalError::Shape("a function got a number")),
    })
}

/// Half up, away from zero; doubles by way of their decimal digits, as Flink does.
fn round<'r>(number: Value<'r>, digits: i64, argument: DataType, result: DataType) -> Value<'r> {
    let digits = digits.clamp(-100, 100) as i32;
    match number {
        Value::Integer(v) if digits >= 0 => Value::Integer(v),
        Value::Integer(v) => Value::Integer(result.wrap(round_at(i128::from(v), -digits) as i64)),
        Value::Double(v) if !v.is_finite() => Value::Double(v),
        Value::Double(v) => match decimal::parse(&cast::double_text(v)) {
            Some((unscaled, scale)) => {
                let kept = round_at(unscaled, i32::from(scale) - digits);
                let text = decimal::text(kept, scale);
                Value::Double(text.parse().unwrap_or(v))
            }
            // Beyond 38 digits there is nothing after the point.
            None => Value::Double(v),
        },
        Value::Decimal(v) => {
            let scale = decimal::scale_of(argument);
            decimal::to_type(round_at(v, i32::from(scale) - digits), scale, result)
        }
        other => other,
    }
}

/// Makes the last `count` digits zero, rounding half up.
fn round_at(unscaled: i128, count: i32) -> i128 {
    match u8::try_from(count) {
        Err(_) => unscaled,
        Ok(0) => unscaled,
        Ok(count) if count > 38 => 0,
        Ok(count) => {
            let rounded = decimal::rescale(unscaled, count, 0).unwrap_or(0);
            rounded.checked_mul(decimal::power_of_ten(count)).unwrap_or(unscaled)
        }
    }
}
