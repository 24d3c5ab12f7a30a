//! Other spellings of texts, bytes and numbers: Base64, hexadecimal, binary, character sets, URLs.

use super::text::{one, two};
use super::{Function, Kind, MISSHAPEN, PLAIN, Returns, string};
use crate::expr::{DataType, Expr, Value};
use crate::format::base64;

/// Functions that encode and decode.
pub(crate) const ENCODINGS: &[Function] = &[
    Function {
        name: "BIN",
        form: "BIN(integer)",
        about: "its binary digits; those of 64 bits below 0",
        arguments: &[Kind::Integer],
        compute: |values, _| match values {
            [Value::Integer(number)] => Ok(string(format!("{number:b}"))),
            _ => Err(MISSHAPEN),
        },
        ..PLAIN
    },
    Function {
        name: "DECODE",
        form: "DECODE(bytes, charset)",
        about: "the text of bytes in a character set: UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE, UTF-16LE",
        arguments: &[Kind::Bytes, Kind::Text],
        compute: |values, _| match values {
            [Value::Bytes(bytes), Value::String(charset)] => Ok(decoded(bytes, charset).map_or(Value::Null, string)),
            _ => Err(MISSHAPEN),
        },
        check: known_charset,
        ..PLAIN
    },
    Function {
        name: "ENCODE",
        form: "ENCODE(text, charset)",
        about: "the text's bytes in a character set, as of DECODE",
        arguments: &[Kind::Text, Kind::Text],
        result: Returns::Is(DataType::BYTES),
        compute: |values, _| {
            two(values, |text, charset| encoded(text, charset).map_or(Value::Null, |bytes| Value::Bytes(bytes.into())))
        },
        check: known_charset,
        ..PLAIN
    },
    Function {
        name: "FROM_BASE64",
        form: "FROM_BASE64(text)",
        about: "the text that was written in Base64",
        compute: |values, _| {
            one(values, |text| match base64::decode(text) {
                Some(bytes) => string(String::from_utf8_lossy(&bytes)),
                None => Value::Null,
            })
        },
        ..PLAIN
    },
    Function {
        name: "HEX",
        form: "HEX(integer or text)",
        about: "the hexadecimal digits of an integer, or of a text's UTF-8, in upper case",
        arguments: &[Kind::IntegerOrText],
        compute: |values, _| match values {
            [Value::Integer(number)] => Ok(string(format!("{number:X}"))),
            [Value::String(text)] => Ok(string(text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>())),
            _ => Err(MISSHAPEN),
        },
        ..PLAIN
    },
    Function {
        name: "TO_BASE64",
        form: "TO_BASE64(text)",
        about: "the text's UTF-8 in Base64",
        compute: |values, _| one(values, |text| string(to_base64(text))),
        ..PLAIN
    },
    Function {
        name: "UNHEX",
        form: "UNHEX(text)",
        about: "the bytes of hexadecimal digits; NULL if there are others",
        result: Returns::Is(DataType::BYTES),
        compute: |values, _| one(values, |text| unhex(text).map_or(Value::Null, |bytes| Value::Bytes(bytes.into()))),
        ..PLAIN
    },
    Function {
        name: "URL_DECODE",
        form: "URL_DECODE(text)",
        about: "the text of application/x-www-form-urlencoded; NULL if it is none",
        compute: |values, _| one(values, |text| url_decoded(text).map_or(Value::Null, string)),
        ..PLAIN
    },
    Function {
        name: "URL_ENCODE",
        form: "URL_ENCODE(text)",
        about: "the text as application/x-www-form-urlencoded",
        compute: |values, _| one(values, |text| string(url_encoded(text))),
        ..PLAIN
    },
];

fn to_base64(text: &str) -> String {
    let mut digits = Vec::with_capacity(text.len().div_ceil(3) * 4);
    base64::encode(text.as_bytes(), &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

/// A character set.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Ascii,
    Latin1,
    /// Big-endian: with a byte order mark when writing.
    Utf16,
    Utf16Be,
    Utf16Le,
}

fn charset(name: &str) -> Option<Charset> {
    Some(match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => Charset::Utf8,
        "US-ASCII" | "ASCII" => Charset::Ascii,
        "ISO-8859-1" | "LATIN1" => Charset::Latin1,
        "UTF-16" => Charset::Utf16,
        "UTF-16BE" => Charset::Utf16Be,
        "UTF-16LE" => Charset::Utf16Le,
        _ => return None,
    })
}

fn known_charset(arguments: &[Expr]) -> Result<(), (usize, String)> {
    match arguments.get(1).and_then(Expr::as_literal) {
        Some(Value::String(name)) if charset(name).is_none() => Err((
            1,
            format!(
                "there is no character set '{name}'; there is UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE, UTF-16LE"
            ),
        )),
        _ => Ok(()),
    }
}

/// As Java's String.getBytes: what the set does not have is a question mark.
fn encoded(text: &str, name: &str) -> Option<Vec<u8>> {
    let narrow = |most: u32| text.chars().map(move |c| if u32::from(c) <= most { u32::from(c) as u8 } else { b'?' });
    Some(match charset(name)? {
        Charset::Utf8 => text.as_bytes().to_vec(),
        Charset::Ascii => narrow(0x7f).collect(),
        Charset::Latin1 => narrow(0xff).collect(),
        Charset::Utf16 => [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
        Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    })
}

fn decoded(bytes: &[u8], name: &str) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or(0)])).collect();
        String::from_utf16_lossy(&units)
    };
    Some(match charset(name)? {
        Charset::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        Charset::Ascii => bytes.iter().map(|b| if b.is_ascii() { char::from(*b) } else { '\u{fffd}' }).collect(),
        Charset::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Charset::Utf16 => match bytes {
            [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
            rest => wide(rest, u16::from_be_bytes),
        },
        Charset::Utf16Be => wide(bytes, u16::from_be_bytes),
        Charset::Utf16Le => wide(bytes, u16::from_le_bytes),
    })
}

/// An odd number of digits has a 0 before them.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let (first, rest) = digits.split_at(digits.len() % 2);
    Some(first.iter().copied().chain(rest.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect())
}

fn url_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'.' | b'-' | b'*' | b'_' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn url_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = after.split_at_checked(2)?;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push((digit(digits[0])? << 4 | digit(digits[1])?) as u8);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
