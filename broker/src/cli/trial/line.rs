//! What a line of an input file is: a record's value, or its key and value.

use std::borrow::Cow;

use forebay_processor::plan::{Format, Source, SourceKey};
use serde_json::Value;

/// What stands between a key and a value, as Apache Kafka's console tools and kcat write them.
const SEPARATOR: u8 = b'\t';

/// The form of a table's lines.
#[derive(Clone, Debug)]
pub enum Shape {
    /// The value; the table has nothing in its key.
    Value,
    /// `key<TAB>value`, or a row of JSON whose key is made of its columns.
    Keyed(SourceKey),
}

/// A record. Without a value it removes the row of its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its key.
    pub key: Option<Cow<'a, [u8]>>,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

impl Shape {
    /// For a topic that is read as these tables.
    pub fn of<'a>(mut tables: impl Iterator<Item = &'a Source>) -> Shape {
        let key = tables.find_map(|table| table.upsert.as_ref().or(table.key.as_ref()));
        key.map_or(Shape::Value, |key| Shape::Keyed(key.clone()))
    }

    /// The record of a line, which is not empty.
    ///
    /// # Errors
    /// The line has no key; says how it is written.
    pub fn split<'a>(&self, line: &'a [u8]) -> Result<Line<'a>, String> {
        let Shape::Keyed(key) = self else { return Ok(Line { key: None, value: Some(line) }) };
        // A tab may also stand between the parts of one JSON object.
        let is_row = line.starts_with(b"{")
            && !line.ends_with(&[SEPARATOR])
            && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
        if let Some(at) = line.iter().position(|byte| *byte == SEPARATOR).filter(|_| !is_row) {
            let value = Some(&line[at + 1..]).filter(|value| !value.is_empty());
            return Ok(Line { key: Some(Cow::Borrowed(&line[..at])), value });
        }
        let made = made_of_row(key, line).map_err(|why| {
            format!("{why}; a line of this table is its key, a tab and its value (nothing after the tab removes the key's row)")
        })?;
        Ok(Line { key: Some(Cow::Owned(made)), value: Some(line) })
    }
}

/// The key that a row of JSON has.
fn made_of_row(key: &SourceKey, row: &[u8]) -> Result<Vec<u8>, String> {
    let Ok(Value::Object(row)) = serde_json::from_slice(row) else {
        return Err(
            "there is no tab in the line, and it is no JSON object from whose columns the key could be made".to_owned()
        );
    };
    let field = |name: &String| row.get(name).cloned().ok_or_else(|| format!("the row has no {name} for its key"));
    match (&key.format, key.columns.as_slice()) {
        (Format::Json(_), columns) => {
            let named = columns.iter().map(|name| {
                let short = name.strip_prefix(&key.prefix).unwrap_or(name);
                field(name).map(|value| (short.to_owned(), value))
            });
            let made = named.collect::<Result<serde_json::Map<_, _>, _>>()?;
            Ok(Value::Object(made).to_string().into_bytes())
        }
        (Format::Raw(_) | Format::Csv(_), [column]) => match field(column)? {
            Value::String(text) if !text.contains([',', '"']) || matches!(key.format, Format::Raw(_)) => {
                Ok(text.into_bytes())
            }
            Value::Number(number) if matches!(key.format, Format::Csv(_)) => Ok(number.to_string().into_bytes()),
            other => Err(format!("no {} key can be made of {other}", key.format.name())),
        },
        (format, _) => Err(format!("no {} key of several columns can be made of a row", format.name())),
    }
}

#[cfg(test)]
mod tests {
    use forebay_processor::plan::{JsonFormat, RawFormat};

    use super::*;

    fn keyed(format: Format, columns: &[&str], prefix: &str) -> Shape {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        Shape::Keyed(SourceKey { format, columns, prefix: prefix.to_owned() })
    }

    fn split(shape: &Shape, line: &str) -> Result<(Option<String>, Option<String>), String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let Line { key, value } = shape.split(line.as_bytes())?;
        Ok((key.as_deref().map(text), value.map(text)))
    }

    #[test]
    fn a_line_is_a_value_or_a_key_and_a_value() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(split(&Shape::Value, "a\tb"), Ok((None, some("a\tb"))));
        let json = keyed(Format::Json(JsonFormat::default()), &["k_id", "k_n"], "k_");
        assert_eq!(split(&json, "{\"id\":1}\t{\"v\":2}"), Ok((some("{\"id\":1}"), some("{\"v\":2}"))));
        assert_eq!(split(&json, "{\"id\":1}\t"), Ok((some("{\"id\":1}"), None)), "it removes the row");
        let row = "{\"v\":2,\"k_n\":null,\"k_id\":\"x\"}";
        assert_eq!(split(&json, row), Ok((some("{\"id\":\"x\",\"n\":null}"), some(row))));
        assert!(split(&json, "{\"v\":2}").unwrap_err().starts_with("the row has no k_id for its key; a line"));
        let row = "{\"k_id\":1,\t\"k_n\":2}";
        assert_eq!(split(&json, row), Ok((some("{\"id\":1,\"n\":2}"), some(row))), "a tab within a row");
        let raw = keyed(Format::Raw(RawFormat::default()), &["id"], "");
        assert_eq!(split(&raw, "{\"id\":\"x\"}"), Ok((some("x"), some("{\"id\":\"x\"}"))));
        assert!(split(&raw, "x").unwrap_err().contains("no JSON object"));
    }
}
