//! Record value to source row: decode the needed columns, compute the others, and see what time it is.

use super::error::RowError;
use super::source_key::{KeyReader, RemovalReader};
use crate::expr::{Expr, Metadata, QuickExpr, Value};
use crate::format::{DecodeError, Decoder, JsonDecoder, recycle};
use crate::plan::{Column, Source};
use forebay_storage::batch::{BatchHeader, Headers, TimestampType};

/// Which record a value is of.
#[derive(Clone, Copy, Debug)]
pub struct RecordOrigin<'a> {
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its time, in ms since 1970.
    pub timestamp_ms: i64,
    /// What its batch says of it.
    pub batch: BatchOrigin,
    /// Its headers.
    pub headers: Headers<'a>,
}

/// What a batch says of all its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchOrigin {
    /// The leader's epoch when it was written.
    pub leader_epoch: i32,
    /// Whether the records' time is that of the append (`message.timestamp.type` = LogAppendTime).
    pub log_append_time: bool,
}

impl BatchOrigin {
    /// Of a batch.
    #[must_use]
    pub fn of(header: &BatchHeader) -> BatchOrigin {
        let log_append_time = header.timestamp_type() == TimestampType::LogAppendTime;
        BatchOrigin { leader_epoch: header.leader_epoch.0, log_append_time }
    }
}

/// An event time that is one number of a record, and its watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainTime {
    /// The column of the number.
    pub column: usize,
    /// Whether it counts seconds and not milliseconds.
    pub seconds: bool,
    /// The column of the event time, behind those that are read.
    pub time_column: usize,
    /// What is added to it for the watermark, in ms.
    pub ms: i64,
}

/// Makes rows of a source table.
#[derive(Debug)]
pub struct RowSource {
    plan: Source,
    decoder: Decoder,
    /// Where columns are in the key, what reads both.
    key: Option<KeyReader>,
    processing_time: bool,
    computed: Vec<Computation>,
    /// The column of the event time and the watermark, unless time is the clock.
    event_time: Option<(usize, QuickExpr)>,
    /// Where records without a value remove the row of their key, what reads it.
    removals: Option<RemovalReader>,
    row: Vec<Value<'static>>,
}

/// How a column is computed.
#[derive(Debug)]
enum Computation {
    Expr(QuickExpr),
    Metadata(Metadata),
    ProcessingTime,
}

impl Computation {
    fn new(expr: &Expr) -> Computation {
        match expr.as_metadata() {
            Some(metadata) => Computation::Metadata(metadata),
            None if expr.is_proctime() => Computation::ProcessingTime,
            None => Computation::Expr(QuickExpr::new(expr)),
        }
    }
}

impl RowSource {
    /// For the table of `plan`.
    #[must_use]
    pub fn new(plan: &Source) -> RowSource {
        let processing_time = plan.is_processing_time();
        let event_time = plan.event_time.as_ref().filter(|_| !processing_time);
        RowSource {
            decoder: Decoder::new(&plan.value_fields, &plan.decoded(), &plan.format),
            key: plan.key.as_ref().map(|key| KeyReader::new(plan, key)),
            processing_time,
            computed: plan.computed.iter().map(|column| Computation::new(&column.expr)).collect(),
            event_time: event_time.map(|time| (time.column, QuickExpr::new(&time.watermark))),
            removals: plan.upsert.as_ref().map(|key| RemovalReader::new(plan, key)),
            plan: plan.clone(),
            row: Vec::new(),
        }
    }

    /// Whether undecodable records are skipped instead of failing the job.
    #[must_use]
    pub fn ignores_parse_errors(&self) -> bool {
        self.plan.format.ignores_parse_errors()
    }

    /// What its event time is made of, if that is all that is computed and the columns are texts and integers of a JSON object.
    #[must_use]
    pub fn plain_time(&self) -> Option<PlainTime> {
        let types = self.plan.columns.iter().map(|column| column.data_type);
        let plain = types.into_iter().all(|data_type| data_type.is_text() || data_type.is_integer());
        if !plain || self.key.is_some() || self.removals.is_some() || !matches!(self.decoder, Decoder::Json(_)) {
            return None;
        }
        let [Computation::Expr(computed)] = &self.computed[..] else { return None };
        let (time_column, watermark) = self.event_time.as_ref()?;
        let ((column, seconds), (shifted, ms)) = (computed.as_epoch()?, watermark.as_shifted()?);
        let own = self.plan.columns.len();
        (*time_column == own && shifted == own).then_some(PlainTime { column, seconds, time_column: own, ms })
    }

