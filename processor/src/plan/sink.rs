//! The tail of a pipeline: the topic that rows are written to.

use super::{Column, Format};

/// A topic that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Name of the table.
    pub table: String,
    /// Name of the topic.
    pub topic: String,
    /// How values are encoded.
    pub format: Format,
    /// Its columns: the row that arrives has exactly these, in this order. A NULL for a column that is not nullable fails the
    /// job (Flink: `table.exec.sink.not-null-enforcer` = ERROR).
    pub columns: Vec<Column>,
    /// Whether a row replaces the one with the same key (`upsert-kafka`), so that rows may change and go.
    pub upsert: bool,
    /// How record keys are made; without it records have no key.
    pub key: Option<SinkKey>,
    /// Positions of the columns that go into the record's value: all of them, but for `value.fields-include` = EXCEPT_KEY.
    pub value_columns: Vec<usize>,
    /// Position of the column that is the record's time; NULL there, or no such column, is the time of the commit.
    pub timestamp: Option<usize>,
    /// Position of the column that is the record's headers, a MAP of STRING to BYTES; an entry with a NULL is left out.
    pub headers: Option<usize>,
}

/// `key.format` and `key.fields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkKey {
    /// How the key is encoded.
    pub format: Format,
    /// Positions of the sink's columns that make up the key, in the order of `key.fields`.
    pub columns: Vec<usize>,
    /// `key.fields-prefix`: what their names begin with, other than in the key.
    pub prefix: String,
}
