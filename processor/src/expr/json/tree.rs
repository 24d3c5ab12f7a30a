//! A JSON document in memory. Numbers keep their digits, objects have their keys in order and each key once: the last one.

use std::fmt;

use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::text::quoted;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Boolean(bool),
    /// The number as Java's BigDecimal or BigInteger writes it.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    /// In the order in which the keys came; written in the order of the keys.
    Object(Vec<(String, Json)>),
}

/// The deepest nesting that is read; what is deeper counts as no JSON. (Jackson reads a thousand levels.)
const MAX_DEPTH: usize = 200;

impl Json {
    /// Reads a document; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Json> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        Self::read(raw.get(), MAX_DEPTH)
    }

    fn read(raw: &str, depth: usize) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        let raw = raw.trim_start();
        Some(match raw.as_bytes().first()? {
            b'n' => Json::Null,
            b't' => Json::Boolean(true),
            b'f' => Json::Boolean(false),
            b'"' => Json::Text(serde_json::from_str(raw).ok()?),
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
                Json::Array(elements.iter().map(|element| Self::read(element.get(), depth)).collect::<Option<_>>()?)
            }
            b'{' => {
                let members: Members<'_> = serde_json::from_str(raw).ok()?;
                let mut read: Vec<(String, Json)> = Vec::with_capacity(members.0.len());
                let mut places: HashMap<String, usize> = HashMap::new();
                for (key, value) in members.0 {
                    let value = Self::read(value.get(), depth)?;
                    match places.get(&key) {
                        Some(place) => read[*place].1 = value,
                        None => {
                            places.insert(key.clone(), read.len());
                            read.push((key, value));
                        }
                    }
                }
                Json::Object(read)
            }
            _ => Json::Number(number(raw)?),
        })
    }

    /// Neither an array nor an object.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Json::Array(_) | Json::Object(_))
    }

    /// A scalar as text: without quotes.
    pub(crate) fn as_text(&self) -> String {
        match self {
            Json::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// The members of an object, in the order of the text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// A number as Jackson holds it: an integer, or a BigDecimal, which `Display` of Java writes with an exponent where its scale is
/// below 0 or its first digit is more than six places behind the point.
pub(super) fn number(raw: &str) -> Option<String> {
    if !raw.contains(['.', 'e', 'E']) {
        return Some(if raw == "-0" { "0".to_owned() } else { raw.to_owned() });
    }
    let (mantissa, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent.parse::<i64>().ok()?)?;
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    Some(format!("{}{}", if negative && digits != "0" { "-" } else { "" }, java_decimal(digits, scale)))
}

/// `BigDecimal.toString` of an unscaled value and a scale.
fn java_decimal(digits: &str, scale: i64) -> String {
    let adjusted = digits.len() as i64 - 1 - scale;
    if scale == 0 {
        return digits.to_owned();
    }
    if scale > 0 && adjusted >= -6 {
        let padded = format!("{digits:0>width$}", width = scale as usize + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
        return format!("{whole}.{fraction}");
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    let sign = if adjusted > 0 { "+" } else { "" };
    if adjusted == 0 { format!("{first}{point}") } else { format!("{first}{point}E{sign}{adjusted}") }
}

/// Without blanks.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Boolean(value) => write!(f, "{value}"),
            Json::Number(digits) => f.write_str(digits),
            Json::Text(text) => f.write_str(&quoted(text)),
            Json::Array(elements) => {
                f.write_str("[")?;
                for (at, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Json::Object(members) => {
                f.write_str("{")?;
                let mut members: Vec<&(String, Json)> = members.iter().collect();
                members.sort_by(|a, b| a.0.cmp(&b.0));
                for (at, (key, value)) in members.into_iter().enumerate() {
                    write!(f, "{}{}:{value}", if at > 0 { "," } else { "" }, quoted(key))?;
                }
                f.write_str("}")
            }
        }
    }
}
