//! Scalar functions: what each computes. The planner knows their signatures and makes the arguments fit.

use std::borrow::Cow;

use super::calendar::{Civil, MILLIS_PER_DAY};
use super::compare::compare;
use super::{DataType, DatePattern, EvalError, Expr, Timestamp, Value, cast, decimal};

/// A scalar function. A NULL argument makes the result NULL, but for COALESCE.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ScalarFunction {
    /// (texts): all of them in a row.
    Concat,
    Upper,
    Lower,
    /// (text): its characters.
    CharLength,
    /// (text, from 1 or from the end below 0, [length]).
    Substring,
    /// (text, what to cut off).
    Trim(TrimSide),
    /// (text, what, by what).
    Replace,
    /// (what, text): from 1; 0 if it is not there.
    Position,
    /// (text, delimiter, index from 0): NULL if there is no such part.
    SplitIndex,
    /// (values of one type): the first that is not NULL.
    Coalesce,
    /// (values of one type).
    Greatest,
    /// (values of one type).
    Least,
    Abs,
    Floor,
    Ceil,
    /// (number, digits after the point, below 0 before it).
    Round,
    /// (DOUBLE, DOUBLE).
    Power,
    /// (DOUBLE).
    Sqrt,
    /// (DOUBLE).
    Exp,
    /// (DOUBLE): natural logarithm.
    Ln,
    /// (number of seconds or milliseconds since 1970): NULL beyond the years 0 to 9999.
    ToTimestampLtz {
        /// Precision 0; else 3.
        seconds: bool,
    },
    /// (text): NULL if it does not fit.
    ToTimestamp(DatePattern),
    /// (time).
    DateFormat(DatePattern),
    /// (seconds since 1970).
    FromUnixtime(DatePattern),
    /// (time).
    Extract(TimeField),
    /// FLOOR(time TO unit).
    FloorTo(TimeField),
    /// Start, end or last moment of the tumbling window that (time) falls in.
    TumbleBound {
        /// Length, in milliseconds.
        size_ms: i64,
        /// Shift of the windows, in milliseconds.
        offset_ms: i64,
        /// Which moment.
        bound: WindowBound,
    },
    /// Start, end or last moment of a window that (time) alone does not tell, as a row may be in several; only while planning.
    WindowColumn(WindowBound),
    /// (): the clock when the row is read; only as a whole computed column, which the source fills in.
    Proctime,
}

/// Where TRIM cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimSide {
    Both,
    Leading,
    Trailing,
}

/// A moment of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowBound {
    Start,
    End,
    /// End - 1 ms.
    Time,
}

/// A part of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeField {
    Year,
    Quarter,
    Month,
    Day,
    /// Sunday 1 to Saturday 7.
    DayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
    Millisecond,
    Epoch,
}

impl ScalarFunction {
    /// Flink's name of it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Concat => "CONCAT",
            Self::Upper => "UPPER",
            Self::Lower => "LOWER",
            Self::CharLength => "CHAR_LENGTH",
            Self::Substring => "SUBSTRING",
            Self::Trim(TrimSide::Both) => "BTRIM",
            Self::Trim(TrimSide::Leading) => "LTRIM",
            Self::Trim(TrimSide::Trailing) => "RTRIM",
            Self::Replace => "REPLACE",
            Self::Position => "POSITION",
            Self::SplitIndex => "SPLIT_INDEX",
            Self::Coalesce => "COALESCE",
            Self::Greatest => "GREATEST",
            Self::Least => "LEAST",
            Self::Abs => "ABS",
            Self::Floor | Self::FloorTo(_) => "FLOOR",
            Self::Ceil => "CEIL",
            Self::Round => "ROUND",
            Self::Power => "POWER",
            Self::Sqrt => "SQRT",
            Self::Exp => "EXP",
            Self::Ln => "LN",
            Self::ToTimestampLtz { .. } => "TO_TIMESTAMP_LTZ",
            Self::ToTimestamp(_) => "TO_TIMESTAMP",
            Self::DateFormat(_) => "DATE_FORMAT",
            Self::FromUnixtime(_) => "FROM_UNIXTIME",
            Self::Extract(_) => "EXTRACT",
            Self::Proctime => "PROCTIME",
            Self::TumbleBound { bound: WindowBound::Start, .. } | Self::WindowColumn(WindowBound::Start) => {
                "window_start"
            }
            Self::TumbleBound { bound: WindowBound::End, .. } | Self::WindowColumn(WindowBound::End) => "window_end",
            Self::TumbleBound { bound: WindowBound::Time, .. } | Self::WindowColumn(WindowBound::Time) => "window_time",
        }
    }
}

/// The most arguments a function has that does not take any number of them.
const MOST_ARGUMENTS: usize = 3;

