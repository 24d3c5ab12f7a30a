//! JSON text to a row of only the columns that the plan needs, in one pass and without copying texts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::DecodeError;
use super::convert::{self, Converted};
use super::nested::Reading;
use super::scan::{RawField, Shape, Slot, scan};
use crate::expr::{DataType, Value};
use crate::plan::{Column, JsonFormat, TimestampFormat};

/// Reads the columns of a plan from JSON objects.
#[derive(Clone, Debug)]
pub struct JsonDecoder {
    columns: Vec<(Box<str>, DataType)>,
    format: JsonFormat,
    shape: Shape,
    /// How many of the last records were not plain, up to [`MAX_STREAK`].
    streak: u32,
    /// How many records go straight to the full parser.
    pause: u32,
}

/// However few records are plain, one of so many (as a power of two) is tried.
const MAX_STREAK: u32 = 8;

impl JsonDecoder {
    /// For rows of exactly `columns`.
    #[must_use]
    pub fn new(columns: &[Column], format: &JsonFormat) -> JsonDecoder {
        let columns = columns.iter().map(|column| (column.name.as_str().into(), column.data_type)).collect();
        JsonDecoder { columns, format: format.clone(), shape: Shape::default(), streak: 0, pause: 0 }
    }

    /// Appends one value for each column to `row`, which must be empty; texts borrow from `json` unless they had escapes.
    ///
    /// # Errors
    /// What makes Flink's format fail for this record; the row is to be thrown away then.
    pub fn decode<'a>(&mut self, json: &'a [u8], row: &mut Vec<Value<'a>>) -> Result<(), DecodeError> {
        debug_assert!(row.is_empty());
        row.resize_with(self.columns.len(), || Value::Null);
        if self.decode_plain(json, row) {
            return Ok(());
        }
        row.fill(Value::Null);
        self.parse(json, row)
    }

    /// Sets `fields`, one for each column and all NULL, if the record is plain; false if it is to be decoded instead. Columns must be of
    /// texts and integers.
    #[inline]
    pub fn fields<'a>(&mut self, json: &'a [u8], fields: &mut [RawField<'a>]) -> bool {
        self.decode_plain(json, fields)
    }

    /// Tries the quick way, unless records have not been plain lately.
    #[inline]
    fn decode_plain<'a, S: Slot<'a>>(&mut self, json: &'a [u8], row: &mut [S]) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        let Some(seen) = scan(json, &self.columns, self.format.timestamp_format, &mut self.shape, row) else {
            self.streak = MAX_STREAK.min(self.streak + 1);
            self.pause = (1 << self.streak) - 2;
            return false;
        };
        self.streak = 0;
        // Nor does the quick way look for missing fields of rows.
        !self.format.fail_on_missing_field
            || seen >= self.columns.len() && self.columns.iter().all(|(_, data_type)| data_type.nested().is_none())
    }

    /// How parts of nested values are read.
    fn reading(&self) -> Reading {
        Reading {
            timestamps: self.format.timestamp_format,
            ignore_errors: self.format.ignore_parse_errors,
            fail_on_missing: self.format.fail_on_missing_field,
        }
    }

    fn parse<'a>(&self, json: &'a [u8], row: &mut [Value<'a>]) -> Result<(), DecodeError> {
        let mut pass = Pass { decoder: self, row, expected: 0, needs_text: Vec::new(), seen: 0 };
        // What follows the object is not looked at, as in Flink.
        (&mut pass).deserialize(&mut serde_json::Deserializer::from_slice(json)).map_err(|error| text_of(&error))?;
        let (needs_text, seen) = (std::mem::take(&mut pass.needs_text), pass.seen);
        if self.format.fail_on_missing_field && seen < self.columns.len() {
            self.check_all_there(json)?;
        }
        if !needs_text.is_empty() {
            self.decode_texts(json, &needs_text, row)?;
        }
        Ok(())
    }

    /// The second pass over a rare record, for columns that take a field's text as it stands.
    fn decode_texts<'a>(&self, json: &'a [u8], needed: &[usize], row: &mut [Value<'a>]) -> Result<(), DecodeError> {
        let fields = raw_fields(json)?;
        for index in needed {
            let (name, data_type) = &self.columns[*index];
            let Some(raw) = fields.get(&**name) else { continue };
            row[*index] = match convert::from_raw(raw.get(), *data_type) {
                Converted::Value(value) => value,
                _ if self.format.ignore_parse_errors => Value::Null,
                _ => return Err(DecodeError(mismatch(name, *data_type, raw.get()))),
            };
        }
        Ok(())
    }

    fn check_all_there(&self, json: &[u8]) -> Result<(), DecodeError> {
        let fields = raw_fields(json)?;
        match self.columns.iter().find(|(name, _)| !fields.contains_key(&**name)) {
            Some((name, _)) => Err(DecodeError(format!("the field '{name}' is missing"))),
            None => Ok(()),
        }
    }
}

