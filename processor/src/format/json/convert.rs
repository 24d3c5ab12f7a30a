//! One JSON field to one value of a column's type.
//!
//! Flink: `JsonParserToRowDataConverters`. Numbers may come as strings and strings as numbers; a fraction is cut off for INT and
//! BIGINT; whatever is not the text `true` is FALSE.

use std::borrow::Cow;

use super::super::base64;
use super::super::datetime::{parse_date, parse_time, parse_timestamp};
use super::super::number::{parse_decimal, parse_double};
use crate::expr::{DataType, Value};
use crate::plan::TimestampFormat;

/// Digits that a DECIMAL may have for its value to survive a `f64` on the way.
const EXACT_IN_DOUBLE: u8 = 15;

/// What became of a field.
pub enum Converted<'a> {
    /// It is this value.
    Value(Value<'a>),
    /// Its text in the record is needed, which the streaming parser does not give.
    NeedsText,
    /// It does not fit the column.
    Mismatch,
}

impl<'a> Converted<'a> {
    fn from(value: Option<Value<'a>>) -> Converted<'a> {
        value.map_or(Converted::Mismatch, Converted::Value)
    }
}

fn integer_range(data_type: DataType) -> (i64, i64) {
    match data_type {
        DataType::TinyInt => (i64::from(i8::MIN), i64::from(i8::MAX)),
        DataType::SmallInt => (i64::from(i16::MIN), i64::from(i16::MAX)),
        DataType::Int | DataType::IntervalYearMonth => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

fn integer(number: i64, data_type: DataType) -> Option<Value<'static>> {
    let (least, most) = integer_range(data_type);
    (least..=most).contains(&number).then_some(Value::Integer(number))
}

/// A FLOAT is kept as the `f64` of its `f32`.
fn approximate(number: f64, data_type: DataType) -> Value<'static> {
    Value::Double(if data_type == DataType::Float { f64::from(number as f32) } else { number })
}

/// A JSON string. `text` borrows from the record unless it had escapes.
#[inline]
pub fn from_text<'a>(text: Cow<'a, str>, data_type: DataType, format: TimestampFormat) -> Converted<'a> {
    if data_type.is_text() {
        return Converted::Value(Value::String(text));
    }
    let trimmed = text.trim();
    Converted::from(match data_type {
        DataType::Boolean => Some(Value::Boolean(trimmed.eq_ignore_ascii_case("true"))),
        DataType::Float | DataType::Double => parse_double(trimmed).map(|number| approximate(number, data_type)),
        DataType::Decimal { precision, scale } => {
            parse_decimal(trimmed, precision, scale).map(|value| value.map_or(Value::Null, Value::Decimal))
        }
        DataType::VarBinary(_) => base64::decode(&text).map(|bytes| Value::Bytes(Cow::Owned(bytes))),
        DataType::Date => parse_date(&text).map(Value::Date),
        DataType::Time => parse_time(&text).map(Value::Time),
        DataType::Timestamp(_) => parse_timestamp(&text, format, false).map(Value::Timestamp),
        DataType::TimestampLtz(_) => parse_timestamp(&text, format, true).map(Value::Timestamp),
        DataType::Null => Some(Value::Null),
        _ => trimmed.parse().ok().and_then(|number| integer(number, data_type)),
    })
}

/// A JSON number without fraction and exponent that fits 64 bits.
#[inline]
pub fn from_integer<'a>(number: i64, data_type: DataType) -> Converted<'a> {
    Converted::from(match data_type {
        DataType::Char(_) | DataType::VarChar(_) => Some(Value::String(Cow::Owned(number.to_string()))),
        DataType::Boolean => Some(Value::Boolean(false)),
        DataType::Float | DataType::Double => Some(approximate(number as f64, data_type)),
        DataType::Decimal { .. } => {
            return from_text(Cow::Owned(number.to_string()), data_type, TimestampFormat::Sql);
        }
        _ if data_type.is_integer() || data_type.is_interval() => integer(number, data_type),
        DataType::Null => Some(Value::Null),
        _ => None,
    })
}

/// Another JSON number: with a fraction, an exponent, or too large for 64 bits.
pub fn from_double<'a>(number: f64, data_type: DataType) -> Converted<'a> {
    Converted::from(match data_type {
        DataType::Char(_) | DataType::VarChar(_) => return Converted::NeedsText,
        DataType::Decimal { precision, .. } if precision > EXACT_IN_DOUBLE => return Converted::NeedsText,
        DataType::Decimal { .. } => return from_text(Cow::Owned(number.to_string()), data_type, TimestampFormat::Sql),
        DataType::Boolean => Some(Value::Boolean(false)),
        DataType::Float | DataType::Double => Some(approximate(number, data_type)),
        DataType::Int | DataType::BigInt | DataType::IntervalYearMonth | DataType::IntervalDayTime => {
            // The bounds of i64 are exact in f64 but for the upper one, which is 2^63 and does not fit.
            let whole = number.trunc();
            (whole >= i64::MIN as f64 && whole < i64::MAX as f64).then(|| integer(whole as i64, data_type)).flatten()
        }
        DataType::Null => Some(Value::Null),
        _ => None,
    })
}

/// `true` or `false`.
pub fn from_boolean<'a>(value: bool, data_type: DataType) -> Converted<'a> {
    Converted::from(match data_type {
        DataType::Boolean => Some(Value::Boolean(value)),
        DataType::Char(_) | DataType::VarChar(_) => Some(Value::text(if value { "true" } else { "false" })),
        DataType::Null => Some(Value::Null),
        _ => None,
    })
}

/// An object or array.
pub fn from_container<'a>(data_type: DataType) -> Converted<'a> {
    match data_type {
        DataType::Char(_) | DataType::VarChar(_) => Converted::NeedsText,
        DataType::Null => Converted::Value(Value::Null),
        _ => Converted::Mismatch,
    }
}

/// The text of a field as it stands in the record, for columns that answered [`Converted::NeedsText`].
pub fn from_raw<'a>(raw: &str, data_type: DataType) -> Converted<'a> {
    let raw = raw.trim();
    if data_type.is_text() {
        return Converted::Value(Value::String(Cow::Owned(super::text::compact(raw))));
    }
    from_text(Cow::Owned(raw.to_owned()), data_type, TimestampFormat::Sql)
}
