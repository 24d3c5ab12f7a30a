//! Output row to record, and the record to a partition of the sink's topic.
//!
//! # Which partition
//! A sink with a key goes by its key, as any Kafka producer would. Without one, rows of a window aggregation go by the hash of their
//! group key, so the rows of one user stay in order; other rows stay in order with the input partition they came from.
//!
//! # Which timestamp
//! Records carry the time of the commit unless a column is METADATA FROM 'timestamp', not their event time: retention counts from the record's time, and a replay of last
//! month's events would otherwise be deleted as soon as it is written. Event time is in the row's own columns.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use forebay_storage::ids::{Timestamp, TopicPartition};

use super::error::RowError;
use crate::commit::{OwnedHeaders, RecordBuffer, partition_for_key};
use crate::expr::Value;
use crate::format::{EncodeError, Encoder, JsonEncoder};
use crate::plan::{Column, JsonFormat, RowKind, Sink, SinkKey};
use crate::sql::RESULT_TOPIC;

/// By what a row without a record key is put into a partition.
#[derive(Clone, Copy, Debug)]
pub enum Spread<'a> {
    /// Its group key.
    Group(&'a [u8]),
    /// The input partition it came from.
    Input(i32),
}

/// Writes rows of a sink table.
#[derive(Debug)]
pub struct RecordSink {
    plan: Sink,
    value: Encoder,
    key: Option<Encoder>,
    partitions: Vec<TopicPartition>,
    not_null: Vec<usize>,
    key_bytes: Vec<u8>,
    value_bytes: Vec<u8>,
    changes: Option<Changes>,
    /// Whether rows go to whoever asked, each with its kind as the record's key.
    tells_kinds: bool,
}

/// What becomes of each key until it is written: the last word on it. Keys in the order of their coming.
#[derive(Debug, Default)]
struct Changes {
    places: HashMap<(i32, Vec<u8>), usize>,
    rows: Vec<Change>,
}

/// What becomes of a key.
#[derive(Debug)]
struct Change {
    partition: i32,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    timestamp: Option<Timestamp>,
    headers: OwnedHeaders,
}

impl RecordSink {
    /// For the table of `plan`, whose topic has `partitions` partitions (at least 1).
    #[must_use]
    pub fn new(plan: &Sink, partitions: i32) -> RecordSink {
        let topic: Arc<str> = plan.topic.as_str().into();
        let not_null = plan.columns.iter().enumerate().filter(|(_, column)| !column.nullable).map(|(at, _)| at);
        RecordSink {
            value: Encoder::new(&plan.columns, &plan.value_columns, &plan.format),
            key: plan.key.as_ref().map(|key| key_encoder(plan, key)),
            partitions: (0..partitions.max(1)).map(|partition| TopicPartition::new(topic.clone(), partition)).collect(),
            not_null: not_null.collect(),
            plan: plan.clone(),
            key_bytes: Vec::new(),
            value_bytes: Vec::new(),
            changes: None,
            tells_kinds: plan.topic == RESULT_TOPIC,
        }
    }

    /// Rows may change and go: of each key only the last row is written, by [`RecordSink::flush`].
    pub fn collect_changes(&mut self) {
        self.changes = self.plan.upsert.then(Changes::default);
    }

    /// Writes what has changed.
    pub fn flush(&mut self, now: Timestamp, out: &mut RecordBuffer) -> Result<(), RowError> {
        let Some(changes) = &mut self.changes else { return Ok(()) };
        changes.places.clear();
        for change in changes.rows.drain(..) {
            let (to, record) =
                (&self.partitions[change.partition as usize], (Some(&*change.key), change.value.as_deref()));
            out.push_with(to, change.timestamp.unwrap_or(now), record, &change.headers);
        }
        Ok(())
    }

    /// A row that cannot be written.
    pub(super) fn encode_error(&self, error: EncodeError) -> RowError {
        RowError::Encode { table: self.plan.table.clone(), error }
    }

    /// What writes a whole row as JSON, with the columns of its key.
    #[must_use]
    pub fn whole_rows(&self) -> JsonEncoder {
        let all: Vec<usize> = (0..self.plan.columns.len()).collect();
        JsonEncoder::new(&self.plan.columns, &all, &JsonFormat::default())
    }

