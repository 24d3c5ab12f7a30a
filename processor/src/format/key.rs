//! A row to a record's key (`key.format`, `key.fields`).

use super::{EncodeError, JsonEncoder};
use crate::expr::{DataType, Value};
use crate::plan::{KeyFormat, Sink, SinkKey};

/// Writes record keys.
#[derive(Clone, Debug)]
pub enum KeyEncoder {
    /// `raw`: the bytes of the one column at this position.
    Raw(usize, DataType),
    /// `json`.
    Json(JsonEncoder),
}

impl KeyEncoder {
    /// For the rows of `sink`.
    #[must_use]
    pub fn new(sink: &Sink, key: &SinkKey) -> KeyEncoder {
        match &key.format {
            KeyFormat::Raw => {
                let position = key.columns.first().copied().unwrap_or(0);
                KeyEncoder::Raw(position, sink.columns[position].data_type)
            }
            KeyFormat::Json(format) => KeyEncoder::Json(JsonEncoder::new(&sink.columns, &key.columns, format)),
        }
    }

    /// Appends the key to `out`; false if the record has no key (a NULL in the `raw` format).
    ///
    /// # Errors
    /// If the column's type has no form in the format.
    pub fn encode(&mut self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        match self {
            KeyEncoder::Json(encoder) => encoder.encode(row, out).map(|()| true),
            KeyEncoder::Raw(position, data_type) => raw(&row[*position], *data_type, out),
        }
    }
}

/// Flink: `RawFormatSerializationSchema`, big-endian by default.
fn raw(value: &Value<'_>, data_type: DataType, out: &mut Vec<u8>) -> Result<bool, EncodeError> {
    match (value, data_type) {
        (Value::Null, _) => return Ok(false),
        (Value::String(text), _) => out.extend_from_slice(text.as_bytes()),
        (Value::Bytes(bytes), _) => out.extend_from_slice(bytes),
        (Value::Boolean(flag), _) => out.push(u8::from(*flag)),
        (Value::Integer(number), DataType::TinyInt) => out.push(*number as u8),
        (Value::Integer(number), DataType::SmallInt) => out.extend_from_slice(&(*number as i16).to_be_bytes()),
        (Value::Integer(number), DataType::Int) => out.extend_from_slice(&(*number as i32).to_be_bytes()),
        (Value::Integer(number), _) => out.extend_from_slice(&number.to_be_bytes()),
        (Value::Double(number), DataType::Float) => out.extend_from_slice(&(*number as f32).to_be_bytes()),
        (Value::Double(number), _) => out.extend_from_slice(&number.to_be_bytes()),
        (_, other) => return Err(EncodeError(format!("the 'raw' key format cannot write a {other}"))),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_keys_are_the_columns_bytes() {
        let encoded = |value: Value<'_>, data_type| {
            let mut out = Vec::new();
            KeyEncoder::Raw(0, data_type).encode(&[value], &mut out).map(|some| some.then_some(out))
        };
        assert_eq!(encoded(Value::text("u1"), DataType::STRING), Ok(Some(b"u1".to_vec())));
        assert_eq!(encoded(Value::Integer(1), DataType::Int), Ok(Some(vec![0, 0, 0, 1])));
        assert_eq!(encoded(Value::Null, DataType::STRING), Ok(None));
        assert!(encoded(Value::timestamp(0), DataType::Timestamp(3)).is_err());
    }
}