fn raw_fields(json: &[u8]) -> Result<BTreeMap<Cow<'_, str>, &RawValue>, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    serde::Deserialize::deserialize(&mut deserializer).map_err(|error| text_of(&error))
}

fn text_of(error: &serde_json::Error) -> DecodeError {
    DecodeError(error.to_string())
}

fn mismatch(name: &str, data_type: DataType, found: impl fmt::Display) -> String {
    let found: String = found.to_string().chars().take(80).collect();
    format!("the field '{name}' is not a {data_type}: {found}")
}

/// One walk over one record.
struct Pass<'d, 'r, 'a> {
    decoder: &'d JsonDecoder,
    row: &'r mut [Value<'a>],
    /// The column that comes next if fields come in the order of the columns.
    expected: usize,
    needs_text: Vec<usize>,
    seen: usize,
}

impl<'a> DeserializeSeed<'a> for &mut Pass<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for &mut Pass<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let columns = &self.decoder.columns;
        while let Some(field) = map.next_key_seed(FieldName { columns, expected: self.expected })? {
            let Some(index) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let (name, data_type) = &columns[index];
            self.expected = index + 1;
            self.seen += 1;
            let timestamps = self.decoder.format.timestamp_format;
            if data_type.nested().is_some() {
                let raw: &RawValue = map.next_value()?;
                self.row[index] = match self.decoder.reading().value(raw.get(), *data_type) {
                    Ok(value) => value,
                    Err(_) if self.decoder.format.ignore_parse_errors => Value::Null,
                    Err(why) => return Err(A::Error::custom(format!("the field '{name}' {why}"))),
                };
                continue;
            }
            self.row[index] = match map.next_value_seed(Field { data_type: *data_type, timestamps })? {
                Converted::Value(value) => value,
                Converted::NeedsText => {
                    self.needs_text.push(index);
                    Value::Null
                }
                Converted::Mismatch if self.decoder.format.ignore_parse_errors => Value::Null,
                Converted::Mismatch => {
                    return Err(A::Error::custom(mismatch(name, *data_type, "its JSON does not fit")));
                }
            };
        }
        Ok(())
    }
}

/// Finds the column of a field by its name, trying the expected one first.
struct FieldName<'d> {
    columns: &'d [(Box<str>, DataType)],
    expected: usize,
}

impl<'a> DeserializeSeed<'a> for FieldName<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        if self.columns.get(self.expected).is_some_and(|(column, _)| **column == *name) {
            return Ok(Some(self.expected));
        }
        Ok(self.columns.iter().position(|(column, _)| **column == *name))
    }
}

/// The value of one needed field.
pub(super) struct Field {
    pub data_type: DataType,
    pub timestamps: TimestampFormat,
}

impl<'a> DeserializeSeed<'a> for Field {
    type Value = Converted<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Converted<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Field {
    type Value = Converted<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    #[inline]
    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Converted<'a>, E> {
        Ok(convert::from_text(Cow::Borrowed(text), self.data_type, self.timestamps))
    }

