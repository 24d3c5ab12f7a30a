//! Flink's `raw` format: a record is the bytes of one column.
//!
//! Flink: `RawFormatSerializationSchema`, `RawFormatDeserializationSchema`.

use super::{DecodeError, EncodeError};
use crate::expr::{DataType, Value};
use crate::plan::RawFormat;

/// Whether a column of this type can be the record.
#[must_use]
pub fn fits(data_type: DataType) -> bool {
    data_type.is_text()
        || data_type.is_integer()
        || data_type.is_approximate()
        || matches!(data_type, DataType::VarBinary(_) | DataType::Boolean)
}

/// Reads records.
#[derive(Clone, Debug)]
pub struct RawDecoder {
    /// `None` if the column is not needed.
    data_type: Option<DataType>,
    little_endian: bool,
}

impl RawDecoder {
    /// For rows of the one column of this type, or of none.
    #[must_use]
    pub fn new(data_type: Option<DataType>, format: &RawFormat) -> RawDecoder {
        RawDecoder { data_type, little_endian: format.little_endian }
    }

    /// Appends the value to `row`.
    ///
    /// # Errors
    /// The number of bytes is not that of the type.
    pub fn decode<'a>(&self, bytes: &'a [u8], row: &mut Vec<Value<'a>>) -> Result<(), DecodeError> {
        let Some(data_type) = self.data_type else { return Ok(()) };
        row.push(
            self.value(bytes, data_type).ok_or_else(|| {
                DecodeError(format!("{} bytes are not a {data_type} in the 'raw' format", bytes.len()))
            })?,
        );
        Ok(())
    }

    fn value<'a>(&self, bytes: &'a [u8], data_type: DataType) -> Option<Value<'a>> {
        Some(match data_type {
            _ if data_type.is_text() => Value::String(String::from_utf8_lossy(bytes)),
            DataType::VarBinary(_) => Value::Bytes(bytes.into()),
            DataType::Boolean => Value::Boolean(self.fixed::<1>(bytes)? != [0]),
            DataType::TinyInt => Value::Integer(i64::from(i8::from_be_bytes(self.fixed(bytes)?))),
            DataType::SmallInt => Value::Integer(i64::from(i16::from_be_bytes(self.fixed(bytes)?))),
            DataType::Int => Value::Integer(i64::from(i32::from_be_bytes(self.fixed(bytes)?))),
            DataType::BigInt => Value::Integer(i64::from_be_bytes(self.fixed(bytes)?)),
            DataType::Float => Value::Double(f64::from(f32::from_be_bytes(self.fixed(bytes)?))),
            DataType::Double => Value::Double(f64::from_be_bytes(self.fixed(bytes)?)),
            _ => return None,
        })
    }

    /// The bytes with the largest first.
    fn fixed<const N: usize>(&self, bytes: &[u8]) -> Option<[u8; N]> {
        let mut fixed: [u8; N] = bytes.try_into().ok()?;
        if self.little_endian {
            fixed.reverse();
        }
        Some(fixed)
    }
}

/// Writes records.
#[derive(Clone, Debug)]
pub struct RawEncoder {
    position: usize,
    data_type: DataType,
    little_endian: bool,
}

impl RawEncoder {
    /// For the column at `position` of a row, of this type.
    #[must_use]
    pub fn new(position: usize, data_type: DataType, format: &RawFormat) -> RawEncoder {
        RawEncoder { position, data_type, little_endian: format.little_endian }
    }

    /// Appends the bytes to `out`; false if there are none, as the value is NULL.
    ///
    /// # Errors
    /// If the column's type has no form in the format.
    pub fn encode(&self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        match (&row[self.position], self.data_type) {
            (Value::Null, _) => return Ok(false),
            (Value::String(text), _) => out.extend_from_slice(text.as_bytes()),
            (Value::Bytes(bytes), _) => out.extend_from_slice(bytes),
            (Value::Boolean(flag), _) => out.push(u8::from(*flag)),
            (Value::Integer(number), DataType::TinyInt) => out.push(*number as u8),
            (Value::Integer(number), DataType::SmallInt) => self.push((*number as i16).to_be_bytes(), out),
            (Value::Integer(number), DataType::Int) => self.push((*number as i32).to_be_bytes(), out),
            (Value::Integer(number), _) => self.push(number.to_be_bytes(), out),
            (Value::Double(number), DataType::Float) => self.push((*number as f32).to_be_bytes(), out),
            (Value::Double(number), _) => self.push(number.to_be_bytes(), out),
            (_, other) => return Err(EncodeError(format!("the 'raw' format cannot write a {other}"))),
        }
        Ok(true)
    }

    fn push<const N: usize>(&self, mut bytes: [u8; N], out: &mut Vec<u8>) {
        if self.little_endian {
            bytes.reverse();
        }
        out.extend_from_slice(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that Java's DataOutput, or a ByteBuffer with little-endian order, writes.
    #[test]
    fn a_record_is_the_columns_bytes() {
        for (value, data_type, big) in [
            (Value::text("ü1"), DataType::STRING, &[0xc3, 0xbc, b'1'][..]),
            (Value::Bytes(vec![9, 0].into()), DataType::BYTES, &[9, 0]),
            (Value::Boolean(true), DataType::Boolean, &[1]),
            (Value::Integer(-2), DataType::TinyInt, &[0xfe]),
            (Value::Integer(258), DataType::SmallInt, &[1, 2]),
            (Value::Integer(1), DataType::Int, &[0, 0, 0, 1]),
            (Value::Integer(-2), DataType::BigInt, &[255, 255, 255, 255, 255, 255, 255, 254]),
            (Value::Double(0.5), DataType::Float, &[0x3f, 0, 0, 0]),
            (Value::Double(0.5), DataType::Double, &[0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
        ] {
            for little_endian in [false, true] {
                let format = RawFormat { little_endian };
                let mut expected = big.to_vec();
                if little_endian && (data_type.is_numeric()) {
                    expected.reverse();
                }
                let mut bytes = Vec::new();
                let row = [Value::Null, value.clone()];
                assert_eq!(RawEncoder::new(1, data_type, &format).encode(&row, &mut bytes), Ok(true));
                assert_eq!(bytes, expected, "{data_type}");
                let mut read = Vec::new();
                RawDecoder::new(Some(data_type), &format).decode(&bytes, &mut read).unwrap();
                assert_eq!(read, std::slice::from_ref(&value));
            }
        }
    }

    #[test]
    fn null_is_nothing_and_a_wrong_length_an_error() {
        let format = RawFormat::default();
        let mut out = Vec::new();
        assert_eq!(RawEncoder::new(0, DataType::STRING, &format).encode(&[Value::Null], &mut out), Ok(false));
        assert!(RawEncoder::new(0, DataType::Timestamp(3), &format).encode(&[Value::timestamp(0)], &mut out).is_err());
        let error = RawDecoder::new(Some(DataType::Int), &format).decode(b"123", &mut Vec::new()).unwrap_err();
        assert_eq!(error.0, "3 bytes are not a INT in the 'raw' format");
    }
}