/// Calls a function; `result` is the call's type.
pub(super) fn call<'r>(
    function: &'r ScalarFunction,
    arguments: &'r [Expr],
    result: DataType,
    row: &'r [Value<'r>],
) -> Result<Value<'r>, EvalError> {
    match function {
        ScalarFunction::Coalesce => return coalesce(arguments, row),
        ScalarFunction::Concat => return concat(arguments, row),
        ScalarFunction::Greatest => return extreme(arguments, row, true),
        ScalarFunction::Least => return extreme(arguments, row, false),
        _ => {}
    }
    let mut values = [Value::Null, Value::Null, Value::Null];
    if arguments.len() > MOST_ARGUMENTS {
        return Err(EvalError::Shape("too many arguments"));
    }
    for (slot, argument) in values.iter_mut().zip(arguments) {
        *slot = argument.eval(row)?;
        if slot.is_null() {
            return Ok(Value::Null);
        }
    }
    let argument_type = arguments.first().map_or(DataType::Null, Expr::data_type);
    match values {
        [Value::String(text), a, b] => text_function(function, text, a, b),
        [Value::Timestamp(ts), ..] => Ok(time_function(function, ts)),
        [Value::Date(day), ..] => Ok(time_function(function, midnight(day))),
        [Value::Time(millis), ..] => Ok(time_function(function, Timestamp::from_millis(i64::from(millis)))),
        [number, digits, _] => number_function(function, number, &digits, argument_type, result),
    }
}

fn midnight(day: i32) -> Timestamp {
    Timestamp::from_millis(i64::from(day) * MILLIS_PER_DAY)
}

fn coalesce<'r>(arguments: &'r [Expr], row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
    for argument in arguments {
        let value = argument.eval(row)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

fn concat<'r>(arguments: &'r [Expr], row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
    let mut whole = String::new();
    for argument in arguments {
        match argument.eval(row)? {
            Value::String(text) => whole.push_str(&text),
            _ => return Ok(Value::Null),
        }
    }
    Ok(Value::String(Cow::Owned(whole)))
}

fn extreme<'r>(arguments: &'r [Expr], row: &'r [Value<'r>], greatest: bool) -> Result<Value<'r>, EvalError> {
    let mut best: Option<Value<'r>> = None;
    for argument in arguments {
        let value = argument.eval(row)?;
        if value.is_null() {
            return Ok(Value::Null);
        }
        let better = match &best {
            None => true,
            Some(best) => {
                compare(&value, best)?.is_some_and(|order| if greatest { order.is_gt() } else { order.is_lt() })
            }
        };
        if better {
            best = Some(value);
        }
    }
    Ok(best.unwrap_or(Value::Null))
}

fn text_function<'r>(
    function: &'r ScalarFunction,
    text: Cow<'r, str>,
    a: Value<'r>,
    b: Value<'r>,
) -> Result<Value<'r>, EvalError> {
    Ok(match (function, a, b) {
        (ScalarFunction::Upper, ..) => Value::String(Cow::Owned(text.to_uppercase())),
        (ScalarFunction::Lower, ..) => Value::String(Cow::Owned(text.to_lowercase())),
        (ScalarFunction::CharLength, ..) => Value::Integer(text.chars().count() as i64),
        (ScalarFunction::Substring, Value::Integer(from), Value::Integer(length)) => {
            if length < 0 {
                Value::Null
            } else {
                substring(text, from, length)
            }
        }
        (ScalarFunction::Substring, Value::Integer(from), _) => substring(text, from, i64::MAX),
        (ScalarFunction::Trim(side), Value::String(cut), _) => trim(text, &cut, *side),
        (ScalarFunction::Replace, Value::String(what), Value::String(by)) => {
            // An empty text is nowhere, as in Java's StringUtils.replace.
            if what.is_empty() { Value::String(text) } else { Value::String(Cow::Owned(text.replace(&*what, &by))) }
        }
        (ScalarFunction::Position, Value::String(whole), _) => {
            Value::Integer(whole.find(&*text).map_or(0, |byte| whole[..byte].chars().count() as i64 + 1))
        }
        (ScalarFunction::SplitIndex, Value::String(delimiter), Value::Integer(index)) => {
            split_index(text, &delimiter, index)
        }
        (ScalarFunction::ToTimestamp(pattern), ..) => pattern.parse(&text).map_or(Value::Null, Value::Timestamp),
        _ => return Err(EvalError::Shape("a function got a text")),
    })
}

/// From the `from`th character, counted from 1, or from the end if it is negative; 0 is the first as well.
fn substring<'r>(text: Cow<'r, str>, from: i64, length: i64) -> Value<'r> {
    let start = match from {
        0 => 0,
        1.. => usize::try_from(from - 1).unwrap_or(usize::MAX),
        _ => match (text.chars().count() as i64).checked_add(from) {
            Some(start) if start >= 0 => start as usize,
            _ => return Value::text(""),
        },
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let cut = |text: &str| -> (usize, usize) {
        let begin = text.char_indices().nth(start).map_or(text.len(), |(byte, _)| byte);
        let end = text[begin..].char_indices().nth(length).map_or(text.len(), |(byte, _)| begin + byte);
        (begin, end)
    };
    let (begin, end) = cut(&text);
    Value::String(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[begin..end]),
        Cow::Owned(text) => Cow::Owned(text[begin..end].to_owned()),
    })
}

