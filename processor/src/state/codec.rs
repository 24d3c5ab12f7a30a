//! Values as bytes: group keys, and what accumulators keep.
//!
//! One tag byte, then the payload: integers and floating-point bits big-endian, texts and bytes after their length (4 bytes), the parts
//! of arrays, maps and rows after their number (4 bytes); a map's entries in the order of their bytes.
//! Equal values have equal bytes and different ones different bytes (every NaN is the same), so encoded keys are compared as bytes.

use std::borrow::Cow;
use std::sync::Arc;

use crate::expr::{Nested, Timestamp, Value};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const DOUBLE: u8 = 4;
const DECIMAL: u8 = 5;
const STRING: u8 = 6;
const BYTES: u8 = 7;
const DATE: u8 = 8;
const TIME: u8 = 9;
const TIMESTAMP: u8 = 10;
const ARRAY: u8 = 11;
const MAP: u8 = 12;
const ROW: u8 = 13;

/// Values that are nested deeper are none; the planner's types are not ([`crate::expr::MAX_TYPE_DEPTH`]).
const MAX_DEPTH: usize = 64;

/// Appends `value`.
#[inline]
pub fn encode_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(NULL),
        Value::Boolean(v) => out.push(if *v { TRUE } else { FALSE }),
        Value::Integer(v) => fixed(INTEGER, &v.to_be_bytes(), out),
        Value::Double(v) => {
            let v = if v.is_nan() { f64::NAN } else { *v };
            fixed(DOUBLE, &v.to_bits().to_be_bytes(), out);
        }
        Value::Decimal(v) => fixed(DECIMAL, &v.to_be_bytes(), out),
        Value::String(v) => sized(STRING, v.as_bytes(), out),
        Value::Bytes(v) => sized(BYTES, v, out),
        Value::Date(v) => fixed(DATE, &v.to_be_bytes(), out),
        Value::Time(v) => fixed(TIME, &v.to_be_bytes(), out),
        Value::Timestamp(v) => {
            fixed(TIMESTAMP, &v.millis.to_be_bytes(), out);
            out.extend_from_slice(&v.nanos.to_be_bytes());
        }
        Value::Nested(nested) => encode_nested(nested, out),
    }
}

/// The tag, how many there are (4 bytes), and each; of a map a key and its value.
fn encode_nested(nested: &Nested, out: &mut Vec<u8>) {
    let (tag, count) = match nested {
        Nested::Array(elements) => (ARRAY, elements.len()),
        Nested::Map(entries) => (MAP, entries.len()),
        Nested::Row(fields) => (ROW, fields.len()),
    };
    fixed(tag, &(count as u32).to_be_bytes(), out);
    nested.items().iter().for_each(|item| encode_value(item, out));
    encode_entries(nested.entries(), out);
}

/// Maps are equal whatever the order of their entries.
fn encode_entries(entries: &[(Value<'static>, Value<'static>)], out: &mut Vec<u8>) {
    let encoded = |(key, value): &(Value<'static>, Value<'static>)| {
        let mut bytes = Vec::new();
        encode_value(key, &mut bytes);
        encode_value(value, &mut bytes);
        bytes
    };
    let mut entries: Vec<Vec<u8>> = entries.iter().map(encoded).collect();
    entries.sort_unstable();
    entries.iter().for_each(|entry| out.extend_from_slice(entry));
}

/// Appends a text that is known to be UTF-8, as [`encode_value`] does.
#[inline]
pub fn encode_text(text: &[u8], out: &mut Vec<u8>) {
    sized(STRING, text, out);
}

/// Takes a text off the front, if that is what comes next; the bytes are UTF-8.
#[inline]
#[must_use]
pub fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = input.strip_prefix(&[STRING])?;
    let text = take_sized(&mut rest)?;
    *input = rest;
    Some(text)
}

/// Takes an integer off the front, if that is what comes next.
#[inline]
#[must_use]
pub fn take_integer(input: &mut &[u8]) -> Option<i64> {
    let mut rest = input.strip_prefix(&[INTEGER])?;
    let number = i64::from_be_bytes(*take(&mut rest)?);
    *input = rest;
    Some(number)
}

#[inline]
fn fixed(tag: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(payload);
}

#[inline]
fn sized(tag: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.extend_from_slice(payload);
}

/// Takes `N` bytes off the front.
pub(super) fn take<'a, const N: usize>(input: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(head)
}

fn take_sized<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(*take(input)?) as usize;
    let (head, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(head)
}

/// Takes one value off the front; `None` if the bytes are not one.
#[must_use]
pub fn decode_value<'a>(input: &mut &'a [u8]) -> Option<Value<'a>> {
    decode_at(input, MAX_DEPTH)
}

