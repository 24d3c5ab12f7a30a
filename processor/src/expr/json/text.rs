//! SQL values as JSON texts.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::tree::number;
use super::{DataType, Expr, Value};
use crate::expr::{EvalError, Nested, Node, Timestamp, calendar, cast, decimal};
use crate::format::base64;

/// A value as JSON; what a JSON function has made is put in as it is.
pub(super) fn value(value: &Value<'_>, from: &Expr) -> Result<String, EvalError> {
    match value {
        Value::String(text) if is_json(from) => Ok(text.clone().into_owned()),
        value => of_type(value, from.data_type()),
    }
}

fn of_type(value: &Value<'_>, data_type: DataType) -> Result<String, EvalError> {
    Ok(match value {
        Value::Nested(nested) => return of_nested(nested, data_type),
        Value::Null => "null".to_owned(),
        Value::String(text) => quoted(text),
        Value::Boolean(_) | Value::Integer(_) if !data_type.is_interval() => {
            cast::to_text(value.borrowed(), data_type).to_ascii_lowercase()
        }
        Value::Double(number) if !number.is_finite() => quoted(&cast::to_text(value.borrowed(), data_type)),
        Value::Double(_) => {
            let digits = cast::to_text(value.borrowed(), data_type);
            number(&digits).unwrap_or_else(|| digits.into_owned())
        }
        Value::Decimal(number) => decimal::text(*number, decimal::scale_of(data_type)),
        Value::Bytes(bytes) => {
            let mut digits = Vec::new();
            base64::encode(bytes, &mut digits);
            quoted(&String::from_utf8_lossy(&digits))
        }
        Value::Timestamp(ts) => quoted(&iso(*ts, matches!(data_type, DataType::TimestampLtz(_)))),
        other => quoted(&cast::to_text(other.borrowed(), data_type)),
    })
}

/// An array, or an object with its keys in order.
fn of_nested(nested: &Nested, data_type: DataType) -> Result<String, EvalError> {
    if let (Nested::Array(elements), Some(element)) = (nested, data_type.element()) {
        let elements = elements.iter().map(|value| of_type(value, element)).collect::<Result<Vec<_>, _>>()?;
        return Ok(format!("[{}]", elements.join(",")));
    }
    let mut members = BTreeMap::new();
    match (nested, data_type.fields(), data_type.entry()) {
        (Nested::Row(values), Some(fields), _) => {
            for (value, (name, data_type)) in values.iter().zip(fields) {
                members.insert(&**name, of_type(value, *data_type)?);
            }
        }
        (Nested::Map(entries), _, Some((_, of_value))) => {
            for (key, value) in entries {
                let Value::String(key) = key else {
                    return Err(EvalError::Json("a key of a map is NULL, which JSON has no form for".to_owned()));
                };
                members.insert(key, of_type(value, of_value)?);
            }
        }
        _ => return Err(EvalError::Shape("a value is not of its type")),
    }
    Ok(object(&members))
}

/// An object of members that are JSON.
pub(super) fn object<K: AsRef<str>>(members: &BTreeMap<K, String>) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{value}", quoted(key.as_ref()))).collect();
    format!("{{{}}}", members.join(","))
}

/// Whether an expression's text is JSON that is not to be quoted.
fn is_json(from: &Expr) -> bool {
    use super::JsonFunction as F;
    matches!(from.node(), Node::Json(function, _) if matches!(**function, F::Object { .. } | F::Array { .. } | F::Raw))
}

/// `2024-01-01T10:00:00.123`, in a zone with a Z at its end.
fn iso(ts: Timestamp, zoned: bool) -> String {
    let text = calendar::timestamp_text(ts, 9);
    let text = text.trim_end_matches('0').trim_end_matches('.').replacen(' ', "T", 1);
    if zoned { text + "Z" } else { text }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    escaped(text, false)
}

/// A JSON string of ASCII characters only.
pub(super) fn quoted_ascii(text: &str) -> String {
    escaped(text, true)
}

fn escaped(text: &str, ascii: bool) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '/' if ascii => json.push_str("\\/"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            c if c < ' ' || (ascii && !c.is_ascii()) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = if ascii { write!(json, "\\u{unit:04x}") } else { write!(json, "\\u{unit:04X}") };
                }
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
