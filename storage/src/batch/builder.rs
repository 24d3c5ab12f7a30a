//! Writes a batch: records are encoded once, straight into the buffer that becomes the batch.

use bytes::Bytes;

use super::buffers::BUFFERS;
use super::header::{self, CRC_START};
use super::varint::{put_varint, put_varlong, set_varlong, varlong_size};
use crate::batch::{BatchHeader, HEADER_SIZE, TimestampType};
use crate::compress::{Compression, CompressionLevels};
use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// Who writes a batch, and as what. The default is nobody: no producer, no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchStamp {
    /// The idempotent producer.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record; [`Sequence::NONE`] for writes of a coordinator.
    pub base_sequence: Sequence,
    /// Whether the batch is part of a transaction.
    pub transactional: bool,
    /// Whether it holds control records.
    pub control: bool,
    /// Epoch of the leader; the log overwrites it on append.
    pub leader_epoch: LeaderEpoch,
}

impl Default for BatchStamp {
    fn default() -> Self {
        BatchStamp {
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: Sequence::NONE,
            transactional: false,
            control: false,
            leader_epoch: LeaderEpoch::UNKNOWN,
        }
    }
}

/// Collects records for one batch.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    compression: Compression,
    levels: CompressionLevels,
    /// Room for the header, then the records.
    buffer: Vec<u8>,
    count: i32,
    base_timestamp: Timestamp,
    max_timestamp: Timestamp,
}

impl BatchBuilder {
    /// An empty batch whose records will be compressed with `compression`.
    #[must_use]
    pub fn new(compression: Compression) -> BatchBuilder {
        BatchBuilder {
            compression,
            levels: CompressionLevels::default(),
            buffer: vec![0; HEADER_SIZE],
            count: 0,
            base_timestamp: Timestamp::NONE,
            max_timestamp: Timestamp::NONE,
        }
    }

    /// The same, with room for about `bytes` from the beginning.
    #[must_use]
    pub fn with_room(compression: Compression, bytes: usize) -> BatchBuilder {
        let mut buffer = BUFFERS.take(bytes);
        buffer.resize(HEADER_SIZE, 0);
        BatchBuilder { buffer, ..BatchBuilder::new(compression) }
    }

    /// Compresses at these levels instead of Kafka's defaults.
    #[must_use]
    pub fn at_levels(mut self, levels: CompressionLevels) -> BatchBuilder {
        self.levels = levels;
        self
    }

    /// Adds a record. Panics beyond `i32::MAX` records or bytes, which no caller's limits allow.
    pub fn push(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) {
        let headers = headers.iter().map(|(key, value)| (key.as_bytes(), *value));
        self.push_raw(timestamp, key, value, headers);
    }

    /// Like [`BatchBuilder::push`], with headers as they are in a record.
    pub(crate) fn push_raw<'h>(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)> + Clone,
    ) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let timestamp_delta = timestamp.0.wrapping_sub(self.base_timestamp.0);
        let offset_delta = self.count;
        put_record(&mut self.buffer, timestamp_delta, offset_delta, key, value, headers);
        self.count = self.count.checked_add(1).expect("fewer than i32::MAX records in a batch");
    }

    /// Number of records so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are no records yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the batch as it is now, before compression.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Completes the batch, with base offset 0.
    #[must_use]
    pub fn finish(self, stamp: &BatchStamp) -> Bytes {
        self.finish_as(stamp, TimestampType::CreateTime)
    }

    /// Completes the batch as one that was stamped by the broker at `time`: all records then have that time.
    pub(crate) fn finish_log_append_time(mut self, stamp: &BatchStamp, time: Timestamp) -> Bytes {
        self.max_timestamp = time;
        self.finish_as(stamp, TimestampType::LogAppendTime)
    }

    fn finish_as(mut self, stamp: &BatchStamp, timestamps: TimestampType) -> Bytes {
        let mut codec = self.compression;
        if codec != Compression::None {
            match codec.compress_at(&self.buffer[HEADER_SIZE..], self.levels) {
                Ok(packed) => {
                    self.buffer.truncate(HEADER_SIZE);
                    self.buffer.extend_from_slice(&packed);
                }
                // A codec that fails costs space, not data.
                Err(_) => codec = Compression::None,
            }
        }
        let header = BatchHeader {
            base_offset: Offset::ZERO,
            batch_length: i32::try_from(self.buffer.len() - 12).expect("a batch is smaller than 2 GiB"),
            leader_epoch: stamp.leader_epoch,
            magic: 2,
            crc: 0,
            attributes: header::attributes(codec, timestamps, stamp.transactional, stamp.control),
            last_offset_delta: (self.count - 1).max(0),
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: stamp.producer_id,
            producer_epoch: stamp.producer_epoch,
            base_sequence: stamp.base_sequence,
            record_count: self.count,
        };
        self.buffer[..HEADER_SIZE].copy_from_slice(&header.encode());
        let crc = crc32c::crc32c(&self.buffer[CRC_START..]);
        header::put_crc(&mut self.buffer, crc);
        BUFFERS.lend(self.buffer)
    }
}

/// Most bytes before a record's key: its length, its attributes, ten bytes of time, its number, and the key's length; and room for one
/// number more.
const FRONT_BYTES: usize = 5 + 1 + 10 + 5 + 5 + 10;

/// Appends a record, as it stands in a batch.
pub(super) fn put_record<'h>(
    out: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)> + Clone,
) {
    let mut header_count = 0;
    let mut size = 1 + varlong_size(timestamp_delta) + varlong_size(i64::from(offset_delta));
    size += bytes_size(key) + bytes_size(value);
    for (key, value) in headers.clone() {
        header_count += 1;
        size += bytes_size(Some(key)) + bytes_size(value);
    }
    size += varlong_size(header_count);
    out.reserve(size + 5);
    let size = i32::try_from(size).expect("a record is smaller than 2 GiB");
    // The numbers before the key are put together first: length, attributes (none are defined), the deltas and the key's length.
    let mut front = [0; FRONT_BYTES];
    let mut end = set_varlong(&mut front, 0, i64::from(size)) + 1;
    end = set_varlong(&mut front, end, timestamp_delta);
    end = set_varlong(&mut front, end, i64::from(offset_delta));
    // None is longer than the record.
    end = set_varlong(&mut front, end, key.map_or(-1, |key| key.len() as i64));
    out.extend_from_slice(&front[..end]);
    out.extend_from_slice(key.unwrap_or_default());
    put_bytes(out, value);
    put_varlong(out, header_count);
    for (key, value) in headers {
        put_bytes(out, Some(key));
        put_bytes(out, value);
    }
}

#[inline]
fn bytes_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varlong_size(bytes.len() as i64) + bytes.len())
}

#[inline]
fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varint(out, -1),
        Some(bytes) => {
            put_varint(out, i32::try_from(bytes.len()).expect("a field is smaller than 2 GiB"));
            out.extend_from_slice(bytes);
        }
    }
}
