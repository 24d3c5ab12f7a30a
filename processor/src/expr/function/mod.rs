//! Scalar functions: what each computes. The planner knows their signatures and makes the arguments fit.

mod number;
mod text;
pub(super) mod time;

use super::compare::compare;
use super::time_field::{TimeField, Unit};
use super::{DataType, DatePattern, EvalError, Expr, Timestamp, Value, Volatile};

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
    /// What depends on when it is called.
    Volatile(Volatile),
}

/// What a record has beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metadata {
    Headers,
    LeaderEpoch,
    Offset,
    Partition,
    Timestamp,
    TimestampType,
    Topic,
}

impl Metadata {
    /// The key of Flink's connector.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::LeaderEpoch => "leader-epoch",
            Self::Offset => "offset",
            Self::Partition => "partition",
            Self::Timestamp => "timestamp",
            Self::TimestampType => "timestamp-type",
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
            Self::Volatile(function) => function.name(),
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
        ScalarFunction::Concat => return text::concat(arguments, row),
        ScalarFunction::Greatest => return extreme(arguments, row, true),
        ScalarFunction::Least => return extreme(arguments, row, false),
        ScalarFunction::Volatile(function) => return function.call(arguments, row),
        // Most tables compute their event time so, for each record.
        ScalarFunction::ToTimestampLtz { seconds } if let [number] = arguments => {
            return Ok(time::to_timestamp_ltz(&number.eval(row)?, *seconds, number.data_type()));
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
        [Value::String(text), a, b] => text::call(function, text, a, b, result),
        [Value::Timestamp(ts), Value::Timestamp(to), _] => match function {
            ScalarFunction::TimestampDiff(unit) => Ok(Value::Integer(DataType::Int.wrap(unit.between(ts, to)))),
            _ => Err(EvalError::Shape("a function got two times")),
        },
        [Value::Timestamp(ts), ..] => Ok(time::call(function, ts, result)),
        [Value::Date(day), ..] => Ok(time::call(function, time::midnight(day), result)),
        [Value::Time(millis), ..] => Ok(time::call(function, Timestamp::from_millis(i64::from(millis)), result)),
        [number, digits, _] => number::call(function, number, &digits, argument_type, result),
    }
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
