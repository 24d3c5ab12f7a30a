//! The quick way through a plain record: an object of texts without escapes, small integers, `true`, `false` and `null`.
//!
//! It takes only what it reads exactly as the full parser does, and gives up at the first sign of anything else, be it rare or
//! wrong. The full parser then starts anew, so that what is an error, and which, is said in one place.

use std::borrow::Cow;

use super::convert::{self, Converted};
use super::nested::Reading;
use super::words::{Digits, POWERS, plain_length, two_words};
use crate::expr::{DataType, Value};
use crate::plan::TimestampFormat;

/// Ignored objects and arrays that are nested deeper are left to the full parser, which has a limit of its own.
const MAX_DEPTH: u8 = 16;

/// A number of so many digits fits an `i64`.
const MAX_DIGITS: usize = 18;

/// Names of so many fields are learnt.
const MAX_LEARNT: usize = 64;

/// A name in quotes, with its colon and white space, that takes more bytes is not learnt.
const MAX_LABEL_BYTES: usize = 128;

/// What stands before the values of the first plain records, field by field: records mostly have the same fields in the same order.
#[derive(Clone, Debug, Default)]
pub struct Shape(Vec<Label>);

/// What stands between two values: comma or brace, name, colon, and white space.
#[derive(Clone, Debug)]
struct Label {
    text: Box<[u8]>,
    /// Its first 16 bytes, and which bits of them are its own.
    words: [u64; 2],
    masks: [u64; 2],
    /// The place of the field that follows among the columns.
    column: Option<usize>,
}

impl Label {
    fn new(text: &[u8], column: Option<usize>) -> Label {
        let (mut bytes, mut mask) = ([0; 16], [0; 16]);
        for (at, byte) in text.iter().take(16).enumerate() {
            (bytes[at], mask[at]) = (*byte, 0xff);
        }
        Label { text: text.into(), words: two_words(&bytes), masks: two_words(&mask), column }
    }
}

impl Shape {
    fn learn(&mut self, position: usize, label: &[u8], column: Option<usize>) {
        if position == self.0.len() && position < MAX_LEARNT && label.len() <= MAX_LABEL_BYTES {
            self.0.push(Label::new(label, column));
        }
    }
}

/// What a needed field is read as.
pub trait Slot<'a>: Sized {
    /// The value at which the scanner stands, for a column of this type; `None` if it is not plain.
    fn read(scanner: &mut Scanner<'a>, data_type: DataType, timestamps: TimestampFormat) -> Option<Self>;
}

/// A field of a column of texts or integers, before anything is made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RawField<'a> {
    /// NULL, or not there.
    #[default]
    Null,
    /// A text: UTF-8.
    Text(&'a [u8]),
    /// An integer.
    Integer(i64),
}

/// Sets the values of `columns` in `row`. Returns how many fields were among them, or `None` if the record is not plain: then `row` may
/// hold some values already.
pub fn scan<'a, S: Slot<'a>>(
    json: &'a [u8],
    columns: &[(Box<str>, DataType)],
    timestamps: TimestampFormat,
    shape: &mut Shape,
    row: &mut [S],
) -> Option<usize> {
    let mut scanner = Scanner { json, at: 0 };
    let (mut expected, mut seen) = (0, 0);
    for position in 0.. {
        let column = match shape.0.get(position) {
            Some(label) if scanner.label(label) => label.column,
            _ => {
                let start = scanner.at;
                if scanner.ends(position)? {
                    return Some(seen);
                }
                let column = scanner.field(columns, expected)?;
                shape.learn(position, &json[start..scanner.at], column);
                column
            }
        };
        match column {
            Some(index) => {
                row[index] = S::read(&mut scanner, columns[index].1, timestamps)?;
                expected = index + 1;
                seen += 1;
            }
            None => scanner.skip(MAX_DEPTH)?,
        }
    }
    None
}

/// The column of that name, trying the one after the last first, as fields mostly come in the order of the columns.
#[inline]
fn column_of(name: &[u8], columns: &[(Box<str>, DataType)], expected: usize) -> Option<usize> {
    if columns.get(expected).is_some_and(|(column, _)| column.as_bytes() == name) {
        return Some(expected);
    }
    columns.iter().position(|(column, _)| column.as_bytes() == name)
}

