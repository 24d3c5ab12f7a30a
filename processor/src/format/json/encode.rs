//! A row to JSON text.
//!
//! Flink: `RowDataToJsonConverters`, and Jackson for the spelling of numbers: a DOUBLE is written as Java prints it, and what is not a
//! number (NaN, Infinity) as a string.

use super::super::datetime::{write_date, write_time, write_timestamp};
use super::super::number::{write_decimal, write_double, write_float};
use super::super::{EncodeError, base64};
use super::words::plain_length;
use crate::expr::{DataType, Nested, NestedType, Timestamp, Value};
use crate::plan::{Column, JsonFormat, MapNullKey};

/// Writes columns of a sink's row as one JSON object.
#[derive(Clone, Debug)]
pub struct JsonEncoder {
    fields: Vec<Field>,
    format: JsonFormat,
}

#[derive(Clone, Debug)]
struct Field {
    position: usize,
    /// The name in quotes, and a colon.
    label: Box<[u8]>,
    data_type: DataType,
    /// The last timestamp and its text: all rows of a window have the same.
    last_time: Option<(Timestamp, Vec<u8>)>,
}

impl JsonEncoder {
    /// For the columns at `positions` of rows of `columns`.
    #[must_use]
    pub fn new(columns: &[Column], positions: &[usize], format: &JsonFormat) -> JsonEncoder {
        let field = |position: &usize| {
            let column = &columns[*position];
            let mut label = Vec::new();
            write_text(&column.name, &mut label);
            label.push(b':');
            Field { position: *position, label: label.into(), data_type: column.data_type, last_time: None }
        };
        JsonEncoder { fields: positions.iter().map(field).collect(), format: format.clone() }
    }

