//! Functions of texts.

use super::{Function, Kind, MISSHAPEN, PLAIN, Returns, count, string};
use crate::expr::{DataType, EvalError, Value};

type Computed = Result<Value<'static>, EvalError>;

const INT: Returns = Returns::Is(DataType::Int);
const BOOLEAN: Returns = Returns::Is(DataType::Boolean);

/// The longest text that REPEAT, LPAD and RPAD make, in bytes: one row must not take the memory of all.
const LONGEST: usize = 16 << 20;

/// Functions of texts.
pub(crate) const TEXTS: &[Function] = &[
    Function {
        name: "ASCII",
        form: "ASCII(text)",
        about: "the first byte of the text's UTF-8, from -128 to 127; 0 for an empty one",
        result: INT,
        compute: |values, _| match values {
            [Value::String(text)] => {
                Ok(Value::Integer(text.as_bytes().first().map_or(0, |byte| i64::from(*byte as i8))))
            }
            _ => Err(MISSHAPEN),
        },
        ..PLAIN
    },
    Function {
        name: "CHR",
        form: "CHR(code)",
        about: "the character of this code modulo 256; an empty text below 0",
        arguments: &[Kind::Integer],
        compute: |values, _| match values {
            [Value::Integer(code @ 0..)] => Ok(string(char::from((code & 0xff) as u8))),
            _ => Ok(string("")),
        },
        ..PLAIN
    },
    Function {
        name: "CONCAT_WS",
        form: "CONCAT_WS(separator, text [, text]..)",
        about: "the texts that are not NULL with the separator between them",
        arguments: &[Kind::Text, Kind::Text],
        repeats: true,
        takes_null: true,
        compute: concat_ws,
        ..PLAIN
    },
    Function {
        name: "ELT",
        form: "ELT(position, text [, text]..)",
        about: "the text at this position, from 1; NULL if there is none",
        arguments: &[Kind::Integer, Kind::Text],
        repeats: true,
        takes_null: true,
        compute: |values, _| match values {
            [Value::Integer(position), texts @ ..] => {
                let at = usize::try_from(*position).ok().and_then(|position| position.checked_sub(1));
                Ok(at.and_then(|at| texts.get(at)).map_or(Value::Null, |text| text.borrowed().into_owned()))
            }
            _ => Ok(Value::Null),
        },
        ..PLAIN
    },
    Function {
        name: "ENDSWITH",
        form: "ENDSWITH(text, end)",
        about: "whether the text ends so; any text ends with an empty one",
        arguments: &[Kind::Text, Kind::Text],
        result: BOOLEAN,
        compute: |values, _| two(values, |text, end| Value::Boolean(text.ends_with(end))),
        ..PLAIN
    },
    Function {
        name: "INITCAP",
        form: "INITCAP(text)",
        about: "each word with its first letter in upper case and the others in lower case; letters and digits of ASCII make words",
        compute: |values, _| one(values, |text| string(capitalised(text))),
        ..PLAIN
    },
    Function {
        name: "INSTR",
        form: "INSTR(text, what)",
        about: "where it begins in the text, from 1; 0 if it is not there",
        arguments: &[Kind::Text, Kind::Text],
        result: INT,
        compute: |values, _| two(values, |text, what| position(text, what, 1)),
        ..PLAIN
    },
    Function {
        name: "IS_ALPHA",
        form: "IS_ALPHA(text)",
        about: "whether all its characters are letters",
        result: BOOLEAN,
        takes_null: true,
        compute: |values, _| test(values, |text| !text.is_empty() && text.chars().all(char::is_alphabetic)),
        ..PLAIN
    },
    Function {
        name: "IS_DECIMAL",
        form: "IS_DECIMAL(text)",
        about: "whether it is a number, with a point and an exponent or without",
        result: BOOLEAN,
        takes_null: true,
        compute: |values, _| test(values, is_decimal),
        ..PLAIN
    },
    Function {
        name: "IS_DIGIT",
        form: "IS_DIGIT(text)",
        about: "whether all its characters are digits, 0 to 9",
        result: BOOLEAN,
        takes_null: true,
        compute: |values, _| test(values, |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())),
        ..PLAIN
    },
    Function {
        name: "LEFT",
        form: "LEFT(text, length)",
        about: "its first characters",
        arguments: &[Kind::Text, Kind::Integer],
        compute: |values, _| cut(values, |text, length| text.chars().take(length).collect()),
        ..PLAIN
    },
    Function {
        name: "LOCATE",
        form: "LOCATE(what, text [, from])",
        about: "where it begins in the text, from 1, at `from` or later; 0 if it is not there",
        arguments: &[Kind::Text, Kind::Text, Kind::Integer],
        required: 2,
        result: INT,
        compute: |values, _| match values {
            [Value::String(what), Value::String(text)] => Ok(position(text, what, 1)),
            [Value::String(what), Value::String(text), Value::Integer(from)] => Ok(position(text, what, *from)),
            _ => Err(MISSHAPEN),
        },
        ..PLAIN
    },
    Function {
        name: "LPAD",
        form: "LPAD(text, length, pad)",
        about: "the text with the pad before it, or cut, so that it has this length; NULL if that is below 0 or the pad is empty",
        arguments: &[Kind::Text, Kind::Integer, Kind::Text],
        compute: |values, _| pad(values, true),
        ..PLAIN
    },
    Function {
        name: "OVERLAY",
        form: "OVERLAY(text PLACING by FROM start [FOR length])",
        about: "the text with another in the place of some characters; without a length as many as the other has",
        arguments: &[Kind::Text, Kind::Text, Kind::Integer, Kind::Integer],
        required: 3,
        compute: overlay,
        ..PLAIN
    },
    Function {
        name: "PARSE_URL",
        form: "PARSE_URL(url, part [, key])",
        about: "HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO of a URL; with QUERY and a key that parameter",
        arguments: &[Kind::Text, Kind::Text, Kind::Text],
        required: 2,
        compute: |values, _| super::url::parse_url(values),
        ..PLAIN
    },
    Function {
        name: "REPEAT",
        form: "REPEAT(text, times)",
        about: "the text so many times; at most 16 MiB",
        arguments: &[Kind::Text, Kind::Integer],
        compute: |values, _| match values {
            [Value::String(text), Value::Integer(times)] if text.len().saturating_mul(count(*times)) > LONGEST => {
                Err(EvalError::TooLong { function: "REPEAT", most: LONGEST })
            }
            [Value::String(text), Value::Integer(times)] => Ok(string(text.repeat(count(*times)))),
            _ => Err(MISSHAPEN),
        },
        ..PLAIN
    },
    Function {
        name: "REVERSE",
        form: "REVERSE(text)",
        about: "its characters from the last to the first",
        compute: |values, _| one(values, |text| string(text.chars().rev().collect::<String>())),
        ..PLAIN
    },
    Function {
        name: "RIGHT",
        form: "RIGHT(text, length)",
        about: "its last characters",
        arguments: &[Kind::Text, Kind::Integer],
        compute: |values, _| {
            cut(values, |text, length| text.chars().skip(text.chars().count().saturating_sub(length)).collect())
        },
        ..PLAIN
    },
    Function {
        name: "RPAD",
        form: "RPAD(text, length, pad)",
        about: "the text with the pad after it, or cut, so that it has this length; NULL if that is below 0 or the pad is empty",
        arguments: &[Kind::Text, Kind::Integer, Kind::Text],
        compute: |values, _| pad(values, false),
        ..PLAIN
    },
    Function {
        name: "STARTSWITH",
        form: "STARTSWITH(text, beginning)",
        about: "whether the text begins so; any text begins with an empty one",
        arguments: &[Kind::Text, Kind::Text],
        result: BOOLEAN,
        compute: |values, _| two(values, |text, start| Value::Boolean(text.starts_with(start))),
        ..PLAIN
    },
    Function {
        name: "TRANSLATE",
        also: &["TRANSLATE3"],
        form: "TRANSLATE(text, from, to)",
        about: "each character that is in `from` replaced by the one at its place in `to`, or left out if there is none",
        arguments: &[Kind::Text, Kind::Text, Kind::Text],
        compute: |values, _| match values {
            [Value::String(text), Value::String(from), Value::String(to)] => Ok(string(translated(text, from, to))),
            _ => Err(MISSHAPEN),
        },
        ..PLAIN
    },
];

