//! CAST: from every basic type to those that Flink casts it to, with Java's conversions between numbers.

use std::borrow::Cow;

use super::calendar::{self, MILLIS_PER_DAY};
use super::nested::text::nested_text;
use super::{DataType, EvalError, Nested, NestedType, Timestamp, Value, decimal};

/// Whether CAST(from AS to) exists at all.
pub(crate) fn is_castable(from: DataType, to: DataType) -> bool {
    use DataType as T;
    if from == T::Null || from == to {
        return true;
    }
    match (from, to) {
        (T::Null, _) => true,
        (_, T::Null) => false,
        (f, t) if f.is_text() && t.is_text() => true,
        (T::Nested(f), T::Nested(t)) => is_nested(&f, &t, is_castable),
        (f, t) if f.nested().is_some() => t.is_text(),
        (_, T::Nested(_)) => false,
        (f, T::VarBinary(_)) => f.is_text() || matches!(f, T::VarBinary(_)),
        (T::VarBinary(_), t) => t.is_text(),
        (f, t) if f.is_text() => !t.is_interval(),
        (f, t) if t.is_text() => !f.is_interval(),
        (f, t) if f.is_numeric() && t.is_numeric() => true,
        (T::Boolean, t) => t.is_numeric(),
        (f, T::Boolean) => f.is_integer() || f.is_approximate() || matches!(f, T::Decimal { .. }),
        (f, t) if f.is_timestamp() => t.is_timestamp() || matches!(t, T::Date | T::Time),
        (T::Date, t) => t.is_timestamp(),
        _ => false,
    }
}

/// Whether Flink converts `from` to `to` by itself when a query's row goes into a table (LogicalTypeCasts, implicit).
pub(crate) fn is_implicit(from: DataType, to: DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) => true,
        (f, t) if f == t => true,
        (T::Nested(f), T::Nested(t)) => is_nested(&f, &t, is_implicit),
        (f, t) if f.is_text() => matches!(t, T::VarChar(_)) || matches!((f, t), (T::Char(_), T::Char(_))),
        (T::VarBinary(_), T::VarBinary(_)) => true,
        (f, T::Decimal { .. } | T::Double) => f.is_numeric(),
        (f, T::Float) => f.is_integer() || matches!(f, T::Float | T::Decimal { .. }),
        (f, t) if f.is_integer() && t.is_integer() => f <= t,
        (f, t) if f.is_timestamp() && t.is_timestamp() => true,
        (T::Timestamp(_), T::Date | T::Time) => true,
        _ => false,
    }
}

/// Whether what `from` is made of can be made into what `to` is made of.
fn is_nested(from: &NestedType, to: &NestedType, can: fn(DataType, DataType) -> bool) -> bool {
    let same_kind = std::mem::discriminant(from) == std::mem::discriminant(to);
    let (from, to) = (from.parts(), to.parts());
    same_kind && from.len() == to.len() && from.into_iter().zip(to).all(|(from, to)| from == to || can(from, to))
}

