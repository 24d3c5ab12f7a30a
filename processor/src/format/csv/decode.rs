//! A line to a row of only the columns that the plan needs.
//!
//! Flink: `CsvRowDataDeserializationSchema`, `CsvToRowDataConverters`.

use std::borrow::Cow;

use super::super::DecodeError;
use super::super::datetime::parse_time;
use super::super::json::convert::{self, Converted};
use super::super::number::parse_decimal;
use super::scan::Fields;
use crate::expr::{DataType, Value};
use crate::plan::{Column, CsvFormat, TimestampFormat};

/// Reads the columns of a plan from lines.
#[derive(Clone, Debug)]
pub struct CsvDecoder {
    format: CsvFormat,
    columns: Vec<(Box<str>, DataType)>,
    /// For each field of a line which column it is.
    places: Vec<Option<usize>>,
}

impl CsvDecoder {
    /// For rows of exactly `columns`, from lines of the fields `names`.
    #[must_use]
    pub fn new(names: &[String], columns: &[Column], format: &CsvFormat) -> CsvDecoder {
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        CsvDecoder {
            format: format.clone(),
            columns: columns.iter().map(|column| (column.name.as_str().into(), column.data_type)).collect(),
            places: names.iter().map(place).collect(),
        }
    }

    /// Appends one value for each column to `row`, which must be empty; false if there is no row in the record.
    ///
    /// # Errors
    /// What makes Flink's format fail for this record; the row is to be thrown away then.
    pub fn decode<'a>(&self, bytes: &'a [u8], row: &mut Vec<Value<'a>>) -> Result<bool, DecodeError> {
        debug_assert!(row.is_empty());
        let line = std::str::from_utf8(bytes).map_err(|error| DecodeError(error.to_string()))?;
        if line.is_empty() || (self.format.allow_comments && line.starts_with('#')) {
            return Ok(false);
        }
        row.resize_with(self.columns.len(), || Value::Null);
        let mut fields = Fields::new(line, &self.format);
        let mut count = 0;
        while let Some(text) = fields.next()? {
            match self.places.get(count) {
                Some(Some(place)) => row[*place] = self.value(*place, text)?,
                Some(None) => {}
                // A delimiter behind the last field is let pass.
                None if count == self.places.len() && text.is_empty() => continue,
                None => return Err(DecodeError(format!("the line has more than {} fields", self.places.len()))),
            }
            count += 1;
        }
        if count < self.places.len() && !self.format.ignore_parse_errors {
            return Err(DecodeError(format!("the line has {count} fields, not {}", self.places.len())));
        }
        Ok(true)
    }

    fn value<'a>(&self, place: usize, text: Cow<'a, str>) -> Result<Value<'a>, DecodeError> {
        if self.format.null_literal.as_deref() == Some(&*text) {
            return Ok(Value::Null);
        }
        let (name, data_type) = &self.columns[place];
        let shown: String = if data_type.is_text() { String::new() } else { text.chars().take(80).collect() };
        match converted(text, *data_type) {
            Some(value) => Ok(value),
            None if self.format.ignore_parse_errors => Ok(Value::Null),
            None => Err(DecodeError(format!("the field '{name}' is not a {data_type}: {shown}"))),
        }
    }
}

fn converted(text: Cow<'_, str>, data_type: DataType) -> Option<Value<'_>> {
    match data_type {
        // Other than in JSON, blanks around it are none of its own.
        DataType::Decimal { precision, scale } => {
            parse_decimal(&text, precision, scale).map(|value| value.map_or(Value::Null, Value::Decimal))
        }
        DataType::Time => parse_time(&text).map(|millis| Value::Time(millis / 1000 * 1000)),
        _ => match convert::from_text(text, data_type, TimestampFormat::Sql) {
            Converted::Value(value) => Some(value),
            Converted::NeedsText | Converted::Mismatch => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoder(format: CsvFormat) -> CsvDecoder {
        let column = |name: &str, data_type| Column { name: name.to_owned(), data_type, nullable: true };
        let columns = [column("s", DataType::STRING), column("n", DataType::BigInt)];
        CsvDecoder::new(&["n", "x", "s"].map(str::to_owned), &columns, &format)
    }

    fn read(line: &str, format: CsvFormat) -> Result<Option<Vec<Value<'static>>>, String> {
        let mut row = Vec::new();
        match decoder(format).decode(line.as_bytes(), &mut row) {
            Ok(some) => Ok(some.then(|| row.into_iter().map(Value::into_owned).collect())),
            Err(error) => Err(error.0),
        }
    }

    fn row(text: &'static str, number: i64) -> Result<Option<Vec<Value<'static>>>, String> {
        Ok(Some(vec![Value::text(text), Value::Integer(number)]))
    }

    /// Columns go by their place in the line, whichever of them are read.
    #[test]
    fn fields_are_told_by_their_place() {
        assert_eq!(read("7,skipped,text", CsvFormat::default()), row("text", 7));
        assert_eq!(read("7,\"a,\"\"b\" , c \r\nrest", CsvFormat::default()), row(" c ", 7));
        assert_eq!(read("7,,,", CsvFormat::default()), row("", 7));
        assert_eq!(read("", CsvFormat::default()), Ok(None));
        assert_eq!(read("#,x,y", CsvFormat { allow_comments: true, ..CsvFormat::default() }), Ok(None));
    }

    #[test]
    fn lines_that_are_no_rows_are_errors() {
        for (line, error) in [
            ("7,x", "the line has 2 fields, not 3"),
            ("7,x,y,z", "the line has more than 3 fields"),
            ("7,\"x,y", "a quoted field has no closing quote"),
            ("7,\"x\"y,z", "expected ',' after a quoted field, found 'y'"),
            ("#7,x,y", "the field 'n' is not a BIGINT: #7"),
        ] {
            assert_eq!(read(line, CsvFormat::default()), Err(error.to_owned()), "{line}");
        }
    }

    #[test]
    fn escapes_and_null() {
        let format = CsvFormat { escape: Some('\\'), null_literal: Some("-".to_owned()), ..CsvFormat::default() };
        assert_eq!(read("1,x,a\\,b\\\\\\n", format.clone()), row("a,b\\\n", 1));
        assert_eq!(read("1,\"\\\"\",\"\\\"q\"", format.clone()), row("\"q", 1));
        assert_eq!(read("-,x,-", format), Ok(Some(vec![Value::Null, Value::Null])));
    }

    proptest! {
        #[test]
        fn arbitrary_lines_do_not_panic(line in "[\"',;\\\\a\\n #-]{0,20}", escape: bool) {
            let format = CsvFormat { escape: escape.then_some('\\'), ..CsvFormat::default() };
            let _ = read(&line, format);
        }
    }
}
