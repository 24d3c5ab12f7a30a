//! Prints a `.log`: one line a batch, and its records if they are asked for. Only one batch is in memory at a time.

use std::io::{self, Write};

use forebay_storage::batch::{Batch, ControlRecord, Record, TimestampType};
use forebay_storage::inspect::{Broken, FoundBatch, Scan, ScanError};
use serde::Serialize;
use serde_json::Value;

use super::decode::decode;
use super::fields::{Fields, fields};
use super::text::{hex, shown, time};
use crate::cli::output::{Format, friendly_count};

/// A batch as JSON.
#[derive(Debug, Serialize)]
struct BatchRow {
    position: u64,
    size_bytes: usize,
    base_offset: i64,
    last_offset: i64,
    record_count: i32,
    codec: String,
    timestamp_type: &'static str,
    base_timestamp_ms: i64,
    max_timestamp_ms: i64,
    leader_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    last_sequence: i32,
    transactional: bool,
    control: bool,
    delete_horizon: bool,
    crc: u32,
    crc_ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<RecordRow>>,
    /// Why the records cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A record as JSON: what is no UTF-8 is in `*_hex`, and its text is null.
#[derive(Debug, Serialize)]
struct RecordRow {
    offset: i64,
    timestamp_ms: i64,
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    value: Val,
    headers: Vec<HeaderRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The record's line in a table.
    #[serde(skip)]
    line: String,
}

#[derive(Debug, Serialize)]
struct Key {
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hex: Option<String>,
}

#[derive(Debug, Serialize)]
struct Val {
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

#[derive(Debug, Serialize)]
struct HeaderRow {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    value: Val,
}

/// What was printed, and whether it is as it was written.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) batches: u64,
    pub(super) damaged: u64,
    pub(super) broken: Option<Broken>,
}

/// How a `.log` is printed.
pub(super) struct LogDump<'a> {
    /// The name of the file.
    pub(super) file: &'a str,
    /// The topic, if the folder says so.
    pub(super) topic: &'a str,
    pub(super) records: bool,
    pub(super) format: Format,
}

impl LogDump<'_> {
    /// Prints `length` bytes of `input`.
    pub(super) fn print(&self, input: impl io::Read, length: u64, out: &mut dyn Write) -> io::Result<Summary> {
        let mut summary = Summary::default();
        match self.format {
            Format::Table => writeln!(out, "{HEADER}")?,
            Format::Json => write!(out, "{{\"file\":{},\"kind\":\"log\",\"batches\":[", Value::from(self.file))?,
        }
        for found in Scan::new(input, length) {
            match found {
                Err(ScanError::Io(error)) => return Err(error),
                Err(ScanError::Broken(broken)) => summary.broken = Some(broken),
                Ok(found) => {
                    summary.damaged += u64::from(found.crc.is_err());
                    let row = self.row(&found);
                    match self.format {
                        Format::Table => table_line(&row, out)?,
                        Format::Json => {
                            out.write_all(if summary.batches == 0 { b"\n" } else { b",\n" })?;
                            serde_json::to_writer(&mut *out, &row)?;
                        }
                    }
                    summary.batches += 1;
                }
            }
        }
        self.close(&summary, length, out)?;
        Ok(summary)
    }

    fn close(&self, summary: &Summary, length: u64, out: &mut dyn Write) -> io::Result<()> {
        let broken = summary.broken.as_ref();
        match self.format {
            Format::Table => {
                if let Some(broken) = broken {
                    writeln!(out, "{:<10}  {broken}", broken.position)?;
                }
                let (batches, bytes) = (friendly_count(summary.batches), friendly_count(length));
                writeln!(out, "{batches} batches in {bytes} bytes, {} with a wrong checksum", summary.damaged)
            }
            Format::Json => {
                let (position, what) = (broken.map(|broken| broken.position), broken.map(ToString::to_string));
                let (position, what) = (Value::from(position), Value::from(what));
                writeln!(out, "\n],\"size_bytes\":{length},\"broken_position\":{position},\"broken\":{what}}}")
            }
        }
    }

    fn row(&self, found: &FoundBatch) -> BatchRow {
        let header = &found.batch.header;
        let (records, error) = if self.records { self.records(&found.batch) } else { (None, None) };
        BatchRow {
            position: found.position,
            size_bytes: header.size_in_bytes(),
            base_offset: header.base_offset.0,
            last_offset: header.last_offset().0,
            record_count: header.record_count,
            codec: header
                .compression()
                .map_or_else(|_| format!("unknown-{}", header.attributes & 7), |c| c.name().into()),
            timestamp_type: match header.timestamp_type() {
                TimestampType::CreateTime => "CreateTime",
                TimestampType::LogAppendTime => "LogAppendTime",
            },
            base_timestamp_ms: header.base_timestamp.0,
            max_timestamp_ms: header.max_timestamp.0,
            leader_epoch: header.leader_epoch.0,
            producer_id: header.producer_id.0,
            producer_epoch: header.producer_epoch.0,
            base_sequence: header.base_sequence.0,
            last_sequence: header.last_sequence().0,
            transactional: header.is_transactional(),
            control: header.is_control(),
            delete_horizon: header.has_delete_horizon(),
            crc: header.crc,
            crc_ok: found.crc.is_ok(),
            records,
            error,
        }
    }

    /// The records up to the first that cannot be read, and why it cannot.
    fn records(&self, batch: &Batch) -> (Option<Vec<RecordRow>>, Option<String>) {
        let records = match batch.records() {
            Ok(records) => records,
            Err(error) => return (Some(Vec::new()), Some(error.to_string())),
        };
        let mut rows = Vec::new();
        for record in &records {
            match record {
                Ok(record) => rows.push(self.record(&record, batch.header.is_control())),
                Err(error) => return (Some(rows), Some(error.to_string())),
            }
        }
        (Some(rows), None)
    }

    fn record(&self, record: &Record<'_>, control: bool) -> RecordRow {
        let mut row = RecordRow {
            offset: record.offset.0,
            timestamp_ms: record.timestamp.0,
            key: key_of(record.key),
            value: value_of(record.value),
            headers: record
                .headers
                .iter()
                .map(|(k, v)| HeaderRow { key: key_of(Some(k)), value: value_of(v) })
                .collect(),
            kind: None,
            decoded: None,
            error: None,
            line: String::new(),
        };
        let said = if control {
            marker(record, &mut row)
        } else {
            match decode(self.topic, record.key, record.value) {
                Some(Ok(decoded)) => {
                    let line = decoded.line();
                    (row.kind, row.decoded) = (Some(decoded.kind), Some(decoded.fields));
                    Some(line)
                }
                Some(Err(error)) => {
                    row.error = Some(error);
                    None
                }
                None => None,
            }
        };
        if self.format == Format::Table {
            row.line = record_line(record, said, row.error.as_deref());
        }
        row
    }
}

