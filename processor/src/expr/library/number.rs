//! Functions of numbers.

use super::{Call, Function, Kind, MISSHAPEN, PLAIN, Returns};
use crate::expr::{DataType, EvalError, Expr, TypeLimit, Value, decimal};

const DOUBLE: Returns = Returns::Is(DataType::Double);

/// A function of one DOUBLE, which others are written down as differences from.
const OF_DOUBLE: Function = Function { arguments: &[Kind::Double], result: DOUBLE, ..PLAIN };

/// Functions of numbers. Doubles are computed by the system's library: the last bit may be other than Java's.
pub(crate) const NUMBERS: &[Function] = &[
    Function {
        name: "ACOS",
        form: "ACOS(number)",
        about: "the arc cosine",
        compute: |v, _| double(v, f64::acos),
        ..OF_DOUBLE
    },
    Function {
        name: "ASIN",
        form: "ASIN(number)",
        about: "the arc sine",
        compute: |v, _| double(v, f64::asin),
        ..OF_DOUBLE
    },
    Function {
        name: "ATAN",
        form: "ATAN(number)",
        about: "the arc tangent",
        compute: |v, _| double(v, f64::atan),
        ..OF_DOUBLE
    },
    Function {
        name: "ATAN2",
        form: "ATAN2(y, x)",
        about: "the angle of the point (x, y)",
        arguments: &[Kind::Double, Kind::Double],
        compute: |v, _| doubles(v, f64::atan2),
        ..OF_DOUBLE
    },
    Function {
        name: "COS",
        form: "COS(number)",
        about: "the cosine",
        compute: |v, _| double(v, f64::cos),
        ..OF_DOUBLE
    },
    Function {
        name: "COSH",
        form: "COSH(number)",
        about: "the hyperbolic cosine",
        compute: |v, _| double(v, f64::cosh),
        ..OF_DOUBLE
    },
    Function {
        name: "COT",
        form: "COT(number)",
        about: "the cotangent",
        compute: |v, _| double(v, |x| 1.0 / x.tan()),
        ..OF_DOUBLE
    },
    Function {
        name: "DEGREES",
        form: "DEGREES(number)",
        about: "an angle in degrees",
        compute: |v, _| double(v, |x| x * (180.0 / std::f64::consts::PI)),
        ..OF_DOUBLE
    },
    Function {
        name: "E",
        form: "E()",
        about: "Euler's number",
        arguments: &[],
        compute: |_, _| Ok(Value::Double(std::f64::consts::E)),
        ..OF_DOUBLE
    },
    Function {
        name: "LOG",
        form: "LOG([base,] number)",
        about: "the logarithm to the base, the natural one without",
        arguments: &[Kind::Double, Kind::Double],
        required: 1,
        compute: |values, _| match values {
            [_] => double(values, f64::ln),
            _ => doubles(values, |base, x| x.ln() / base.ln()),
        },
        ..OF_DOUBLE
    },
    Function {
        name: "LOG10",
        form: "LOG10(number)",
        about: "the logarithm to base 10",
        compute: |v, _| double(v, f64::log10),
        ..OF_DOUBLE
    },
    Function {
        name: "LOG2",
        form: "LOG2(number)",
        about: "the logarithm to base 2",
        compute: |v, _| double(v, |x| x.ln() / 2_f64.ln()),
        ..OF_DOUBLE
    },
    Function {
        name: "PI",
        form: "PI()",
        about: "pi",
        arguments: &[],
        compute: |_, _| Ok(Value::Double(std::f64::consts::PI)),
        ..OF_DOUBLE
    },
    Function {
        name: "RADIANS",
        form: "RADIANS(number)",
        about: "an angle in radians",
        compute: |v, _| double(v, |x| x / 180.0 * std::f64::consts::PI),
        ..OF_DOUBLE
    },
    Function {
        name: "SIGN",
        form: "SIGN(number)",
        about: "-1, 0 or 1, of the number's type",
        arguments: &[Kind::Number],
        result: OF_THE_NUMBER,
        compute: sign,
        ..PLAIN
    },
    Function { name: "SIN", form: "SIN(number)", about: "the sine", compute: |v, _| double(v, f64::sin), ..OF_DOUBLE },
    Function {
        name: "SINH",
        form: "SINH(number)",
        about: "the hyperbolic sine",
        compute: |v, _| double(v, f64::sinh),
        ..OF_DOUBLE
    },
    Function {
        name: "TAN",
        form: "TAN(number)",
        about: "the tangent",
        compute: |v, _| double(v, f64::tan),
        ..OF_DOUBLE
    },
    Function {
        name: "TANH",
        form: "TANH(number)",
        about: "the hyperbolic tangent",
        compute: |v, _| double(v, f64::tanh),
        ..OF_DOUBLE
    },
    Function {
        name: "TRUNCATE",
        form: "TRUNCATE(number [, digits])",
        about: "the number with so many digits after the point (none by default; below 0 before it), the others cut off",
        arguments: &[Kind::Number, Kind::Integer],
        required: 1,
        result: Returns::By("the number's type", truncated_type),
        compute: truncate,
        ..PLAIN
    },
];

