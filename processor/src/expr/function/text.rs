//! Functions of a text.

use std::borrow::Cow;

use super::super::calendar::{self, MILLIS_PER_DAY};
use super::super::zone::{self, Twice};
use super::super::{DataType, EvalError, Expr, Value, cast};
use super::{ScalarFunction, TrimSide};

/// Calls a function whose first argument is a text; `result` is the call's type.
pub(super) fn call<'r>(
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

/// All of them in a row.
pub(super) fn concat<'r>(arguments: &'r [Expr], row: &'r [Value<'r>]) -> Result<Value<'r>, EvalError> {
    let mut whole = String::new();
    for argument in arguments {
        match argument.eval(row)? {
            Value::String(text) => whole.push_str(&text),
            _ => return Ok(Value::Null),
        }
    }
    Ok(Value::String(Cow::Owned(whole)))
}
