//! A JSON document in memory. Numbers keep their digits, objects have their keys in order and each key once: the last one.

use std::fmt;

use hashbrown::HashMap;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny};
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
        Unread::of(text)?.read()
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
                let members = members(raw)?.into_iter();
                let read = members.map(|(key, value)| Some((key, Self::read(value.get(), depth)?)));
                Json::Object(read.collect::<Option<_>>()?)
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

/// A part of a document, which is known to be JSON, of which nothing but what is asked for is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread<'a>(&'a RawValue);

impl<'a> Unread<'a> {
    /// A whole document; `None` if it is none.
    pub(super) fn of(text: &'a str) -> Option<Unread<'a>> {
        serde_json::from_str(text).ok().map(Unread)
    }

    /// All of it; `None` if it is nested too deep.
    pub(super) fn read(self) -> Option<Json> {
        Json::read(self.0.get(), MAX_DEPTH)
    }

    /// The member of this name, if it is an object that has it.
    pub(super) fn member(self, name: &str) -> Option<Unread<'a>> {
        let found = Member(name).deserialize(&mut serde_json::Deserializer::from_str(self.0.get()));
        found.ok().flatten().map(Unread)
    }

    /// The element at this place, from 0 or below 0 from the end, if it is an array that has it.
    pub(super) fn element(self, at: i64) -> Option<Unread<'a>> {
        let elements = self.elements()?;
        let at = if at < 0 { at + elements.len() as i64 } else { at };
        usize::try_from(at).ok().and_then(|at| elements.get(at).copied())
    }

    /// All elements of an array, or all members of an object.
    pub(super) fn all(self) -> Vec<Unread<'a>> {
        let members = || Some(members(self.0.get())?.into_iter().map(|(_, value)| Unread(value)).collect());
        self.elements().or_else(members).unwrap_or_default()
    }

    fn elements(self) -> Option<Vec<Unread<'a>>> {
        let elements: Vec<&RawValue> = serde_json::from_str(self.0.get()).ok()?;
        Some(elements.into_iter().map(Unread).collect())
    }
}

/// Finds the last member of a name in an object, and reads no other.
struct Member<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Named(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is this name.
struct Named<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl serde::de::Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// The members of an object, each key once with what it has last, in the order in which keys come first.
fn members(raw: &str) -> Option<Vec<(String, &RawValue)>> {
    let members: Members<'_> = serde_json::from_str(raw).ok()?;
    let mut read: Vec<(String, &RawValue)> = Vec::with_capacity(members.0.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for (key, value) in members.0 {
        match places.get(&key) {
            Some(place) => read[*place].1 = value,
            None => {
                places.insert(key.clone(), read.len());
                read.push((key, value));
            }
        }
    }
    Some(read)
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