fn marker(record: &Record<'_>, row: &mut RecordRow) -> Option<String> {
    match ControlRecord::decode(*record) {
        Ok(marker) => {
            let kind = if marker.is_commit() { "commit" } else { "abort" };
            row.kind = Some(kind);
            row.decoded = Some(fields!({ "coordinator_epoch": marker.coordinator_epoch }));
            Some(format!("{kind} marker coordinator_epoch={}", marker.coordinator_epoch))
        }
        Err(error) => {
            row.error = Some(error.to_string());
            None
        }
    }
}

fn record_line(record: &Record<'_>, said: Option<String>, error: Option<&str>) -> String {
    let mut line = format!("  {}  {}  ", record.offset, time(record.timestamp.0));
    match said {
        Some(said) => line.push_str(&said),
        None => line.push_str(&format!("key {}  value {}", shown(record.key), shown(record.value))),
    }
    for (key, value) in record.headers.iter() {
        line.push_str(&format!("  header {}={}", shown(Some(key)), shown(value)));
    }
    if let Some(error) = error {
        line.push_str(&format!("  ({error})"));
    }
    line
}

const HEADER: &str = "POSITION    SIZE      OFFSETS                COUNT   CODEC   MAX TIMESTAMP             EPOCH  CRC  \
                      PRODUCER";

fn table_line(row: &BatchRow, out: &mut dyn Write) -> io::Result<()> {
    let offsets = format!("{}-{}", row.base_offset, row.last_offset);
    let crc = if row.crc_ok { "ok" } else { "BAD" };
    let mut rest = String::new();
    if row.producer_id >= 0 {
        let (id, epoch) = (row.producer_id, row.producer_epoch);
        rest = format!("{id} epoch {epoch}");
        if row.base_sequence >= 0 {
            rest.push_str(&format!(" sequence {}-{}", row.base_sequence, row.last_sequence));
        }
    }
    let flags = [
        (row.transactional, "transactional"),
        (row.control, "control"),
        (row.timestamp_type == "LogAppendTime", "log append time"),
        (row.delete_horizon, "delete horizon"),
    ];
    for (_, name) in flags.iter().filter(|(set, _)| *set) {
        rest.push_str(if rest.is_empty() { "" } else { ", " });
        rest.push_str(name);
    }
    let line = format!(
        "{:<10}  {:<8}  {offsets:<21}  {:<6}  {:<6}  {:<24}  {:<5}  {crc:<3}  {rest}",
        row.position,
        row.size_bytes,
        row.record_count,
        row.codec,
        time(row.max_timestamp_ms),
        row.leader_epoch
    );
    writeln!(out, "{}", line.trim_end())?;
    for record in row.records.iter().flatten() {
        writeln!(out, "{}", record.line)?;
    }
    row.error.iter().try_for_each(|error| writeln!(out, "  {error}"))
}

fn key_of(bytes: Option<&[u8]>) -> Key {
    let (key, key_hex) = text_or_hex(bytes);
    Key { key, key_hex }
}

fn value_of(bytes: Option<&[u8]>) -> Val {
    let (value, value_hex) = text_or_hex(bytes);
    Val { value, value_hex }
}

fn text_or_hex(bytes: Option<&[u8]>) -> (Option<String>, Option<String>) {
    match bytes.map(std::str::from_utf8) {
        None => (None, None),
        Some(Ok(text)) => (Some(text.to_owned()), None),
        Some(Err(_)) => (None, bytes.map(hex)),
    }
}