/// Cuts every character of `cut` off the sides.
fn trim<'r>(text: Cow<'r, str>, cut: &str, side: TrimSide) -> Value<'r> {
    let trimmed = |text: &str| -> (usize, usize) {
        let is_cut = |character: char| cut.contains(character);
        let end = if side == TrimSide::Leading { text.len() } else { text.trim_end_matches(is_cut).len() };
        let begin = if side == TrimSide::Trailing { 0 } else { end - text[..end].trim_start_matches(is_cut).len() };
        (begin, end)
    };
    let (begin, end) = trimmed(&text);
    Value::String(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[begin..end]),
        Cow::Owned(text) => Cow::Owned(text[begin..end].to_owned()),
    })
}

fn split_index<'r>(text: Cow<'r, str>, delimiter: &str, index: i64) -> Value<'r> {
    let Ok(index) = usize::try_from(index) else { return Value::Null };
    if text.is_empty() || delimiter.is_empty() {
        return Value::Null;
    }
    match text {
        Cow::Borrowed(text) => text.split(delimiter).nth(index).map_or(Value::Null, Value::text),
        Cow::Owned(text) => {
            let part = text.split(delimiter).nth(index).map(str::to_owned);
            part.map_or(Value::Null, |part| Value::String(Cow::Owned(part)))
        }
    }
}

fn time_function<'r>(function: &'r ScalarFunction, ts: Timestamp) -> Value<'r> {
    match function {
        ScalarFunction::DateFormat(pattern) => Value::String(Cow::Owned(pattern.format(ts))),
        ScalarFunction::Extract(field) => Value::Integer(extract(*field, ts)),
        ScalarFunction::FloorTo(field) => Value::Timestamp(floor_to(*field, ts)),
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

fn extract(field: TimeField, ts: Timestamp) -> i64 {
    let civil = Civil::from_timestamp(ts);
    let days = ts.millis.div_euclid(MILLIS_PER_DAY);
    match field {
        TimeField::Year => civil.year,
        TimeField::Quarter => i64::from(civil.month.div_ceil(3)),
        TimeField::Month => i64::from(civil.month),
        TimeField::Day => i64::from(civil.day),
        // Calcite's DOW: Sunday is 1. 1970-01-01 was a Thursday.
        TimeField::DayOfWeek => (days + 4).rem_euclid(7) + 1,
        TimeField::DayOfYear => days - super::calendar::days_from_civil(civil.year, 1, 1) + 1,
        TimeField::Hour => i64::from(civil.hour),
        TimeField::Minute => i64::from(civil.minute),
        TimeField::Second => i64::from(civil.second),
        TimeField::Millisecond => i64::from(civil.nano / 1_000_000),
        TimeField::Epoch => ts.millis.div_euclid(1000),
    }
}

fn floor_to(field: TimeField, ts: Timestamp) -> Timestamp {
    let civil = Civil::from_timestamp(ts);
    let first_of =
        |month: u32| Timestamp::from_millis(super::calendar::days_from_civil(civil.year, month, 1) * MILLIS_PER_DAY);
    let unit = match field {
        TimeField::Year => return first_of(1),
        TimeField::Quarter => return first_of((civil.month - 1) / 3 * 3 + 1),
        TimeField::Month => return first_of(civil.month),
        TimeField::Day | TimeField::DayOfWeek | TimeField::DayOfYear => MILLIS_PER_DAY,
        TimeField::Hour => 3_600_000,
        TimeField::Minute => 60_000,
        TimeField::Second | TimeField::Epoch => 1000,
        TimeField::Millisecond => 1,
    };
    Timestamp::from_millis(ts.millis - ts.millis.rem_euclid(unit))
}

fn number_function<'r>(
    function: &'r ScalarFunction,
    number: Value<'r>,
    digits: &Value<'r>,
    argument: DataType,
    result: DataType,
) -> Result<Value<'r>, EvalError> {
    if let (ScalarFunction::ToTimestampLtz { seconds }, number) = (function, &number) {
        return Ok(to_timestamp_ltz(number, *seconds, argument));
    }
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
        (ScalarFunction::Sqrt, Value::Double(v), _) => Value::Double(v.sqrt()),
        (ScalarFunction::Exp, Value::Double(v), _) => Value::Double(v.exp()),
        (ScalarFunction::Ln, Value::Double(v), _) => Value::Double(v.ln()),
        _ => return Err(EvalError::Shape("a function got a number")),
    })
}

fn to_timestamp_ltz(number: &Value<'_>, seconds: bool, argument: DataType) -> Value<'static> {
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
