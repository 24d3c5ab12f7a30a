//! Functions of a time.

use std::borrow::Cow;

use super::super::calendar::MILLIS_PER_DAY;
use super::super::{DataType, Timestamp, Value, decimal, time_field};
use super::{ScalarFunction, WindowBound};

/// The first moment of a day.
pub(super) fn midnight(day: i32) -> Timestamp {
    Timestamp::from_millis(i64::from(day) * MILLIS_PER_DAY)
}

/// Calls a function of a time; `result` is the call's type.
pub(super) fn call<'r>(function: &'r ScalarFunction, ts: Timestamp, result: DataType) -> Value<'r> {
    let of_its_type = |ts: Timestamp| match result {
        DataType::Date => Value::Date(ts.millis.div_euclid(MILLIS_PER_DAY) as i32),
        DataType::Time => Value::Time(ts.millis.rem_euclid(MILLIS_PER_DAY) as i32),
        _ => Value::Timestamp(ts),
    };
    match function {
        ScalarFunction::DateFormat(pattern) => Value::String(Cow::Owned(pattern.format(ts))),
        ScalarFunction::Extract(field) => Value::Integer(time_field::extract(*field, ts)),
        ScalarFunction::FloorTo(field) => of_its_type(time_field::floor(*field, ts)),
        ScalarFunction::CeilTo(field) => of_its_type(time_field::ceil(*field, ts)),
        ScalarFunction::TumbleBound { size_ms, offset_ms, bound } => {
            let start = ts.millis.wrapping_sub(ts.millis.wrapping_sub(*offset_ms).rem_euclid(*size_ms));
            Value::timestamp(match bound {
                WindowBound::Start => start,
                WindowBound::End => start.wrapping_add(*size_ms),
                WindowBound::Time => start.wrapping_add(*size_ms - 1),
            })
        }
        _ => Value::Null,
    }
}

/// The moment of a number, of the type `argument`, of seconds or milliseconds.
#[inline]
pub(in crate::expr) fn to_timestamp_ltz(number: &Value<'_>, seconds: bool, argument: DataType) -> Value<'static> {
    /// 0000-01-01 00:00:00 and 9999-12-31 23:59:59.999, the ends of Flink's timestamps.
    const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;
    let factor = if seconds { 1000 } else { 1 };
    let millis = match number {
        Value::Integer(v) => v.checked_mul(factor),
        Value::Double(v) => Some((v * factor as f64) as i64),
        Value::Decimal(v) => {
            let scaled = v.checked_mul(i128::from(factor));
            scaled.and_then(|v| i64::try_from(v / decimal::power_of_ten(decimal::scale_of(argument))).ok())
        }
        _ => None,
    };
    match millis {
        Some(millis) if RANGE.contains(&millis) => Value::timestamp(millis),
        _ => Value::Null,
    }
}
