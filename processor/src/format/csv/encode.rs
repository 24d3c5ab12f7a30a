//! A row to a line, without what would end it.
//!
//! Flink: `RowDataToCsvConverters`, and Jackson's `CsvEncoder` for what is quoted.

use super::super::datetime::{write_date, write_time, write_timestamp};
use super::super::number::{write_decimal, write_double, write_float};
use super::super::{EncodeError, base64};
use crate::expr::{DataType, Value};
use crate::plan::{Column, CsvFormat, TimestampFormat};

/// Longer texts are quoted without looking at them (Jackson: MAX_QUOTE_CHECK), in UTF-16 units.
const LONGEST_UNQUOTED: usize = 24;

/// Writes columns of a sink's row as one line.
#[derive(Clone, Debug)]
pub struct CsvEncoder {
    fields: Vec<(usize, DataType)>,
    format: CsvFormat,
    /// A text with a character below this is quoted.
    safe_from: char,
    text: Vec<u8>,
}

impl CsvEncoder {
    /// For the columns at `positions` of rows of `columns`.
    #[must_use]
    pub fn new(columns: &[Column], positions: &[usize], format: &CsvFormat) -> CsvEncoder {
        let special = [Some(format.delimiter), format.quote, Some('\n'), Some('\r')];
        let last = special.into_iter().flatten().max().unwrap_or('\r');
        CsvEncoder {
            fields: positions.iter().map(|position| (*position, columns[*position].data_type)).collect(),
            format: format.clone(),
            safe_from: char::from_u32(u32::from(last) + 1).unwrap_or(char::MAX),
            text: Vec::new(),
        }
    }

    /// Appends the line to `out`.
    ///
    /// # Errors
    /// If a value is not of its column's type, which is a defect of the plan.
    pub fn encode(&mut self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut text = std::mem::take(&mut self.text);
        let plain = self.format.decimal_as_plain_number;
        for (number, (position, data_type)) in self.fields.iter().enumerate() {
            if number > 0 {
                push(self.format.delimiter, out);
            }
            text.clear();
            match (&row[*position], data_type) {
                (Value::Null, _) => out.extend_from_slice(self.format.null_literal.as_deref().unwrap_or("").as_bytes()),
                (Value::Boolean(v), _) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
                (Value::Integer(v), _) => out.extend_from_slice(v.to_string().as_bytes()),
                (Value::Double(v), DataType::Float) => write_float(*v as f32, out),
                (Value::Double(v), _) => write_double(*v, out),
                (Value::Decimal(v), DataType::Decimal { scale, .. }) => {
                    let (v, scale) = if plain { stripped(*v, *scale) } else { (*v, *scale) };
                    write_decimal(v, scale, plain, out);
                }
                (Value::String(v), _) => self.write_text(v, out),
                (Value::Bytes(v), _) => base64::encode(v, out),
                (Value::Date(v), _) => write_date(i64::from(*v), out),
                (Value::Time(v), _) => {
                    write_time(*v, &mut text);
                    self.write_text(&String::from_utf8_lossy(&text), out);
                }
                (Value::Timestamp(v), _) => {
                    // A moment has its Z, as it is read.
                    let is_moment = matches!(data_type, DataType::TimestampLtz(_));
                    write_timestamp(*v, TimestampFormat::Sql, is_moment, &mut text);
                    self.write_text(&String::from_utf8_lossy(&text), out);
                }
                (Value::Nested(_), other) => {
                    return Err(EncodeError(format!("a column is {other}, for which csv has no form")));
                }
                (Value::Decimal(_), other) => {
                    return Err(EncodeError(format!("a column is a {other}, but the row has a DECIMAL")));
                }
            }
        }
        self.text = text;
        Ok(())
    }

    fn write_text(&self, text: &str, out: &mut Vec<u8>) {
        let Some(quote) = self.format.quote.filter(|_| self.needs_quotes(text)) else {
            out.extend_from_slice(text.as_bytes());
            return;
        };
        push(quote, out);
        for c in text.chars() {
            if c == quote || self.format.escape == Some(c) {
                push(c, out);
            }
            push(c, out);
        }
        push(quote, out);
    }

    fn needs_quotes(&self, text: &str) -> bool {
        let escape = self.format.escape.unwrap_or('\\');
        text.encode_utf16().take(LONGEST_UNQUOTED + 1).count() > LONGEST_UNQUOTED
            || text.chars().any(|c| c < self.safe_from || c == escape)
    }
}

/// The same number without zeros at the end of its fraction.
fn stripped(mut unscaled: i128, mut scale: u8) -> (i128, u8) {
    while scale > 0 && unscaled % 10 == 0 {
        (unscaled, scale) = (unscaled / 10, scale - 1);
    }
    (unscaled, scale)
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_without_an_exponent() {
        let columns =
            [Column { name: "x".to_owned(), data_type: DataType::Decimal { precision: 10, scale: 2 }, nullable: true }];
        for (plain, expected) in [(false, "1E+5"), (true, "100000")] {
            let format = CsvFormat { decimal_as_plain_number: plain, ..CsvFormat::default() };
            let mut out = Vec::new();
            CsvEncoder::new(&columns, &[0], &format).encode(&[Value::Decimal(10_000_000)], &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
