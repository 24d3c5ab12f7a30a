//! The head of a pipeline: a topic, the columns decoded from it, and its event time.

use std::collections::BTreeMap;

use super::{Format, Policies};
use crate::expr::{DataType, Expr};

/// A topic that is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Name of the table.
    pub table: String,
    /// Name of the topic.
    pub topic: String,
    /// `properties.group.id`: the consumer group that shows the progress; the job's name is used if it is not given.
    pub group_id: Option<String>,
    /// Where reading starts when the job has no progress of its own yet.
    pub startup: StartupMode,
    /// `properties.auto.offset.reset`, if the table says it: where to go on when the records at the job's position are gone. Otherwise the
    /// job stops then.
    pub reset: Option<OffsetReset>,
    /// How values are decoded.
    pub format: Format,
    /// The names of all columns that are in a record's value, in their order there.
    pub value_fields: Vec<String>,
    /// How columns that are in the record's key only are decoded, if there are any.
    pub key: Option<SourceKey>,
    /// The key of records each of which replaces the row of its key, or removes it if it has no value (`upsert-kafka`).
    pub upsert: Option<SourceKey>,
    /// The columns to decode, only those the pipeline needs, in this order. They are the first columns of the row.
    pub columns: Vec<Column>,
    /// Of ROW columns of which some fields only are needed, by their position: the type with the others as NULLs.
    pub narrowed: Vec<(usize, DataType)>,
    /// Columns computed from the decoded ones, appended to the row in this order. Each sees the decoded columns only, as in
    /// Flink.
    pub computed: Vec<Computed>,
    /// Event time and watermark, if the table has a WATERMARK; or the column of PROCTIME(): see [`Source::is_processing_time`].
    pub event_time: Option<EventTime>,
    /// A partition without rows for so many milliseconds stops holding back the watermark; 0 means it always holds it back.
    /// `scan.watermark.idle-timeout`, or else `table.exec.source.idle-timeout`; `None` if the job says neither, see
    /// [`IdlePolicy`](crate::time::IdlePolicy) for what happens then.
    pub idle_timeout_ms: Option<i64>,
    /// What is done with bad records, late rows, and at the end of the input.
    pub policies: Policies,
}

impl Source {
    /// The columns as they are decoded: of rows only the fields that the pipeline needs.
    #[must_use]
    pub fn decoded(&self) -> Vec<Column> {
        let mut columns = self.columns.clone();
        self.narrowed.iter().for_each(|(at, data_type)| columns[*at].data_type = *data_type);
        columns
    }

    /// Whether time is the host's clock: rows are of the time at which they are read, and windows close by the clock.
    #[must_use]
    pub fn is_processing_time(&self) -> bool {
        let column = self.event_time.as_ref().and_then(|time| time.column.checked_sub(self.columns.len()));
        column.and_then(|at| self.computed.get(at)).is_some_and(|column| column.expr.is_proctime())
    }
}

/// The columns of a record's key (`key.format` and `key.fields` with `value.fields-include` = EXCEPT_KEY).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceKey {
    /// How the key is decoded.
    pub format: Format,
    /// The names of its columns, in the order of `key.fields`; not all of them need be among those to decode.
    pub columns: Vec<String>,
    /// `key.fields-prefix`: what these names begin with, other than in the key.
    pub prefix: String,
}

/// A named, typed column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; the field's name in JSON.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// False for NOT NULL.
    pub nullable: bool,
}

/// A column computed from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// Its name.
    pub name: String,
    /// How it is computed, over the decoded columns.
    pub expr: Expr,
}

/// When a row happened, and how far time has got.
#[derive(Clone, Debug, PartialEq)]
pub struct EventTime {
    /// Position of the event-time column in the row that leaves the source; a TIMESTAMP or TIMESTAMP_LTZ. NULL there fails
    /// the job, as in Flink.
    pub column: usize,
    /// A row's watermark, over the same row. The partition's watermark is the maximum of these (milliseconds, **no** minus 1);
    /// NULL leaves it as it is. Rows count here before any filter.
    pub watermark: Expr,
}

/// `scan.startup.mode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupMode {
    /// `group-offsets`, the default: the offsets that the group has committed.
    GroupOffsets {
        /// Where to start in a partition without a committed offset.
        reset: OffsetReset,
    },
    /// `earliest-offset`.
    EarliestOffset,
    /// `latest-offset`.
    LatestOffset,
    /// `timestamp`: the first record whose time is at or after this, in milliseconds.
    Timestamp(i64),
    /// `specific-offsets`: by partition; a partition that is not listed starts at its committed offset.
    SpecificOffsets(BTreeMap<i32, i64>),
}

/// `properties.auto.offset.reset`.
///
/// Flink's default is `none`: without a committed offset its job fails at once. Here the default is `earliest`, so that a first
/// start works and no row is passed over; a job that ran in Flink behaves the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetReset {
    /// `earliest`, the default here.
    #[default]
    Earliest,
    /// `latest`.
    Latest,
    /// `none`: the job fails.
    None,
}