const OF_THE_NUMBER: Returns =
    Returns::By("the number's type", |arguments| Ok(arguments.first().map_or(DataType::Null, Expr::data_type)));

fn double(values: &[Value<'_>], compute: fn(f64) -> f64) -> Result<Value<'static>, EvalError> {
    match values {
        [Value::Double(number)] => Ok(Value::Double(compute(*number))),
        _ => Err(MISSHAPEN),
    }
}

fn doubles(values: &[Value<'_>], compute: fn(f64, f64) -> f64) -> Result<Value<'static>, EvalError> {
    match values {
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(compute(*a, *b))),
        _ => Err(MISSHAPEN),
    }
}

fn sign(values: &[Value<'_>], call: &Call<'_>) -> Result<Value<'static>, EvalError> {
    match values {
        [Value::Integer(number)] => Ok(Value::Integer(number.signum())),
        [Value::Double(number)] if *number == 0.0 || number.is_nan() => Ok(Value::Double(*number)),
        [Value::Double(number)] => Ok(Value::Double(number.signum())),
        [Value::Decimal(number)] => Ok(decimal::to_type(number.signum(), 0, call.result)),
        _ => Err(MISSHAPEN),
    }
}

/// Of a DECIMAL to fewer digits as ROUND's.
fn truncated_type(arguments: &[Expr]) -> Result<DataType, TypeLimit> {
    let digits = arguments.get(1).map_or(Some(&Value::Integer(0)), Expr::as_literal);
    let number = arguments.first().map_or(DataType::Null, Expr::data_type);
    Ok(match digits {
        Some(Value::Integer(digits)) => decimal::rounded_type(number, *digits),
        _ => number,
    })
}

fn truncate(values: &[Value<'_>], call: &Call<'_>) -> Result<Value<'static>, EvalError> {
    let (number, digits) = match values {
        [number] => (number, 0),
        [number, Value::Integer(digits)] => (number, (*digits).clamp(-100, 100) as i32),
        _ => return Err(MISSHAPEN),
    };
    /// Makes digits zero, as many as say the scale and the digits that stay.
    fn cut(unscaled: i128, count: i32) -> i128 {
        match u8::try_from(count) {
            Err(_) | Ok(0) => unscaled,
            Ok(count) if count > 38 => 0,
            Ok(count) => unscaled - unscaled % decimal::power_of_ten(count),
        }
    }
    Ok(match number {
        Value::Integer(number) => Value::Integer(cut(i128::from(*number), -digits) as i64),
        Value::Decimal(number) => {
            let scale = call.arguments.first().map_or(0, |argument| decimal::scale_of(argument.data_type()));
            decimal::to_type(cut(*number, i32::from(scale) - digits), scale, call.result)
        }
        Value::Double(number) if !number.is_finite() => Value::Double(*number),
        Value::Double(number) => {
            let text = match call.result {
                DataType::Float => crate::expr::cast::float_text(*number as f32),
                _ => crate::expr::cast::double_text(*number),
            };
            let cut = decimal::parse(&text)
                .map(|(unscaled, scale)| decimal::text(cut(unscaled, i32::from(scale) - digits), scale));
            let cut: f64 = cut.and_then(|text| text.parse().ok()).unwrap_or(*number);
            Value::Double(if call.result == DataType::Float { f64::from(cut as f32) } else { cut })
        }
        _ => return Err(MISSHAPEN),
    })
}