/// Where in a record it is.
#[derive(Debug)]
pub struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.json.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    #[inline]
    fn symbol(&mut self, symbol: u8) -> Option<()> {
        (self.peek()? == symbol).then(|| self.at += 1)
    }

    /// After an item: true at the `end`, false at a comma.
    #[inline]
    fn is_end(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == end {
            return Some(true);
        }
        (byte == b',').then_some(false)
    }

    /// Before the first field, or after one: whether there is none that follows.
    fn ends(&mut self, position: usize) -> Option<bool> {
        if position > 0 {
            return self.is_end(b'}');
        }
        self.symbol(b'{')?;
        Some(self.peek()? == b'}')
    }

    /// A field's name and the colon.
    #[inline]
    fn name(&mut self) -> Option<&'a [u8]> {
        self.symbol(b'"')?;
        let name = self.text()?;
        self.symbol(b':')?;
        Some(name)
    }

    /// A field's name: which of `columns` it is, if any.
    fn field(&mut self, columns: &[(Box<str>, DataType)], expected: usize) -> Option<Option<usize>> {
        let name = self.name()?;
        let column = column_of(name, columns, expected);
        // A name that is not UTF-8 is an error.
        (column.is_some() || name.is_ascii()).then_some(column)
    }

    /// The text up to the closing quote, if nothing in it stands for something else.
    #[inline]
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = &self.json[self.at..];
        let length = plain_length(rest);
        if *rest.get(length)? != b'"' {
            return None;
        }
        self.at += length + 1;
        Some(&rest[..length])
    }

    /// Passes over what was learnt, if the record has the same.
    #[inline]
    fn label(&mut self, label: &Label) -> bool {
        let rest = &self.json[self.at..];
        let same = match rest.first_chunk::<16>() {
            Some(bytes) if label.text.len() <= 16 => {
                let [low, high] = two_words(bytes);
                (low ^ label.words[0]) & label.masks[0] | (high ^ label.words[1]) & label.masks[1] == 0
            }
            _ => rest.starts_with(&label.text),
        };
        if same {
            self.at += label.text.len();
        }
        same
    }

    #[inline]
    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.json[self.at..].starts_with(literal).then(|| self.at += literal.len())
    }

    /// Passes over digits; a number does not start with a zero that is not alone. Returns how many there were.
    #[inline]
    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        self.pass_digits();
        let count = self.at - start;
        (count == 1 || count > 1 && self.json[start] != b'0').then_some(count)
    }

    #[inline]
    fn pass_digits(&mut self) {
        loop {
            let count = Digits::at(self.json, self.at).count;
            self.at += count;
            if count < 8 {
                return;
            }
        }
    }

    /// An integer, if it is short and nothing follows that makes it another number.
    #[inline]
    fn integer(&mut self) -> Option<i64> {
        let negative = self.json.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let start = self.at;
        let mut number = 0i64;
        // What is too long to be taken may wrap around.
        loop {
            let digits = Digits::at(self.json, self.at);
            number = POWERS[digits.count].wrapping_mul(number).wrapping_add(digits.number());
            self.at += digits.count;
            if digits.count < 8 || self.at - start > MAX_DIGITS {
                break;
            }
        }
        let count = self.at - start;
        let fraction = matches!(self.json.get(self.at), Some(b'.' | b'e' | b'E'));
        let zero = self.json.get(start) == Some(&b'0');
        // Minus zero is a floating-point number.
        if count == 0 || count > MAX_DIGITS || fraction || zero && (negative || count > 1) {
            return None;
        }
        Some(if negative { -number } else { number })
    }

    /// The value of a field that may have to be converted.
    fn converted(&mut self, data_type: DataType, timestamps: TimestampFormat) -> Option<Converted<'a>> {
        Some(match self.peek()? {
            b'"' => {
                self.at += 1;
                let text = std::str::from_utf8(self.text()?).ok()?;
                convert::from_text(Cow::Borrowed(text), data_type, timestamps)
            }
            b'-' | b'0'..=b'9' => convert::from_integer(self.integer()?, data_type),
            b'n' => self.literal(b"null").map(|()| Converted::Value(Value::Null))?,
            b't' => self.literal(b"true").map(|()| convert::from_boolean(true, data_type))?,
            b'f' => self.literal(b"false").map(|()| convert::from_boolean(false, data_type))?,
            b'{' | b'[' if data_type.nested().is_some() => self.nested(data_type, timestamps)?,
            _ => return None,
        })
    }

    /// An array or object; one in which anything does not fit is left to the full parser.
    fn nested(&mut self, data_type: DataType, timestamps: TimestampFormat) -> Option<Converted<'a>> {
        let start = self.at;
        self.skip(MAX_DEPTH)?;
        let raw = std::str::from_utf8(&self.json[start..self.at]).ok()?;
        let reading = Reading { timestamps, ignore_errors: false, fail_on_missing: false };
        reading.value(raw, data_type).ok().map(Converted::Value)
    }

    /// Passes over a value that nobody needs.
    #[inline]
    fn skip(&mut self, depth: u8) -> Option<()> {
        if self.json.get(self.at) == Some(&b'"') {
            self.at += 1;
            return self.text().map(drop);
        }
        self.skip_other(depth)
    }

    /// As [`Scanner::skip`], where it is not a text right here.
    fn skip_other(&mut self, depth: u8) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.text().map(drop)
            }
            b'-' | b'0'..=b'9' => self.skip_number(),
            b'n' => self.literal(b"null"),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'{' | b'[' if depth > 0 => self.skip_items(depth - 1),
            _ => None,
        }
    }

    fn skip_number(&mut self) -> Option<()> {
        self.at += usize::from(self.json[self.at] == b'-');
        self.digits()?;
        if self.json.get(self.at) == Some(&b'.') {
            self.at += 1;
            let start = self.at;
            self.pass_digits();
            (self.at > start).then_some(())?;
        }
        (!matches!(self.json.get(self.at), Some(b'e' | b'E'))).then_some(())
    }

    /// The inside of an object or array.
    fn skip_items(&mut self, depth: u8) -> Option<()> {
        let object = self.json[self.at] == b'{';
        let end = if object { b'}' } else { b']' };
        self.at += 1;
        if self.peek()? == end {
            self.at += 1;
            return Some(());
        }
        loop {
            if object {
                self.name()?;
            }
            self.skip(depth)?;
            if self.is_end(end)? {
                return Some(());
            }
        }
    }
}