    /// The columns that are read.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.plan.columns
    }

    /// What reads its records, if they are JSON.
    #[inline]
    pub fn json_mut(&mut self) -> Option<&mut JsonDecoder> {
        self.decoder.json_mut()
    }

    /// Whether rows are of the time at which they are read.
    #[must_use]
    pub fn is_processing_time(&self) -> bool {
        self.processing_time
    }

    /// Hands the row in `value`, and `key`, to `take`. Returns the watermark that the row stands for, if it has one.
    ///
    /// `take` gets the row before its watermark counts, as in Flink. PROCTIME() is `now`, in ms; metadata columns are of `origin`.
    pub fn read(
        &mut self,
        (key, value): (Option<&[u8]>, Option<&[u8]>),
        now: i64,
        origin: RecordOrigin<'_>,
        take: &mut dyn FnMut(&[Value<'_>]) -> Result<(), RowError>,
    ) -> Result<Option<i64>, RowError> {
        let failed = |error: DecodeError| RowError::Decode { table: self.plan.table.clone(), error };
        let Some(value) = value else {
            // A tombstone: no row otherwise, as in Flink's formats.
            let Some(reader) = &mut self.removals else { return Ok(None) };
            let mut row = vec![Value::Null; self.plan.columns.len() + self.plan.computed.len()];
            reader.decode(key, &mut row).map_err(failed)?;
            return take(&row).map(|()| None);
        };
        let mut row: Vec<Value<'_>> = std::mem::take(&mut self.row);
        let decoded = match &mut self.key {
            None => self.decoder.decode(value, &mut row),
            Some(reader) => reader.decode(key, value, &mut row),
        };
        if !decoded.map_err(failed)? {
            self.row = recycle(row);
            return Ok(None);
        }
        for computed in &self.computed {
            // Owned, as it joins the row it is computed from: that costs something only for a text that is a mere copy.
            row.push(match computed {
                Computation::Expr(expr) => expr.eval(&row)?.into_owned(),
                Computation::Metadata(Metadata::Headers) => headers(origin.headers),
                Computation::Metadata(Metadata::LeaderEpoch) => leader_epoch(origin.batch.leader_epoch),
                Computation::Metadata(Metadata::Offset) => Value::Integer(origin.offset),
                Computation::Metadata(Metadata::Partition) => Value::Integer(i64::from(origin.partition)),
                Computation::Metadata(Metadata::Timestamp) => Value::timestamp(origin.timestamp_ms),
                Computation::Metadata(Metadata::TimestampType) => {
                    Value::text(if origin.batch.log_append_time { "LogAppendTime" } else { "CreateTime" })
                }
                Computation::Metadata(Metadata::Topic) => Value::String(self.plan.topic.clone().into()),
                Computation::ProcessingTime => Value::timestamp(now),
            });
        }
        let watermark = self.watermark(&row)?;
        take(&row)?;
        self.row = recycle(row);
        Ok(watermark)
    }

    fn watermark(&self, row: &[Value<'_>]) -> Result<Option<i64>, RowError> {
        let Some((column, watermark)) = &self.event_time else { return Ok(None) };
        if row[*column].is_null() {
            return Err(self.null_event_time(*column));
        }
        Ok(match watermark.eval(row)? {
            Value::Timestamp(time) => Some(time.millis),
            _ => None,
        })
    }

    fn null_event_time(&self, position: usize) -> RowError {
        let decoded = self.plan.columns.iter().map(|column| &column.name);
        let computed = self.plan.computed.iter().map(|column| &column.name);
        let column = decoded.chain(computed).nth(position).cloned().unwrap_or_default();
        RowError::NullEventTime { table: self.plan.table.clone(), column }
    }
}

/// The headers as a map. Of several with one key the last counts, as in Flink.
fn headers(headers: Headers<'_>) -> Value<'static> {
    let header = |(key, value): (&[u8], Option<&[u8]>)| {
        let value = value.map_or(Value::Null, |value| Value::Bytes(value.to_vec().into()));
        (Value::String(String::from_utf8_lossy(key).into_owned().into()), value)
    };
    Value::map(headers.iter().map(header).collect())
}

/// NULL where it is not known.
fn leader_epoch(epoch: i32) -> Value<'static> {
    if epoch < 0 { Value::Null } else { Value::Integer(i64::from(epoch)) }
}
