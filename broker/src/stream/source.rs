//! What a job reads, and rows that go out one by one.

use std::time::Duration;

use forebay_processor::expr::{Functions, SqlType};

use super::grouped::Windowed;
use super::{Expression, Stream, quoted};

/// The table's column of event time.
pub(super) const EVENT_TIME: &str = "event_time_of_the_row";

/// The records of a topic, JSON objects, read from the earliest on.
#[derive(Clone, Debug)]
pub struct Source {
    topic: String,
    columns: Vec<String>,
    options: Vec<(String, String)>,
    functions: Functions,
}

impl Source {
    /// Of this topic.
    #[must_use]
    pub fn topic(name: &str) -> Source {
        Source { topic: name.to_owned(), columns: Vec::new(), options: Vec::new(), functions: Functions::default() }
    }

    /// A field of the objects. Where it is missing it is NULL.
    pub fn column<T: SqlType>(&mut self, name: &str) -> Expression<T> {
        self.columns.push(format!("{} {}", quoted('`', name), T::DATA_TYPE));
        Expression::column(name)
    }

    /// Rows are of the time that this says, in ms since 1970, and come at most so much out of order: windows close so long after their end.
    pub fn event_time_ms(&mut self, time: &Expression<i64>, disorder: Duration) {
        self.columns.push(format!("{EVENT_TIME} AS TO_TIMESTAMP_LTZ({}, 3)", time.sql));
        self.functions.extend(&time.functions);
        self.columns.push(format!("WATERMARK FOR {EVENT_TIME} AS {EVENT_TIME} - {}", interval(disorder)));
    }

    /// An option of the table, as WITH has it: `forebay.on-error`, `scan.startup.mode`.
    pub fn option(&mut self, key: &str, value: &str) {
        self.options.push((key.to_owned(), value.to_owned()));
    }

    /// Only the rows for which the condition holds.
    #[must_use]
    pub fn filter(&self, condition: Expression<bool>) -> Rows {
        self.rows().filter(condition)
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> Rows {
        Rows { source: self.clone(), conditions: Vec::new() }
    }

    fn statement(&self) -> String {
        let mut options = self.options.clone();
        let defaults = [
            ("connector", "kafka"),
            ("topic", self.topic.as_str()),
            ("format", "json"),
            ("scan.startup.mode", "earliest-offset"),
        ];
        for (key, value) in defaults {
            if !options.iter().any(|(given, _)| given == key) {
                options.push((key.to_owned(), value.to_owned()));
            }
        }
        create_table("source", &self.columns, &options)
    }
}

/// Rows of a source.
#[derive(Clone, Debug)]
pub struct Rows {
    source: Source,
    conditions: Vec<Expression<bool>>,
}

impl Rows {
    /// Only those for which the condition holds, too.
    #[must_use]
    pub fn filter(mut self, condition: Expression<bool>) -> Rows {
        self.conditions.push(condition);
        self
    }

    /// One row for each of these, with such a field.
    #[must_use]
    pub fn select<T: SqlType>(self, name: &str, value: impl super::Operand<T>) -> Selected<Rows> {
        Selected::new(self).also(name, T::DATA_TYPE.to_string(), value.operand())
    }

    /// In windows of this length.
    #[must_use]
    pub fn tumble(self, length: Duration) -> Windowed {
        Windowed::new(self, format!("TUMBLE(TABLE source, DESCRIPTOR({EVENT_TIME}), {})", interval(length)))
    }

    /// In windows of the second length, which begin at each multiple of the first.
    #[must_use]
    pub fn hop(self, slide: Duration, length: Duration) -> Windowed {
        let (slide, length) = (interval(slide), interval(length));
        Windowed::new(self, format!("HOP(TABLE source, DESCRIPTOR({EVENT_TIME}), {slide}, {length})"))
    }

    /// The statement of the source, and the conditions with WHERE before them.
    pub(super) fn parts(&self) -> (String, String, Functions) {
        let mut functions = self.source.functions.clone();
        self.conditions.iter().for_each(|condition| functions.extend(&condition.functions));
        let conditions: Vec<&str> = self.conditions.iter().map(|condition| condition.sql.as_str()).collect();
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        (self.source.statement(), condition, functions)
    }
}

/// Rows with the fields that they have in the end.
#[derive(Clone, Debug)]
pub struct Selected<From> {
    pub(super) from: From,
    fields: Vec<(String, String, String)>,
    functions: Functions,
}

impl<From> Selected<From> {
    pub(super) fn new(from: From) -> Self {
        Selected { from, fields: Vec::new(), functions: Functions::default() }
    }

    pub(super) fn also<T>(mut self, name: &str, data_type: String, value: Expression<T>) -> Self {
        self.functions.extend(&value.functions);
        self.fields.push((name.to_owned(), data_type, value.sql));
        self
    }

    /// The job whose query ends with `FROM ..` as given.
    pub(super) fn job(&self, rows: &Rows, from: &str, after: &str, topic: &str) -> Stream {
        let (source, condition, mut functions) = rows.parts();
        functions.extend(&self.functions);
        let columns: Vec<String> =
            self.fields.iter().map(|(name, data_type, _)| format!("{} {data_type}", quoted('`', name))).collect();
        let values: Vec<String> =
            self.fields.iter().map(|(name, _, sql)| format!("{sql} AS {}", quoted('`', name))).collect();
        let options = [("connector", "kafka"), ("topic", topic), ("format", "json")];
        let options: Vec<_> = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let sink = create_table("sink", &columns, &options);
        let query = format!("INSERT INTO sink\nSELECT {}\nFROM {from}{condition}{after};", values.join(", "));
        Stream { sql: format!("{source}\n{sink}\n{query}\n"), functions }
    }
}

impl Selected<Rows> {
    /// Another field.
    #[must_use]
    pub fn select<T: SqlType>(self, name: &str, value: impl super::Operand<T>) -> Self {
        self.also(name, T::DATA_TYPE.to_string(), value.operand())
    }

    /// Into this topic, as JSON objects.
    pub fn to_topic(&self, topic: &str) -> Stream {
        self.job(&self.from, "source", "", topic)
    }
}

fn create_table(name: &str, columns: &[String], options: &[(String, String)]) -> String {
    let options: Vec<String> =
        options.iter().map(|(key, value)| format!("{} = {}", quoted('\'', key), quoted('\'', value))).collect();
    format!("CREATE TABLE {name} (\n  {}\n) WITH ({});", columns.join(",\n  "), options.join(", "))
}

/// As SQL has it; less than a millisecond is none.
pub(super) fn interval(length: Duration) -> String {
    let ms = length.as_millis();
    format!("INTERVAL '{}.{:03}' SECOND(10)", ms / 1_000, ms % 1_000)
}