impl<'a> Slot<'a> for Value<'a> {
    #[inline]
    fn read(scanner: &mut Scanner<'a>, data_type: DataType, timestamps: TimestampFormat) -> Option<Value<'a>> {
        Some(match scanner.peek()? {
            b'"' if data_type.is_text() => {
                scanner.at += 1;
                Value::String(Cow::Borrowed(std::str::from_utf8(scanner.text()?).ok()?))
            }
            b'-' | b'0'..=b'9' if data_type == DataType::BigInt => Value::Integer(scanner.integer()?),
            _ => match scanner.converted(data_type, timestamps)? {
                Converted::Value(value) => value,
                _ => return None,
            },
        })
    }
}

impl<'a> Slot<'a> for RawField<'a> {
    #[inline]
    fn read(scanner: &mut Scanner<'a>, data_type: DataType, timestamps: TimestampFormat) -> Option<RawField<'a>> {
        Some(match scanner.peek()? {
            b'"' if data_type.is_text() => {
                scanner.at += 1;
                let text = scanner.text()?;
                (text.is_ascii() || std::str::from_utf8(text).is_ok()).then_some(RawField::Text(text))?
            }
            b'-' | b'0'..=b'9' if data_type == DataType::BigInt => RawField::Integer(scanner.integer()?),
            _ => match scanner.converted(data_type, timestamps)? {
                Converted::Value(Value::Null) => RawField::Null,
                Converted::Value(Value::Integer(number)) => RawField::Integer(number),
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns() -> Vec<(Box<str>, DataType)> {
        vec![("a".into(), DataType::STRING), ("b".into(), DataType::BigInt)]
    }

    fn scanned(json: &[u8]) -> Option<(usize, Vec<Value<'_>>)> {
        let (mut row, mut fields) = (vec![Value::Null, Value::Null], [RawField::Null; 2]);
        let seen = scan(json, &columns(), TimestampFormat::Sql, &mut Shape::default(), &mut row);
        // Fields are the same before they are values.
        assert_eq!(scan(json, &columns(), TimestampFormat::Sql, &mut Shape::default(), &mut fields), seen);
        if seen.is_some() {
            assert_eq!(fields.map(value_of).to_vec(), row);
        }
        Some((seen?, row))
    }

    fn value_of(field: RawField<'_>) -> Value<'_> {
        match field {
            RawField::Null => Value::Null,
            RawField::Text(text) => Value::text(std::str::from_utf8(text).unwrap()),
            RawField::Integer(number) => Value::Integer(number),
        }
    }

    #[test]
    fn takes_plain_records() {
        let text = Value::text("x ü");
        for (json, seen, a, b) in [
            (r#"{"a":"x ü","b":-12}"#, 2, text.clone(), Value::Integer(-12)),
            (r#" { "b" : 0 , "n":[1,{"x":2.50},"]"], "a":"x ü","o":{} } trailing"#, 2, text.clone(), Value::Integer(0)),
            (r#"{"a":"y","t":true,"f":false,"a":"x ü","b":null}"#, 3, text, Value::Null),
            (
                r#"{"c":"long enough for two words, ünd more","b":999999999999999999}"#,
                1,
                Value::Null,
                Value::Integer(999_999_999_999_999_999),
            ),
            ("{}", 0, Value::Null, Value::Null),
        ] {
            assert_eq!(scanned(json.as_bytes()), Some((seen, vec![a, b])), "{json}");
        }
    }

    /// What was learnt from one record is no more than a guess for the next.
    #[test]
    fn fields_may_come_in_another_order_later() {
        let (columns, mut shape) = (columns(), Shape::default());
        for (json, a, b) in [
            (r#"{"a":"x","c":0, "b":1}"#, "x", 1),
            (r#"{"a":"y","c":1, "b":2}"#, "y", 2),
            (r#"{"b":3,"a":"z","b":4}"#, "z", 4),
            (r#"{"aa":3,"c":5, "b":5,"d":6,"a":"v"}"#, "v", 5),
            (r#"{"a":"y","d":1,"c":7, "b":2}"#, "y", 2),
        ] {
            let mut row = [Value::Null, Value::Null];
            assert!(scan(json.as_bytes(), &columns, TimestampFormat::Sql, &mut shape, &mut row).is_some());
            assert_eq!(row, [Value::text(a), Value::Integer(b)], "{json}");
        }
    }

    #[test]
    fn leaves_everything_else_to_the_parser() {
        for json in [
            r#"{"a":"x\n"}"#,
            r#"{"b":-0}"#,
            r#"{"b":01}"#,
            r#"{"b":1.0}"#,
            r#"{"b":1e3}"#,
            r#"{"b":9223372036854775807}"#,
            r#"{"b":99999999999999999999999999999999999}"#,
            r#"{"b":1000000000000000000}"#,
            r#"{"b":-}"#,
            r#"{"b":"x"}"#,
            r#"{"b":[]}"#,
            r#"{"b":1,}"#,
            r#"{"b":1"#,
            r#"{"b":nul}"#,
            r#"{"c":1e3}"#,
            r#"{"c":1.}"#,
            r#"{"c":[1,]}"#,
            r#"{"c":-}"#,
            r#"{"ü":1}"#,
            "{\"c\":\"\u{1}\"}",
            r#"["#,
            "",
        ] {
            assert_eq!(scanned(json.as_bytes()), None, "{json}");
        }
        let deep = format!(r#"{{"c":{}1{}}}"#, "[".repeat(17), "]".repeat(17));
        assert_eq!(scanned(deep.as_bytes()), None);
        assert_eq!(scanned(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(scanned(b"{\"\xff\":1}"), None);
    }

    proptest! {
        #[test]
        fn numbers_are_what_their_digits_say(number in -999_999_999_999_999_999..1_000_000_000_000_000_000i64, short in 0..18u32) {
            let number = number / 10i64.pow(short);
            let json = format!(r#"{{"b":{number}}}"#);
            prop_assert_eq!(scanned(json.as_bytes()), Some((1, vec![Value::Null, Value::Integer(number)])));
        }

        #[test]
        fn digits_end_where_they_end(text in "[/-:0-9]{0,12}[\\PC]{0,3}", at in 0..4usize) {
            let at = at.min(text.len());
            let rest = &text.as_bytes()[at..];
            let digits = Digits::at(text.as_bytes(), at);
            let expected = rest.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
            prop_assert_eq!(digits.count, expected);
            let number = std::str::from_utf8(&rest[..expected]).unwrap();
            prop_assert_eq!(digits.number(), number.parse().unwrap_or(0));
        }

        #[test]
        fn texts_end_where_they_end(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let expected = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            prop_assert_eq!(plain_length(&text), expected.unwrap_or(text.len()));
        }
    }
}
