//! JSON arrays and objects to values of ARRAY, MAP, MULTISET and ROW.
//!
//! Flink: `JsonParserToRowDataConverters`. A part that cannot be read is NULL by itself where parse errors are ignored.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::convert::{self, Converted};
use super::decode::Field;
use crate::expr::{DataType, NestedType, Value};
use crate::plan::TimestampFormat;

/// How parts are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The shape of timestamps.
    pub timestamps: TimestampFormat,
    /// What cannot be read is NULL.
    pub ignore_errors: bool,
    /// A field of a row that is not there is an error.
    pub fail_on_missing: bool,
}

impl Reading {
    /// The value of `raw`, which is valid JSON; its own errors are not ignored, those of its parts may be.
    ///
    /// # Errors
    /// What does not fit.
    pub fn value(self, raw: &str, data_type: DataType) -> Result<Value<'static>, String> {
        let raw = raw.trim();
        if raw == "null" {
            return Ok(Value::Null);
        }
        let Some(nested) = data_type.nested() else { return self.plain(raw, data_type) };
        let misfit = |_: serde_json::Error| mismatch(raw, data_type);
        match nested {
            NestedType::Array(element) => {
                let elements: Vec<&RawValue> = serde_json::from_str(raw).map_err(misfit)?;
                let elements = elements.into_iter().map(|raw| self.part(raw, *element));
                Ok(Value::array(elements.collect::<Result<_, _>>()?))
            }
            NestedType::Row(fields) => {
                let Members(members) = serde_json::from_str(raw).map_err(misfit)?;
                self.row(&members, fields)
            }
            NestedType::Map(..) | NestedType::Multiset(_) => {
                let Members(members) = serde_json::from_str(raw).map_err(misfit)?;
                let value = data_type.entry().map_or(DataType::Null, |(_, value)| value);
                let entry = |(key, raw): (Cow<'_, str>, &RawValue)| {
                    Ok::<_, String>((Value::String(key.into_owned().into()), self.part(raw, value)?))
                };
                Ok(Value::map(members.into_iter().map(entry).collect::<Result<_, _>>()?))
            }
        }
    }

    fn row(
        self,
        members: &[(Cow<'_, str>, &RawValue)],
        fields: &[(String, DataType)],
    ) -> Result<Value<'static>, String> {
        let mut row = vec![Value::Null; fields.len()];
        let mut seen = 0;
        for (name, raw) in members {
            let Some(at) = fields.iter().position(|(field, _)| field == name) else { continue };
            // Flink looks at no more members than there are fields.
            if seen == fields.len() {
                break;
            }
            seen += 1;
            row[at] = self.part(raw, fields[at].1).map_err(|why| format!("'{name}' {why}"))?;
        }
        if self.fail_on_missing && seen < fields.len() {
            let missing = fields.iter().find(|(field, _)| !members.iter().any(|(name, _)| name == field));
            return Err(format!("has no '{}'", missing.map_or("", |(field, _)| field)));
        }
        Ok(Value::row(row))
    }

    fn part(self, raw: &RawValue, data_type: DataType) -> Result<Value<'static>, String> {
        match self.value(raw.get(), data_type) {
            Err(_) if self.ignore_errors => Ok(Value::Null),
            result => result,
        }
    }

    fn plain(self, raw: &str, data_type: DataType) -> Result<Value<'static>, String> {
        let field = Field { data_type, timestamps: self.timestamps };
        let converted = field.deserialize(&mut serde_json::Deserializer::from_str(raw));
        let converted = match converted.map_err(|_| mismatch(raw, data_type))? {
            Converted::NeedsText => convert::from_raw(raw, data_type),
            converted => converted,
        };
        match converted {
            Converted::Value(value) => Ok(value.into_owned()),
            Converted::NeedsText | Converted::Mismatch => Err(mismatch(raw, data_type)),
        }
    }
}

fn mismatch(raw: &str, data_type: DataType) -> String {
    /// Enough to recognise the value.
    const SHOWN: usize = 80;
    format!("is not a {data_type}: {}", raw.chars().take(SHOWN).collect::<String>())
}

/// The members of an object in their order.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Deserialize<'a> for Members<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        deserializer.deserialize_map(ReadMembers)
    }
}

struct ReadMembers;

impl<'a> Visitor<'a> for ReadMembers {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        raw: &str,
        data_type: DataType,
        ignore_errors: bool,
        fail_on_missing: bool,
    ) -> Result<Value<'static>, String> {
        Reading { timestamps: TimestampFormat::Sql, ignore_errors, fail_on_missing }.value(raw, data_type)
    }

    fn row(fields: &[(&str, DataType)]) -> DataType {
        DataType::row(fields.iter().map(|(name, data_type)| ((*name).to_owned(), *data_type)).collect()).unwrap()
    }

    #[test]
    fn parts_are_converted_as_columns_are() {
        let numbers = DataType::array(DataType::Int).unwrap();
        let integers = |values: &[i64]| values.iter().map(|value| Value::Integer(*value)).collect::<Vec<_>>();
        assert_eq!(read("[1, \"2\", 3.9]", numbers, false, false), Ok(Value::array(integers(&[1, 2, 3]))));
        let texts = DataType::TEXTS;
        let expected = Value::array(vec![Value::text("1.50"), Value::text(r#"{"a":[1]}"#), Value::Null]);
        assert_eq!(read(r#"[1.50, {"a": [1]}, null]"#, texts, false, false), Ok(expected));
        let map = DataType::map(DataType::STRING, row(&[("x", DataType::Int)])).unwrap();
        let expected = Value::map(vec![(Value::text("k"), Value::row(integers(&[5])))]);
        assert_eq!(read(r#"{"k":{"y":1,"x":5}}"#, map, false, false), Ok(expected));
    }

    #[test]
    fn what_does_not_fit_is_an_error_or_null_by_itself() {
        let nested = row(&[("a", DataType::array(DataType::Int).unwrap()), ("b", DataType::Int)]);
        let error = read(r#"{"a":[1,"x"],"b":2}"#, nested, false, false).unwrap_err();
        assert_eq!(error, "'a' is not a INT: \"x\"");
        let expected = Value::row(vec![Value::array(vec![Value::Integer(1), Value::Null]), Value::Null]);
        assert_eq!(read(r#"{"a":[1,"x"],"b":[]}"#, nested, true, false), Ok(expected));
        assert!(read("5", nested, true, false).is_err(), "the column decides what becomes of it");
        assert_eq!(read(r#"{"a":[]}"#, nested, false, true), Err("has no 'b'".to_owned()));
        for raw in ["{}", "5", "\"[]\"", "true"] {
            assert!(read(raw, DataType::array(DataType::Int).unwrap(), false, false).is_err(), "{raw}");
        }
    }
}