    /// The positions of its fields in a row.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.fields.iter().map(|field| field.position)
    }

    /// Appends the name of the field at this place in quotes, and a colon.
    pub fn write_label(&self, at: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.fields[at].label);
    }

    /// Appends the value of the field at this place.
    ///
    /// # Errors
    /// As [`JsonEncoder::encode`].
    pub fn write_value(&mut self, at: usize, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write(value, &mut self.fields[at], &self.format, out)
    }

    /// Appends the object to `out`.
    ///
    /// # Errors
    /// If a value is not of its column's type, which is a defect of the plan.
    pub fn encode(&mut self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(b'{');
        let mut first = true;
        for field in &mut self.fields {
            let value = &row[field.position];
            if value.is_null() && self.format.encode_ignore_null_fields {
                continue;
            }
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(&field.label);
            write(value, field, &self.format, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn write(value: &Value<'_>, field: &mut Field, format: &JsonFormat, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match (value, field.data_type) {
        (Value::Null, _) => out.extend_from_slice(b"null"),
        (Value::Boolean(v), _) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        (Value::Integer(v), _) => write_integer(*v, out),
        (Value::Double(v), _) if !v.is_finite() => quoted(out, |out| write_double(*v, out)),
        (Value::Double(v), DataType::Float) => write_float(*v as f32, out),
        (Value::Double(v), _) => write_double(*v, out),
        (Value::Decimal(v), DataType::Decimal { scale, .. }) => {
            write_decimal(*v, scale, format.encode_decimal_as_plain_number, out);
        }
        (Value::String(v), _) => write_text(v, out),
        (Value::Bytes(v), _) => quoted(out, |out| base64::encode(v, out)),
        (Value::Date(v), _) => quoted(out, |out| write_date(i64::from(*v), out)),
        (Value::Time(v), _) => quoted(out, |out| write_time(*v, out)),
        (Value::Timestamp(v), data_type) => {
            let zoned = matches!(data_type, DataType::TimestampLtz(_));
            write_time_once(*v, &mut field.last_time, out, |out| {
                quoted(out, |out| write_timestamp(*v, format.timestamp_format, zoned, out));
            });
        }
        (Value::Nested(v), data_type) => {
            return write_nested(v, data_type, format, out).map_err(|EncodeError(why)| {
                EncodeError(format!("the column {} {why}", String::from_utf8_lossy(&field.label)))
            });
        }
        (Value::Decimal(_), other) => {
            let label = String::from_utf8_lossy(&field.label);
            return Err(EncodeError(format!("the column {label} is a {other}, but the row has a DECIMAL")));
        }
    }
    Ok(())
}

/// An array, or an object. Flink: `createArrayConverter`, `createMapConverter`, `createRowConverter`.
fn write_nested(
    value: &Nested,
    data_type: DataType,
    format: &JsonFormat,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match (value, data_type.nested()) {
        (Nested::Array(elements), Some(NestedType::Array(element))) => {
            out.push(b'[');
            for (at, value) in elements.iter().enumerate() {
                comma(at > 0, out);
                write_part(value, *element, format, out)?;
            }
            out.push(b']');
        }
        (Nested::Row(values), Some(NestedType::Row(fields))) => {
            out.push(b'{');
            let mut more = false;
            for (value, (name, data_type)) in values.iter().zip(fields) {
                if value.is_null() && format.encode_ignore_null_fields {
                    continue;
                }
                comma(more, out);
                more = true;
                write_text(name, out);
                out.push(b':');
                write_part(value, *data_type, format, out)?;
            }
            out.push(b'}');
        }
        (Nested::Map(entries), Some(NestedType::Map(..) | NestedType::Multiset(_))) => {
            write_map(entries, data_type, format, out)?;
        }
        _ => return Err(EncodeError(format!("is {data_type}, but the row has something else"))),
    }
    Ok(())
}

fn write_map(
    entries: &[(Value<'static>, Value<'static>)],
    data_type: DataType,
    format: &JsonFormat,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let of_value = data_type.entry().map_or(DataType::Null, |(_, value)| value);
    out.push(b'{');
    let mut more = false;
    for (key, value) in entries {
        let key = match (key, &format.map_null_key) {
            (Value::String(key), _) => &**key,
            (Value::Null, MapNullKey::Literal(literal)) => literal,
            (Value::Null, MapNullKey::Drop) => continue,
            (Value::Null, MapNullKey::Fail) => {
                let why =
                    "has a map with a NULL key; 'json.map-null-key.mode' = 'DROP' leaves it out, 'LITERAL' names it";
                return Err(EncodeError(why.to_owned()));
            }
            _ => return Err(EncodeError("has a map whose keys are no texts".to_owned())),
        };
        comma(more, out);
        more = true;
        write_text(key, out);
        out.push(b':');
        write_part(value, of_value, format, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_part(
    value: &Value<'_>,
    data_type: DataType,
    format: &JsonFormat,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut field = Field { position: 0, label: Box::default(), data_type, last_time: None };
    write(value, &mut field, format, out)
}

fn comma(needed: bool, out: &mut Vec<u8>) {
    if needed {
        out.push(b',');
    }
}

/// Copies the text of the last timestamp if this is the same one.
fn write_time_once(
    time: Timestamp,
    last: &mut Option<(Timestamp, Vec<u8>)>,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let (last_time, text) = last.get_or_insert_with(|| (time, Vec::new()));
    if *last_time != time || text.is_empty() {
        text.clear();
        write(text);
        *last_time = time;
    }
    out.extend_from_slice(text);
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Appends an integer.
#[inline]
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &value).expect("a number can be written to memory");
}

/// Whether a text stands in JSON as it is.
#[inline]
#[must_use]
pub fn is_plain(text: &[u8]) -> bool {
    plain_length(text) == text.len()
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        return quoted(out, |out| out.extend_from_slice(text.as_bytes()));
    }
    serde_json::to_writer(out, text).expect("a text can be written to memory");
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::super::JsonDecoder;
    use super::*;

    fn columns(types: &[DataType]) -> Vec<Column> {
        let column = |(at, data_type): (usize, &DataType)| Column {
            name: format!("c{at}"),
            data_type: *data_type,
            nullable: true,
        };
        types.iter().enumerate().map(column).collect()
    }

    fn encoded(types: &[DataType], row: &[Value<'_>], format: &JsonFormat) -> String {
        let mut out = Vec::new();
        let positions: Vec<usize> = (0..types.len()).collect();
        JsonEncoder::new(&columns(types), &positions, format).encode(row, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_what_flink_writes() {
        let types = [
            DataType::STRING,
            DataType::BigInt,
            DataType::Double,
            DataType::Timestamp(3),
            DataType::TimestampLtz(3),
            DataType::Decimal { precision: 10, scale: 2 },
            DataType::Double,
            DataType::Boolean,
        ];
        let row = [
            Value::text("a \"b\"\u{1}ü"),
            Value::Integer(-7),
            Value::Double(1e10),
            Value::timestamp(1_431_857_100_123),
            Value::timestamp(1_431_857_100_000),
            Value::Decimal(1990),
            Value::Double(f64::NAN),
            Value::Null,
        ];
        let expected = concat!(
            r#"{"c0":"a \"b\"\u0001ü","c1":-7,"c2":1.0E10,"c3":"2015-05-17 10:05:00.123","#,
            r#""c4":"2015-05-17 10:05:00Z","c5":19.9,"c6":"NaN","c7":null}"#
        );
        assert_eq!(encoded(&types, &row, &JsonFormat::default()), expected);
    }

    #[test]
    fn a_timestamp_is_written_for_each_row_and_column() {
        let types = [DataType::Timestamp(3), DataType::TimestampLtz(3)];
        let mut encoder = JsonEncoder::new(&columns(&types), &[0, 1], &JsonFormat::default());
        let mut text = |first: i64, second: i64| {
            let mut out = Vec::new();
            encoder.encode(&[Value::timestamp(first), Value::timestamp(second)], &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let epoch = r#"{"c0":"1970-01-01 00:00:00","c1":"1970-01-01 00:00:00Z"}"#;
        assert_eq!(text(0, 0), epoch);
        assert_eq!(text(0, 0), epoch);
        assert_eq!(text(0, 1_500), r#"{"c0":"1970-01-01 00:00:00","c1":"1970-01-01 00:00:01.5Z"}"#);
        assert_eq!(text(1_500, 0), r#"{"c0":"1970-01-01 00:00:01.5","c1":"1970-01-01 00:00:00Z"}"#);
    }

    #[test]
    fn null_fields_may_be_left_out_and_columns_chosen() {
        let format = JsonFormat { encode_ignore_null_fields: true, ..JsonFormat::default() };
        let types = [DataType::BigInt, DataType::BigInt];
        assert_eq!(encoded(&types, &[Value::Null, Value::Integer(1)], &format), r#"{"c1":1}"#);
        let mut out = Vec::new();
        let mut one = JsonEncoder::new(&columns(&types), &[1], &format);
        one.encode(&[Value::Integer(1), Value::Integer(2)], &mut out).unwrap();
        assert_eq!(out, br#"{"c1":2}"#);
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(
            text: String,
            number: i64,
            double in any::<f64>().prop_filter("JSON has no such numbers", |v| v.is_finite()),
            decimal in -10i128.pow(37)..10i128.pow(37),
            bytes: Vec<u8>,
            millis in 0..253_402_300_800_000i64,
        ) {
            let types = [
                DataType::STRING,
                DataType::BigInt,
                DataType::Double,
                DataType::Decimal { precision: 38, scale: 10 },
                DataType::BYTES,
                DataType::TimestampLtz(9),
            ];
            let row = vec![
                Value::String(Cow::Owned(text)),
                Value::Integer(number),
                Value::Double(double),
                Value::Decimal(decimal),
                Value::Bytes(Cow::Owned(bytes)),
                Value::Timestamp(Timestamp { millis, nanos: 1 }),
            ];
            let json = encoded(&types, &row, &JsonFormat::default());
            let mut again = Vec::new();
            JsonDecoder::new(&columns(&types), &JsonFormat::default()).decode(json.as_bytes(), &mut again).unwrap();
            prop_assert_eq!(again, row);
        }
    }
}
