//! A format's reader and writer, whichever it is.

use super::csv::{CsvDecoder, CsvEncoder};
use super::raw::{RawDecoder, RawEncoder};
use super::{DecodeError, EncodeError, JsonDecoder, JsonEncoder};
use crate::expr::Value;
use crate::plan::{Column, Format};

/// Makes rows of record values or keys.
#[derive(Clone, Debug)]
pub enum Decoder {
    /// `json`.
    Json(Box<JsonDecoder>),
    /// `csv`.
    Csv(CsvDecoder),
    /// `raw`.
    Raw(RawDecoder),
}

impl Decoder {
    /// For rows of exactly `columns`, from records of the fields `names`.
    #[must_use]
    pub fn new(names: &[String], columns: &[Column], format: &Format) -> Decoder {
        match format {
            Format::Json(json) => Decoder::Json(Box::new(JsonDecoder::new(columns, json))),
            Format::Csv(csv) => Decoder::Csv(CsvDecoder::new(names, columns, csv)),
            Format::Raw(raw) => Decoder::Raw(RawDecoder::new(columns.first().map(|column| column.data_type), raw)),
        }
    }

    /// The reader of JSON, if it is one.
    #[inline]
    pub fn json_mut(&mut self) -> Option<&mut JsonDecoder> {
        match self {
            Decoder::Json(json) => Some(json),
            Decoder::Csv(_) | Decoder::Raw(_) => None,
        }
    }

    /// Appends one value for each column to `row`, which must be empty; false if there is no row in the record.
    ///
    /// # Errors
    /// What makes Flink's format fail for this record; the row is to be thrown away then.
    #[inline]
    pub fn decode<'a>(&mut self, bytes: &'a [u8], row: &mut Vec<Value<'a>>) -> Result<bool, DecodeError> {
        match self {
            Decoder::Json(json) => json.decode(bytes, row).map(|()| true),
            Decoder::Csv(csv) => csv.decode(bytes, row),
            Decoder::Raw(raw) => raw.decode(bytes, row).map(|()| true),
        }
    }
}

/// Makes record values or keys of rows.
#[derive(Clone, Debug)]
pub enum Encoder {
    /// `json`.
    Json(JsonEncoder),
    /// `csv`.
    Csv(CsvEncoder),
    /// `raw`.
    Raw(RawEncoder),
}

impl Encoder {
    /// For the columns at `positions` of rows of `columns`.
    #[must_use]
    pub fn new(columns: &[Column], positions: &[usize], format: &Format) -> Encoder {
        match format {
            Format::Json(json) => Encoder::Json(JsonEncoder::new(columns, positions, json)),
            Format::Csv(csv) => Encoder::Csv(CsvEncoder::new(columns, positions, csv)),
            Format::Raw(raw) => {
                let position = positions.first().copied().unwrap_or(0);
                Encoder::Raw(RawEncoder::new(position, columns[position].data_type, raw))
            }
        }
    }

    /// The writer of JSON, if it is one.
    pub fn json_mut(&mut self) -> Option<&mut JsonEncoder> {
        match self {
            Encoder::Json(json) => Some(json),
            Encoder::Csv(_) | Encoder::Raw(_) => None,
        }
    }

    /// The same, to be looked at.
    #[must_use]
    pub fn json(&self) -> Option<&JsonEncoder> {
        match self {
            Encoder::Json(json) => Some(json),
            Encoder::Csv(_) | Encoder::Raw(_) => None,
        }
    }

    /// Appends the row's columns to `out`; false if there is nothing (a NULL in the `raw` format).
    ///
    /// # Errors
    /// If a column's type has no form in the format.
    #[inline]
    pub fn encode(&mut self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<bool, EncodeError> {
        match self {
            Encoder::Json(json) => json.encode(row, out).map(|()| true),
            Encoder::Csv(csv) => csv.encode(row, out).map(|()| true),
            Encoder::Raw(raw) => raw.encode(row, out),
        }
    }
}
