//! Scalar functions: what each computes. The planner knows their signatures and makes the arguments fit.

use std::borrow::Cow;

use super::calendar::{self, MILLIS_PER_DAY};
use super::compare::compare;
use super::time_field::{self, TimeField, Unit};
use super::{DataType, DatePattern, EvalError, Expr, Timestamp, Value, cast, decimal, zone};
use zone::Twice;

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
    /// CEIL(time TO unit).
    CeilTo(TimeField),
    /// (TIMESTAMP, TIMESTAMP): whole units from the first to the second.
    TimestampDiff(Unit),
    /// (text): the date; NULL if it does not fit.
    ToDate(DatePattern),
    /// (text): seconds since 1970 in UTC; the lowest BIGINT if it does not fit.
    UnixTimestamp(DatePattern),
    /// (text [, name of a zone]): the moment at which clocks show this, in UTC without a zone; NULL if it does not fit.
    TextToMoment(DatePattern),
    /// What a record has beside its value: known only where records are read.
    Metadata(Metadata),
    /// (keys): a bit for each, 1 if rows are not grouped by it; only while planning.
    Grouping,
    /// The rank of a row; only while planning.
    RowNumber,
    /// (DOUBLE): its eight bytes; PERCENTILE keeps them.
    BytesOfDouble,
    /// (text, name of a zone, name of another): what clocks there show then.
    ConvertZone,
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

/// What a record has beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metadata {
    Offset,
    Partition,
    Timestamp,
    Topic,
}

impl Metadata {
    /// The key of Flink's connector.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Offset => "offset",
            Self::Partition => "partition",
            Self::Timestamp => "timestamp",
            Self::Topic => "topic",
        }
    }
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
            Self::Ceil | Self::CeilTo(_) => "CEIL",
            Self::TimestampDiff(_) => "TIMESTAMPDIFF",
            Self::ToDate(_) => "TO_DATE",
            Self::UnixTimestamp(_) => "UNIX_TIMESTAMP",
            Self::ConvertZone => "CONVERT_TZ",
            Self::BytesOfDouble => "BYTES",
            Self::Grouping => "GROUPING",
            Self::RowNumber => "ROW_NUMBER",
            Self::Metadata(metadata) => metadata.key(),
            Self::Round => "ROUND",
            Self::Power => "POWER",
            Self::Sqrt => "SQRT",
            Self::Exp => "EXP",
            Self::Ln => "LN",
            Self::ToTimestampLtz { .. } | Self::TextToMoment(_) => "TO_TIMESTAMP_LTZ",
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
        // Most tables compute their event time so, for each record.
        ScalarFunction::ToTimestampLtz { seconds } if let [number] = arguments => {
            if let number @ Value::Integer(_) = number.eval(row)? {
                return Ok(to_timestamp_ltz(&number, *seconds, DataType::BigInt));
            }
        }
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
        [Value::String(text), a, b] => text_function(function, text, a, b, result),
        [Value::Timestamp(ts), Value::Timestamp(to), _] => match function {
            ScalarFunction::TimestampDiff(unit) => Ok(Value::Integer(DataType::Int.wrap(unit.between(ts, to)))),
            _ => Err(EvalError::Shape("a function got two times")),
        },
        [Value::Timestamp(ts), ..] => Ok(time_function(function, ts, result)),
        [Value::Date(day), ..] => Ok(time_function(function, midnight(day), result)),
        [Value::Time(millis), ..] => Ok(time_function(function, Timestamp::from_millis(i64::from(millis)), result)),
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
    result: DataType,
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
            // An empty text is between any two characters, as for Java's String.replace.
            Value::String(Cow::Owned(text.replace(&*what, &by)))
        }
        (ScalarFunction::Position, Value::String(whole), _) => {
            Value::Integer(whole.find(&*text).map_or(0, |byte| whole[..byte].chars().count() as i64 + 1))
        }
        (ScalarFunction::SplitIndex, Value::String(delimiter), Value::Integer(index)) => {
            split_index(text, &delimiter, index)
        }
        (ScalarFunction::ToTimestamp(pattern), ..) => pattern.parse(&text).map_or(Value::Null, Value::Timestamp),
        (ScalarFunction::ToDate(pattern), ..) if pattern.is_lenient() => {
            cast::cast(Value::String(text), DataType::STRING, DataType::Date).unwrap_or(Value::Null)
        }
        (ScalarFunction::ToDate(pattern), ..) => match pattern.parse_loosely(&text) {
            Some(ts) => Value::Date(ts.millis.div_euclid(MILLIS_PER_DAY) as i32),
            None => Value::Null,
        },
        (ScalarFunction::UnixTimestamp(pattern), ..) => {
            Value::Integer(pattern.parse_loosely(&text).map_or(i64::MIN, |ts| ts.millis.div_euclid(1000)))
        }
        (ScalarFunction::TextToMoment(pattern), Value::String(name), _) => {
            let moment = zone::zone(&name).and_then(|zone| zone::to_moment(pattern.parse(&text)?, &zone, Twice::First));
            moment.map_or(Value::Null, Value::Timestamp)
        }
        // Flink: the job fails without a pattern, with one it is NULL.
        (ScalarFunction::TextToMoment(pattern), ..) => match pattern.parse(&text) {
            Some(moment) => Value::Timestamp(moment),
            None if pattern.is_lenient() => return Err(cast::refused(&text, result)),
            None => Value::Null,
        },
        (ScalarFunction::ConvertZone, Value::String(from), Value::String(to)) => converted(&text, &from, &to),
        _ => return Err(EvalError::Shape("a function got a text")),
    })
}

fn converted(text: &str, from: &str, to: &str) -> Value<'static> {
    let there = || {
        let wall = calendar::parse_timestamp(text)?;
        zone::to_wall(zone::to_moment(wall, &zone::zone(from)?, Twice::Second)?, &zone::zone(to)?)
    };
    there().map_or(Value::Null, |ts| Value::String(calendar::timestamp_text(ts, 0).into()))
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

fn time_function<'r>(function: &'r ScalarFunction, ts: Timestamp, result: DataType) -> Value<'r> {
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
        (ScalarFunction::BytesOfDouble, Value::Double(v), _) => Value::Bytes(v.to_bits().to_be_bytes().to_vec().into()),
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