fn decode_at<'a>(input: &mut &'a [u8], depth: usize) -> Option<Value<'a>> {
    let [tag] = *take(input)?;
    Some(match tag {
        NULL => Value::Null,
        FALSE => Value::Boolean(false),
        TRUE => Value::Boolean(true),
        INTEGER => Value::Integer(i64::from_be_bytes(*take(input)?)),
        DOUBLE => Value::Double(f64::from_bits(u64::from_be_bytes(*take(input)?))),
        DECIMAL => Value::Decimal(i128::from_be_bytes(*take(input)?)),
        STRING => Value::String(Cow::Borrowed(std::str::from_utf8(take_sized(input)?).ok()?)),
        BYTES => Value::Bytes(Cow::Borrowed(take_sized(input)?)),
        DATE => Value::Date(i32::from_be_bytes(*take(input)?)),
        TIME => Value::Time(i32::from_be_bytes(*take(input)?)),
        TIMESTAMP => {
            let millis = i64::from_be_bytes(*take(input)?);
            let nanos = u32::from_be_bytes(*take(input)?);
            Value::Timestamp(Timestamp { millis, nanos })
        }
        ARRAY => Value::array(decode_items(input, depth)?),
        ROW => Value::row(decode_items(input, depth)?),
        MAP => {
            let mut entries = Vec::new();
            for _ in 0..u32::from_be_bytes(*take(input)?) {
                let key = decode_at(input, depth.checked_sub(1)?)?.into_owned();
                entries.push((key, decode_at(input, depth - 1)?.into_owned()));
            }
            Value::Nested(Arc::new(Nested::Map(entries)))
        }
        _ => return None,
    })
}

/// As many values as the count before them says. Each takes a byte at least, so nothing is reserved for what may not be there.
fn decode_items(input: &mut &[u8], depth: usize) -> Option<Vec<Value<'static>>> {
    let depth = depth.checked_sub(1)?;
    let count = u32::from_be_bytes(*take(input)?);
    (0..count).map(|_| decode_at(input, depth).map(Value::into_owned)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_value() -> impl Strategy<Value = Value<'static>> {
        any_plain_value().prop_recursive(3, 12, 4, |part| {
            prop_oneof![
                prop::collection::vec(part.clone(), 0..4).prop_map(Value::array),
                prop::collection::vec(part.clone(), 0..4).prop_map(Value::row),
                prop::collection::vec((part.clone(), part), 0..4).prop_map(map_in_order),
            ]
        })
    }

    /// Entries are read back in the order of their bytes.
    fn map_in_order(mut entries: Vec<(Value<'static>, Value<'static>)>) -> Value<'static> {
        entries.sort_by_cached_key(|(key, _)| encoded(key));
        Value::map(entries)
    }

    fn encoded(value: &Value<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_value(value, &mut bytes);
        bytes
    }

    fn any_plain_value() -> impl Strategy<Value = Value<'static>> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>().prop_filter("NaN is not equal to itself", |v| !v.is_nan()).prop_map(Value::Double),
            any::<i128>().prop_map(Value::Decimal),
            any::<String>().prop_map(|v| Value::String(Cow::Owned(v))),
            any::<Vec<u8>>().prop_map(|v| Value::Bytes(Cow::Owned(v))),
            any::<i32>().prop_map(Value::Date),
            any::<i32>().prop_map(Value::Time),
            (any::<i64>(), 0..1_000_000u32).prop_map(|(millis, nanos)| Value::Timestamp(Timestamp { millis, nanos })),
        ]
    }

    #[test]
    fn equal_maps_have_equal_bytes() {
        let text = |text: &'static str| Value::String(Cow::Borrowed(text));
        let [a, b] = [("a", 1), ("bb", 2)].map(|(key, value)| (text(key), Value::Integer(value)));
        let (one, other) = (Value::map(vec![a.clone(), b.clone()]), Value::map(vec![b, a]));
        assert_eq!(encoded(&one), encoded(&other));
        assert_eq!(
            encoded(&Value::row(vec![Value::array(vec![one])])),
            encoded(&Value::row(vec![Value::array(vec![other])]))
        );
    }

    /// A few bytes that claim to be nested without end, and many elements that are not there.
    #[test]
    fn what_is_too_deep_is_no_value() {
        let deep = |levels: usize| {
            let mut bytes = [ARRAY, 0, 0, 0, 1].repeat(levels);
            bytes.push(NULL);
            decode_value(&mut &bytes[..]).is_some()
        };
        assert!(deep(MAX_DEPTH));
        assert!(!deep(MAX_DEPTH + 1));
        assert!(!deep(100_000));
        assert_eq!(decode_value(&mut &[ROW, 0xff, 0xff, 0xff, 0xff, NULL][..]), None);
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(values in prop::collection::vec(any_value(), 0..5)) {
            let mut bytes = Vec::new();
            values.iter().for_each(|value| encode_value(value, &mut bytes));
            let mut rest = &bytes[..];
            for value in &values {
                prop_assert_eq!(&decode_value(&mut rest).unwrap(), value);
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>) {
            let mut rest = &bytes[..];
            while !rest.is_empty() && decode_value(&mut rest).is_some() {}
        }
    }
}