    /// What writes the values, if that is JSON and a row is a record without a key as soon as it comes.
    #[must_use]
    pub fn plain_json(&self) -> Option<&JsonEncoder> {
        let alone = self.key.is_none() && self.plan.timestamp.is_none() && self.plan.headers.is_none();
        let plain = alone && self.changes.is_none() && !self.tells_kinds;
        self.value.json().filter(|_| plain)
    }

    /// The same, to write with.
    pub fn plain_json_mut(&mut self) -> Option<&mut JsonEncoder> {
        self.value.json_mut()
    }

    /// Adds the record of a row of the group `group`, which is `value` already, to `out`.
    #[inline]
    pub fn push_value(&self, group: &[u8], value: &[u8], now: Timestamp, out: &mut RecordBuffer) {
        let partition = partition_for_key(group, self.partitions.len() as i32);
        out.push(&self.partitions[partition as usize], now, None, Some(value));
    }

    /// Adds the record of `row` to `out`.
    pub fn write(
        &mut self,
        row: &[Value<'_>],
        kind: RowKind,
        spread: Spread<'_>,
        now: Timestamp,
        out: &mut RecordBuffer,
    ) -> Result<(), RowError> {
        if let Some(column) = self.not_null.iter().find(|column| row[**column].is_null()) {
            let column = self.plan.columns[*column].name.clone();
            return Err(RowError::NotNull { table: self.plan.table.clone(), column });
        }
        self.value_bytes.clear();
        self.key_bytes.clear();
        let table = &self.plan.table;
        let encode_error = |error| RowError::Encode { table: table.clone(), error };
        if self.tells_kinds {
            self.value.encode(row, &mut self.value_bytes).map_err(encode_error)?;
            out.push(&self.partitions[0], now, Some(kind.short().as_bytes()), Some(&self.value_bytes));
            return Ok(());
        }
        let gone = kind.is_retraction();
        let has_value = !gone && self.value.encode(row, &mut self.value_bytes).map_err(encode_error)?;
        let keyed = match &mut self.key {
            Some(encoder) => encoder.encode(row, &mut self.key_bytes).map_err(encode_error)?,
            None => false,
        };
        let count = self.partitions.len() as i32;
        let partition = match spread {
            _ if keyed => partition_for_key(&self.key_bytes, count),
            Spread::Group(key) => partition_for_key(key, count),
            Spread::Input(partition) => partition % count,
        };
        let timestamp = match self.plan.timestamp.and_then(|at| row.get(at)) {
            Some(Value::Timestamp(time)) => Some(Timestamp(time.millis)),
            _ => None,
        };
        let headers = self.plan.headers.and_then(|at| row.get(at)).map_or_else(Vec::new, headers);
        if let Some(changes) = &mut self.changes {
            let value = has_value.then(|| self.value_bytes.clone());
            match changes.places.entry((partition, self.key_bytes.clone())) {
                Entry::Occupied(place) => {
                    let key = std::mem::take(&mut changes.rows[*place.get()].key);
                    changes.rows[*place.get()] = Change { partition, key, value, timestamp, headers };
                }
                Entry::Vacant(place) => {
                    place.insert(changes.rows.len());
                    let key = self.key_bytes.clone();
                    changes.rows.push(Change { partition, key, value, timestamp, headers });
                }
            }
            return Ok(());
        }
        let key = keyed.then_some(&self.key_bytes[..]);
        let value = has_value.then_some(&self.value_bytes[..]);
        out.push_with(&self.partitions[partition as usize], timestamp.unwrap_or(now), (key, value), &headers);
        Ok(())
    }
}

/// The headers in a map; as in Flink, entries with a NULL are left out.
fn headers(map: &Value<'_>) -> OwnedHeaders {
    let header = |(key, value): &(Value<'static>, Value<'static>)| match (key, value) {
        (Value::String(key), Value::Bytes(value)) => Some((key.to_string(), value.to_vec())),
        _ => None,
    };
    map.entries().iter().filter_map(header).collect()
}

/// The writer of keys, in which columns have their names without `key.fields-prefix`.
fn key_encoder(plan: &Sink, key: &SinkKey) -> Encoder {
    let named = |column: &Column| {
        let name = column.name.strip_prefix(&key.prefix).unwrap_or(&column.name).to_owned();
        Column { name, ..column.clone() }
    };
    Encoder::new(&plan.columns.iter().map(named).collect::<Vec<_>>(), &key.columns, &key.format)
}