    fn visit_str<E>(self, text: &str) -> Result<Converted<'a>, E> {
        Ok(convert::from_text(Cow::Owned(text.to_owned()), self.data_type, self.timestamps))
    }

    #[inline]
    fn visit_i64<E>(self, number: i64) -> Result<Converted<'a>, E> {
        Ok(convert::from_integer(number, self.data_type))
    }

    #[inline]
    fn visit_u64<E>(self, number: u64) -> Result<Converted<'a>, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => convert::from_integer(number, self.data_type),
            Err(_) => convert::from_double(number as f64, self.data_type),
        })
    }

    fn visit_f64<E>(self, number: f64) -> Result<Converted<'a>, E> {
        Ok(convert::from_double(number, self.data_type))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Converted<'a>, E> {
        Ok(convert::from_boolean(value, self.data_type))
    }

    fn visit_unit<E>(self) -> Result<Converted<'a>, E> {
        Ok(Converted::Value(Value::Null))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Converted<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(convert::from_container(self.data_type))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Converted<'a>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(convert::from_container(self.data_type))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoder(columns: &[(&str, DataType)], format: &JsonFormat) -> JsonDecoder {
        let column = |(name, data_type): &(&str, DataType)| Column {
            name: (*name).to_owned(),
            data_type: *data_type,
            nullable: true,
        };
        JsonDecoder::new(&columns.iter().map(column).collect::<Vec<_>>(), format)
    }

    fn one(json_value: &str, data_type: DataType) -> Result<Value<'static>, String> {
        let json = format!(r#"{{"other":[1,{{"x":2}}],"x":{json_value},"z":null}}"#);
        let mut row = Vec::new();
        let decoded = decoder(&[("x", data_type)], &JsonFormat::default()).decode(json.as_bytes(), &mut row);
        decoded.map(|()| row.remove(0).into_owned()).map_err(|error| error.0)
    }

    /// What JsonParserToRowDataConverters does with each kind of JSON value.
    #[test]
    fn fields_are_converted_as_in_flink() {
        use DataType::{BigInt, Boolean, Date, Double, Float, Int, SmallInt, Timestamp, TimestampLtz, TinyInt};
        let text = |text: &'static str| Ok(Value::text(text));
        let decimal = DataType::Decimal { precision: 10, scale: 2 };
        let large = DataType::Decimal { precision: 38, scale: 2 };
        for (json, data_type, expected) in [
            ("5", BigInt, Ok(Value::Integer(5))),
            (r#"" -5 ""#, Int, Ok(Value::Integer(-5))),
            ("1.9", Int, Ok(Value::Integer(1))),
            ("1e3", BigInt, Ok(Value::Integer(1000))),
            ("-9223372036854775808", BigInt, Ok(Value::Integer(i64::MIN))),
            ("127", TinyInt, Ok(Value::Integer(127))),
            ("7", Double, Ok(Value::Double(7.0))),
            (r#""0.5""#, Double, Ok(Value::Double(0.5))),
            ("0.1", Float, Ok(Value::Double(f64::from(0.1f32)))),
            (r#""TRUE ""#, Boolean, Ok(Value::Boolean(true))),
            ("1", Boolean, Ok(Value::Boolean(false))),
            ("null", BigInt, Ok(Value::Null)),
            (r#""a\nb""#, DataType::STRING, text("a\nb")),
            ("12", DataType::STRING, text("12")),
            ("1.50", DataType::STRING, text("1.50")),
            ("true", DataType::STRING, text("true")),
            (r#"{ "a" : [1, 2.0] }"#, DataType::STRING, text(r#"{"a":[1,2.0]}"#)),
            ("19.99", decimal, Ok(Value::Decimal(1999))),
            (r#""19.995""#, decimal, Ok(Value::Decimal(2000))),
            ("123456789012345678901234567890.12", large, Ok(Value::Decimal(12345678901234567890123456789012))),
            ("12345678901", decimal, Ok(Value::Null)),
            (r#""Zm9v""#, DataType::BYTES, Ok(Value::Bytes(Cow::Borrowed(b"foo")))),
            (r#""1970-01-02""#, Date, Ok(Value::Date(1))),
            (r#""1970-01-01 00:00:01.5""#, Timestamp(3), Ok(Value::timestamp(1500))),
            (r#""1970-01-01 00:00:01Z""#, TimestampLtz(3), Ok(Value::timestamp(1000))),
        ] {
            assert_eq!(one(json, data_type), expected, "{json} as {data_type}");
        }
        for (json, data_type) in [
            ("128", TinyInt),
            ("1.5", SmallInt),
            ("2147483648", Int),
            ("9223372036854775808", BigInt),
            (r#""x""#, BigInt),
            ("{}", BigInt),
            ("[]", Boolean),
            ("5", Date),
            (r#""1970-01-01T00:00:00""#, Timestamp(3)),
            ("tru", Boolean),
            (r#""Zm9""#, DataType::Date),
        ] {
            let error = one(json, data_type).unwrap_err();
            assert!(!error.is_empty(), "{json} as {data_type}: {error}");
        }
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let json = br#"{"a":"plain","b":"with \"escape\""}"#;
        let columns = [("a", DataType::STRING), ("b", DataType::STRING)];
        let mut row = Vec::new();
        decoder(&columns, &JsonFormat::default()).decode(json, &mut row).unwrap();
        assert!(matches!(&row[0], Value::String(Cow::Borrowed("plain"))));
        assert!(matches!(&row[1], Value::String(Cow::Owned(text)) if text == "with \"escape\""));
    }

    #[test]
    fn missing_fields_are_null_or_an_error() {
        let columns = [("a", DataType::BigInt), ("b", DataType::BigInt)];
        let mut row = Vec::new();
        decoder(&columns, &JsonFormat::default()).decode(br#"{"b":1}"#, &mut row).unwrap();
        assert_eq!(row, [Value::Null, Value::Integer(1)]);
        let strict = JsonFormat { fail_on_missing_field: true, ..JsonFormat::default() };
        let error = decoder(&columns, &strict).decode(br#"{"b":1}"#, &mut Vec::new()).unwrap_err();
        assert_eq!(error.0, "the field 'a' is missing");
    }

    #[test]
    fn ignoring_parse_errors_makes_fields_null_and_keeps_broken_records_errors() {
        let lenient = JsonFormat { ignore_parse_errors: true, ..JsonFormat::default() };
        let columns = [("a", DataType::BigInt), ("b", DataType::BigInt)];
        let mut row = Vec::new();
        decoder(&columns, &lenient).decode(br#"{"a":"x","b":1}"#, &mut row).unwrap();
        assert_eq!(row, [Value::Null, Value::Integer(1)]);
        for broken in [&b"{\"a\":1"[..], b"", b"[1]", b"no", b"{\"a\":\"\xff\"}"] {
            assert!(decoder(&columns, &lenient).decode(broken, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn errors_say_which_field_and_what_it_should_be() {
        let error = one(r#""x""#, DataType::BigInt).unwrap_err();
        assert!(error.contains("'x' is not a BIGINT"), "{error}");
    }

    /// Members of objects, most of them right.
    fn members() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            "-?[0-9]{1,20}",
            r"-?[0-9]\.[0-9]{1,3}",
            "\"[a-zü]{0,20}\"",
            r#""[a-z\\"n]{0,4}""#,
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just(r#"[1, {"a":[]},"]"]"#.to_owned()),
        ];
        let member = ("[abcü]", value).prop_map(|(name, value)| format!("\"{name}\": {value}"));
        prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    #[test]
    fn the_quick_way_is_left_and_found_again() {
        let mut decoder = decoder(&[("a", DataType::BigInt)], &JsonFormat::default());
        for number in 0..2_000 {
            let json = if number < 1_000 { format!(r#"{{"a":{number}.5}}"#) } else { format!(r#"{{"a":{number}}}"#) };
            let mut row = Vec::new();
            decoder.decode(json.as_bytes(), &mut row).unwrap();
            assert_eq!(row, [Value::Integer(number)]);
            assert!(number != 999 || decoder.streak == MAX_STREAK);
        }
        assert_eq!((decoder.streak, decoder.pause), (0, 0));
    }

    proptest! {
        /// The quick way takes nothing that the full parser refuses, and reads what it takes as the parser does.
        #[test]
        fn both_ways_agree(json in members(), other in members(), at in 0..100usize, byte: u8, change in 0..3u8, types in 0..3usize) {
            let mut json = json.into_bytes();
            if change == 0 && at < json.len() {
                json[at] = byte;
            }
            let types = [[DataType::STRING, DataType::BigInt], [DataType::Int, DataType::Double], [DataType::Boolean, DataType::STRING]][types];
            let decoder = decoder(&[("a", types[0]), ("b", types[1])], &JsonFormat::default());
            // One that has learnt from another record.
            let mut shape = Shape::default();
            let _ = scan(other.as_bytes(), &decoder.columns, TimestampFormat::Sql, &mut shape, &mut [Value::Null, Value::Null]);
            let (mut quick, mut full) = (vec![Value::Null; 2], vec![Value::Null; 2]);
            let parsed = decoder.parse(&json, &mut full);
            if scan(&json, &decoder.columns, TimestampFormat::Sql, &mut shape, &mut quick).is_some() {
                prop_assert_eq!(parsed, Ok(()));
                prop_assert_eq!(quick, full);
            }
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>) {
            let columns = [("a", DataType::STRING), ("b", DataType::Decimal { precision: 38, scale: 3 })];
            let _ = decoder(&columns, &JsonFormat::default()).decode(&bytes, &mut Vec::new());
        }

        #[test]
        fn any_text_and_number_is_found(name: String, text: String, number: i64) {
            prop_assume!(name != "n");
            let mut object = serde_json::Map::new();
            object.insert("n".to_owned(), number.into());
            object.insert(name.clone(), text.clone().into());
            let json = serde_json::to_vec(&object).unwrap();
            let mut row = Vec::new();
            let columns = [("n", DataType::BigInt), (name.as_str(), DataType::STRING)];
            decoder(&columns, &JsonFormat::default()).decode(&json, &mut row).unwrap();
            prop_assert_eq!(row, vec![Value::Integer(number), Value::String(Cow::Owned(text))]);
        }
    }
}