/// The value in another type. The types are castable; NULL stays NULL.
pub(crate) fn cast(value: Value<'_>, from: DataType, to: DataType) -> Result<Value<'_>, EvalError> {
    if value.is_null() || from == to {
        return Ok(value);
    }
    match to {
        DataType::Char(_) | DataType::VarChar(_) => Ok(sized(to_text(value, from), to)),
        DataType::VarBinary(length) => Ok(to_bytes(value, length)),
        DataType::Boolean => to_boolean(value),
        DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt => to_integer(value, from, to),
        DataType::Float | DataType::Double => to_double(value, from, to),
        DataType::Decimal { .. } => to_decimal(value, from, to),
        DataType::Date => to_date(value),
        DataType::Time => to_time(value),
        DataType::Timestamp(precision) | DataType::TimestampLtz(precision) => to_timestamp(value, to, precision),
        DataType::Nested(to) => to_nested(&value, from, &to),
        DataType::IntervalDayTime | DataType::IntervalYearMonth | DataType::Null => Err(shape()),
    }
}

/// Each part in its type.
fn to_nested(value: &Value<'_>, from: DataType, to: &NestedType) -> Result<Value<'static>, EvalError> {
    let (Value::Nested(value), Some(from)) = (value, from.nested()) else { return Err(shape()) };
    let (from, to) = (from.parts(), to.parts());
    let part = |value: &Value<'static>, at: usize| match (from.get(at), to.get(at)) {
        (Some(from), Some(to)) => cast(value.clone(), *from, *to),
        _ => Err(shape()),
    };
    Ok(match &**value {
        Nested::Array(elements) => {
            Value::array(elements.iter().map(|element| part(element, 0)).collect::<Result<_, _>>()?)
        }
        Nested::Row(fields) => {
            let fields = fields.iter().enumerate().map(|(at, field)| part(field, at));
            Value::row(fields.collect::<Result<_, _>>()?)
        }
        // The value of a multiset's entry is a count.
        Nested::Map(entries) => {
            let count = |value: &Value<'static>| if to.len() == 1 { Ok(value.clone()) } else { part(value, 1) };
            let entries = entries.iter().map(|(key, value)| Ok((part(key, 0)?, count(value)?)));
            Value::map(entries.collect::<Result<_, EvalError>>()?)
        }
    })
}

fn shape() -> EvalError {
    EvalError::Shape("a cast that is none")
}

/// The error of a text that is no value of a type.
pub(super) fn refused(text: &str, to: DataType) -> EvalError {
    /// Enough to recognise the value in a log line.
    const SHOWN: usize = 60;
    let mut value: String = text.chars().take(SHOWN).collect();
    if value.len() < text.len() {
        value.push_str("..");
    }
    EvalError::Cast { value: format!("'{value}'"), target: to.to_string() }
}

/// The text of a value, as CAST to STRING writes it.
pub(crate) fn to_text(value: Value<'_>, from: DataType) -> Cow<'_, str> {
    match value {
        Value::String(text) => text,
        Value::Null => Cow::Borrowed(""),
        Value::Boolean(true) => Cow::Borrowed("TRUE"),
        Value::Boolean(false) => Cow::Borrowed("FALSE"),
        Value::Integer(v) => Cow::Owned(v.to_string()),
        Value::Double(v) if from == DataType::Float => Cow::Owned(float_text(v as f32)),
        Value::Double(v) => Cow::Owned(double_text(v)),
        Value::Decimal(v) => Cow::Owned(decimal::text(v, decimal::scale_of(from))),
        Value::Bytes(v) => Cow::Owned(String::from_utf8_lossy(&v).into_owned()),
        Value::Date(v) => Cow::Owned(calendar::date_text(i64::from(v))),
        Value::Time(v) => Cow::Owned(calendar::time_text(v)),
        Value::Timestamp(v) => {
            let precision = match from {
                DataType::Timestamp(precision) | DataType::TimestampLtz(precision) => precision,
                _ => 3,
            };
            Cow::Owned(calendar::timestamp_text(v, precision))
        }
        Value::Nested(v) => Cow::Owned(nested_text(&v, from)),
    }
}

/// CHAR(n) pads and cuts, VARCHAR(n) cuts.
fn sized(text: Cow<'_, str>, to: DataType) -> Value<'_> {
    let (length, pad) = match to {
        DataType::STRING => return Value::String(text),
        DataType::Char(n) => (n as usize, true),
        DataType::VarChar(n) => (n as usize, false),
        _ => return Value::String(text),
    };
    if let Some((end, _)) = text.char_indices().nth(length) {
        return Value::String(match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        });
    }
    let missing = length - text.chars().count();
    if !pad || missing == 0 {
        return Value::String(text);
    }
    let mut text = text.into_owned();
    text.extend(std::iter::repeat_n(' ', missing));
    Value::String(Cow::Owned(text))
}

fn to_bytes(value: Value<'_>, length: u32) -> Value<'_> {
    let bytes = match value {
        Value::Bytes(bytes) => bytes,
        Value::String(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Value::String(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        other => return other,
    };
    if bytes.len() <= length as usize {
        return Value::Bytes(bytes);
    }
    Value::Bytes(match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[..length as usize]),
        Cow::Owned(mut bytes) => {
            bytes.truncate(length as usize);
            Cow::Owned(bytes)
        }
    })
}

fn to_boolean(value: Value<'_>) -> Result<Value<'_>, EvalError> {
    Ok(Value::Boolean(match &value {
        Value::Boolean(v) => *v,
        Value::Integer(v) => *v != 0,
        Value::Double(v) => *v != 0.0,
        Value::Decimal(v) => *v != 0,
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "1" => true,
            "f" | "false" | "n" | "no" | "0" => false,
            _ => return Err(refused(text, DataType::Boolean)),
        },
        _ => return Err(shape()),
    }))
}

fn to_integer(value: Value<'_>, from: DataType, to: DataType) -> Result<Value<'_>, EvalError> {
    Ok(Value::Integer(match &value {
        Value::Integer(v) => to.wrap(*v),
        // Java: to BYTE and SHORT by way of int; out of range ends at the ends.
        Value::Double(v) if to == DataType::BigInt => *v as i64,
        Value::Double(v) => to.wrap(i64::from(*v as i32)),
        Value::Decimal(v) => to.wrap((v / decimal::power_of_ten(decimal::scale_of(from))) as i64),
        Value::Boolean(v) => i64::from(*v),
        Value::String(text) => integer_of_text(text.trim(), to).ok_or_else(|| refused(text, to))?,
        _ => return Err(shape()),
    }))
}

/// An integer; digits after a point are read and dropped, as Flink does.
fn integer_of_text(text: &str, to: DataType) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    (to.wrap(value) == value).then_some(value)
}

fn to_double(value: Value<'_>, from: DataType, to: DataType) -> Result<Value<'_>, EvalError> {
    let double = match &value {
        Value::Double(v) => *v,
        // Java rounds once: an integer goes to float directly, not by way of double.
        Value::Integer(v) if to == DataType::Float => return Ok(Value::Double(f64::from(*v as f32))),
        Value::Integer(v) => *v as f64,
        Value::Decimal(v) => {
            let text = decimal::text(*v, decimal::scale_of(from));
            text.parse().map_err(|_| refused(&text, to))?
        }
        Value::Boolean(v) => f64::from(u8::from(*v)),
        Value::String(text) => text.trim().parse().map_err(|_| refused(text, to))?,
        _ => return Err(shape()),
    };
    Ok(Value::Double(if to == DataType::Float { f64::from(double as f32) } else { double }))
}

fn to_decimal(value: Value<'_>, from: DataType, to: DataType) -> Result<Value<'_>, EvalError> {
    Ok(match &value {
        Value::Decimal(v) => decimal::to_type(*v, decimal::scale_of(from), to),
        Value::Integer(v) => decimal::to_type(i128::from(*v), 0, to),
        Value::Boolean(v) => decimal::to_type(i128::from(*v), 0, to),
        Value::Double(v) => match decimal::parse(&double_text(*v)) {
            Some((unscaled, scale)) => decimal::to_type(unscaled, scale, to),
            None => Value::Null,
        },
        Value::String(text) => match decimal::parse(text.trim()) {
            Some((unscaled, scale)) => decimal::to_type(unscaled, scale, to),
            None => return Err(refused(text, to)),
        },
        _ => return Err(shape()),
    })
}

fn to_date(value: Value<'_>) -> Result<Value<'_>, EvalError> {
    Ok(match &value {
        Value::Date(v) => Value::Date(*v),
        Value::Timestamp(v) => Value::Date(v.millis.div_euclid(MILLIS_PER_DAY) as i32),
        Value::String(text) => match calendar::parse_timestamp(text).or_else(|| calendar::parse_year_or_month(text)) {
            Some(ts) => Value::Date(ts.millis.div_euclid(MILLIS_PER_DAY) as i32),
            None => return Err(refused(text, DataType::Date)),
        },
        _ => return Err(shape()),
    })
}

fn to_time(value: Value<'_>) -> Result<Value<'_>, EvalError> {
    Ok(match &value {
        Value::Time(v) => Value::Time(*v),
        // TIME has no fraction of a second.
        Value::Timestamp(v) => Value::Time((v.millis.rem_euclid(MILLIS_PER_DAY) / 1000 * 1000) as i32),
        Value::String(text) => match calendar::parse_time(text) {
            Some(millis) => Value::Time(millis),
            None => return Err(refused(text, DataType::Time)),
        },
        _ => return Err(shape()),
    })
}

/// TIMESTAMP and TIMESTAMP_LTZ hold the same number, since the session's zone is UTC.
fn to_timestamp(value: Value<'_>, to: DataType, precision: u8) -> Result<Value<'_>, EvalError> {
    let ts = match &value {
        Value::Timestamp(v) => *v,
        Value::Date(v) => Timestamp::from_millis(i64::from(*v) * MILLIS_PER_DAY),
        Value::String(text) =>
        // ISO 8601 is not taken here, though it is elsewhere.
        {
            calendar::parse_loose_timestamp(text).filter(|_| !text.contains('T')).ok_or_else(|| refused(text, to))?
        }
        _ => return Err(shape()),
    };
    Ok(Value::Timestamp(calendar::truncate(ts, precision)))
}

/// A double as Java's `Double.toString` writes it: the fewest digits that tell it from its neighbours, with an exponent below
/// 0.001 and from 10,000,000 on.
pub(crate) fn double_text(value: f64) -> String {
    java_text(value, two_digits(format!("{value:e}"), || format!("{value:.1e}")), value.abs())
}

/// A float as Java's `Float.toString` writes it.
pub(crate) fn float_text(value: f32) -> String {
    let text = two_digits(format!("{value:e}"), || format!("{value:.1e}"));
    java_text(f64::from(value), text, f64::from(value.abs()))
}

/// Where one digit tells a number from its neighbours, Java writes the two that are closest to it: the least DOUBLE is 4.9E-324.
fn two_digits(shortest: String, longer: impl FnOnce() -> String) -> String {
    if shortest.contains('.') {
        return shortest;
    }
    let longer = longer();
    if longer.contains(".0e") { shortest } else { longer }
}

fn java_text(value: f64, scientific: String, magnitude: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = |mantissa: &str| if mantissa.contains('.') { mantissa.to_owned() } else { format!("{mantissa}.0") };
    if magnitude != 0.0 && !(1e-3..1e7).contains(&magnitude) {
        return format!("{}E{exponent}", point(mantissa));
    }
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}.0", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}