pub(super) fn one(values: &[Value<'_>], compute: impl Fn(&str) -> Value<'static>) -> Computed {
    match values {
        [Value::String(text)] => Ok(compute(text)),
        _ => Err(MISSHAPEN),
    }
}

pub(super) fn two(values: &[Value<'_>], compute: impl Fn(&str, &str) -> Value<'static>) -> Computed {
    match values {
        [Value::String(a), Value::String(b)] => Ok(compute(a, b)),
        _ => Err(MISSHAPEN),
    }
}

/// FALSE for NULL.
fn test(values: &[Value<'_>], holds: impl Fn(&str) -> bool) -> Computed {
    Ok(Value::Boolean(matches!(values, [Value::String(text)] if holds(text))))
}

fn cut(values: &[Value<'_>], part: impl Fn(&str, usize) -> String) -> Computed {
    match values {
        [Value::String(text), Value::Integer(length)] => Ok(string(part(text, count(*length)))),
        _ => Err(MISSHAPEN),
    }
}

fn concat_ws(values: &[Value<'_>], _: &super::Call<'_>) -> Computed {
    let [Value::String(separator), texts @ ..] = values else { return Ok(Value::Null) };
    let texts = texts.iter().filter_map(|text| match text {
        Value::String(text) => Some(&**text),
        _ => None,
    });
    Ok(string(texts.collect::<Vec<_>>().join(separator)))
}

fn capitalised(text: &str) -> String {
    let mut begins = true;
    let change = |character: char| {
        let in_word = character.is_ascii_alphanumeric();
        let changed = if begins { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() };
        begins = !in_word;
        changed
    };
    text.chars().map(change).collect()
}

fn is_decimal(text: &str) -> bool {
    let spelled = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let text = text.trim();
    text.bytes().all(spelled) && text.parse::<f64>().is_ok()
}

/// From 1, in characters; 0 if it is not there.
fn position(text: &str, what: &str, from: i64) -> Value<'static> {
    let skipped = count(from.saturating_sub(1));
    if what.is_empty() {
        return Value::Integer(skipped.min(text.chars().count()) as i64 + 1);
    }
    let begin = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(skipped);
    let found = begin.and_then(|begin| text[begin..].find(what).map(|at| begin + at));
    Value::Integer(found.map_or(0, |at| text[..at].chars().count() as i64 + 1))
}

fn pad(values: &[Value<'_>], before: bool) -> Computed {
    let [Value::String(text), Value::Integer(length), Value::String(pad)] = values else { return Err(MISSHAPEN) };
    if *length < 0 || pad.is_empty() {
        return Ok(Value::Null);
    }
    let (length, have) = (count(*length), text.chars().count());
    if length > LONGEST {
        return Err(EvalError::TooLong { function: if before { "LPAD" } else { "RPAD" }, most: LONGEST });
    }
    if have >= length {
        return Ok(string(text.chars().take(length).collect::<String>()));
    }
    let padding: String = pad.chars().cycle().take(length - have).collect();
    Ok(string(if before { padding + text } else { format!("{text}{padding}") }))
}

fn overlay(values: &[Value<'_>], _: &super::Call<'_>) -> Computed {
    let (text, by, start, length) = match values {
        [Value::String(text), Value::String(by), Value::Integer(start)] => {
            (text, by, *start, by.chars().count() as i64)
        }
        [Value::String(text), Value::String(by), Value::Integer(start), Value::Integer(length)] => {
            (text, by, *start, *length)
        }
        _ => return Err(MISSHAPEN),
    };
    let all = text.chars().count() as i64;
    if start <= 0 || start > all {
        return Ok(string(&**text));
    }
    let kept = |from: i64| text.chars().skip(count(from));
    let before: String = text.chars().take(count(start - 1)).collect();
    // Flink: with a negative length the rest of the text goes.
    let after: String = if length < 0 { String::new() } else { kept((start - 1).saturating_add(length)).collect() };
    Ok(string(format!("{before}{by}{after}")))
}

fn translated(text: &str, from: &str, to: &str) -> String {
    let change = |character: char| match from.chars().position(|other| other == character) {
        Some(at) => to.chars().nth(at),
        None => Some(character),
    };
    text.chars().filter_map(change).collect()
}
