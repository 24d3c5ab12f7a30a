//! Rows some of whose columns are in the record's key.

use crate::expr::Value;
use crate::format::{DecodeError, Decoder};
use crate::plan::{Column, Format, Source, SourceKey};

/// Reads keys and values of records.
#[derive(Debug)]
pub struct KeyReader {
    key: Decoder,
    /// For each column that the key's decoder gives its position in the row.
    key_places: Vec<usize>,
    value: Decoder,
    value_places: Vec<usize>,
    /// Whether a record without a key is a row of NULLs in its place; else it is none (Flink: DynamicKafkaDeserializationSchema).
    null_key: bool,
}

impl KeyReader {
    /// For the columns of `plan`, those of `key` among them.
    #[must_use]
    pub fn new(plan: &Source, key: &SourceKey) -> KeyReader {
        let in_key = |at: &usize| key.columns.contains(&plan.columns[*at].name);
        let (key_places, value_places): (Vec<usize>, Vec<usize>) = (0..plan.columns.len()).partition(in_key);
        let short = |name: &String| name.strip_prefix(&key.prefix).unwrap_or(name).to_owned();
        let named = |at: &usize| Column { name: short(&plan.columns[*at].name), ..plan.columns[*at].clone() };
        let key_columns: Vec<Column> = key_places.iter().map(named).collect();
        let value_columns: Vec<Column> = value_places.iter().map(|at| plan.columns[*at].clone()).collect();
        let names: Vec<String> = key.columns.iter().map(short).collect();
        KeyReader {
            key: Decoder::new(&names, &key_columns, &key.format),
            key_places,
            value: Decoder::new(&plan.value_fields, &value_columns, &plan.format),
            value_places,
            null_key: matches!(key.format, Format::Raw(_)),
        }
    }

    /// Appends one value for each column to `row`, which must be empty; false if there is no row in the record.
    pub fn decode<'a>(
        &mut self,
        key: Option<&'a [u8]>,
        value: &'a [u8],
        row: &mut Vec<Value<'a>>,
    ) -> Result<bool, DecodeError> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let has_key = match key {
            Some(key) => self.key.decode(key, &mut keys).map_err(|error| DecodeError(format!("the key: {error}")))?,
            None => self.null_key,
        };
        if !has_key || !self.value.decode(value, &mut values)? {
            return Ok(false);
        }
        row.resize_with(self.key_places.len() + self.value_places.len(), || Value::Null);
        let found = self.key_places.iter().zip(keys).chain(self.value_places.iter().zip(values));
        found.for_each(|(place, value)| row[*place] = value);
        Ok(true)
    }
}

/// Reads the keys of records without a value.
#[derive(Debug)]
pub struct RemovalReader {
    key: Decoder,
    /// For each column that the decoder gives its position in the row.
    places: Vec<usize>,
}

impl RemovalReader {
    /// For the columns of `plan`, those of `key` among them.
    #[must_use]
    pub fn new(plan: &Source, key: &SourceKey) -> RemovalReader {
        let places: Vec<usize> =
            (0..plan.columns.len()).filter(|at| key.columns.contains(&plan.columns[*at].name)).collect();
        let short = |name: &String| name.strip_prefix(&key.prefix).unwrap_or(name).to_owned();
        let named = |at: &usize| Column { name: short(&plan.columns[*at].name), ..plan.columns[*at].clone() };
        let columns: Vec<Column> = places.iter().map(named).collect();
        let names: Vec<String> = key.columns.iter().map(short).collect();
        RemovalReader { key: Decoder::new(&names, &columns, &key.format), places }
    }

    /// Puts the columns of the key into `row`, which has room for them.
    pub fn decode<'a>(&mut self, key: Option<&'a [u8]>, row: &mut [Value<'a>]) -> Result<(), DecodeError> {
        let mut values = Vec::new();
        let key = key.ok_or_else(|| DecodeError("a record without a value has no key".to_owned()))?;
        self.key.decode(key, &mut values).map_err(|error| DecodeError(format!("the key: {error}")))?;
        self.places.iter().zip(values).for_each(|(place, value)| row[*place] = value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::expr::{DataType, Value};
    use crate::plan::{Column, Format, JsonFormat, RawFormat, Source, SourceKey};
    use crate::sql::{PlanContext, plan_job};

    use super::KeyReader;

    fn source(key: SourceKey) -> Source {
        let text = "CREATE TABLE t (v BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
            CREATE TABLE o (v BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
            INSERT INTO o SELECT v FROM t;";
        let source = plan_job(text, &PlanContext::nowhere()).unwrap().pipelines.remove(0).source;
        let column = |name: &str, data_type| Column { name: name.to_owned(), data_type, nullable: true };
        let columns =
            vec![column("k_id", DataType::STRING), column("v", DataType::BigInt), column("k_n", DataType::Int)];
        Source { columns, key: Some(key), ..source }
    }

    fn row(reader: &mut KeyReader, key: Option<&str>, value: &str) -> Result<Option<Vec<Value<'static>>>, String> {
        let mut row = Vec::new();
        let found = reader.decode(key.map(str::as_bytes), value.as_bytes(), &mut row);
        let found = found.map_err(|error| error.0)?;
        Ok(found.then(|| row.into_iter().map(Value::into_owned).collect()))
    }

    /// Names in the key are without the prefix; a record without a key is no row.
    #[test]
    fn columns_come_from_key_and_value() {
        let columns = ["k_id", "k_n"].map(str::to_owned).to_vec();
        let key = SourceKey { format: Format::Json(JsonFormat::default()), columns, prefix: "k_".to_owned() };
        let mut reader = KeyReader::new(&source(key.clone()), &key);
        let expected = vec![Value::text("a"), Value::Integer(7), Value::Integer(3)];
        assert_eq!(row(&mut reader, Some(r#"{"n":3,"id":"a"}"#), r#"{"v":7,"n":9}"#), Ok(Some(expected)));
        assert_eq!(row(&mut reader, None, r#"{"v":7}"#), Ok(None));
        let error = row(&mut reader, Some("{"), r#"{"v":7}"#).unwrap_err();
        assert!(error.starts_with("the key: "), "{error}");
    }

    #[test]
    fn a_raw_key_may_be_missing() {
        let key = SourceKey {
            format: Format::Raw(RawFormat::default()),
            columns: vec!["k_id".to_owned()],
            prefix: String::new(),
        };
        let mut reader = KeyReader::new(&source(key.clone()), &key);
        let expected = |key| vec![key, Value::Integer(7), Value::Null];
        assert_eq!(row(&mut reader, Some("x"), r#"{"v":7}"#), Ok(Some(expected(Value::text("x")))));
        assert_eq!(row(&mut reader, None, r#"{"v":7}"#), Ok(Some(expected(Value::Null))));
    }
}
