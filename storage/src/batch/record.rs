//! The records inside a batch, borrowed from its decompressed bytes.

use bytes::Bytes;

use super::varint::{take_varint, take_varlong};
use crate::batch::{BatchError, BatchHeader, TimestampType};
use crate::ids::{Offset, Timestamp};

/// One record. Key, value and headers borrow from the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Position in the partition.
    pub offset: Offset,
    /// The record's time; the append time of the batch if the topic says so.
    pub timestamp: Timestamp,
    /// The key; `None` is Kafka's null.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is Kafka's null, a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// The headers of a record, in order; a key may come up more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    raw: &'a [u8],
    count: i32,
}

impl<'a> Headers<'a> {
    /// Number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Key and value of each header. Keys are UTF-8 by Kafka's protocol, which brokers do not check.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone + use<'a> {
        let mut rest = self.raw;
        (0..self.count).map_while(move |_| take_header(&mut rest))
    }
}

/// The decompressed records of one batch.
#[derive(Clone, Debug)]
pub struct Records {
    data: Bytes,
    header: BatchHeader,
}

impl Records {
    pub(super) fn new(header: BatchHeader, data: Bytes) -> Records {
        Records { data, header }
    }

    /// Walks the records in order. After an error the walk ends.
    #[must_use]
    pub fn iter(&self) -> RecordsIter<'_> {
        RecordsIter { rest: &self.data, header: &self.header, index: 0, failed: false }
    }

    /// The records' bytes without compression.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.data
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = Result<Record<'a>, BatchError>;
    type IntoIter = RecordsIter<'a>;

    fn into_iter(self) -> RecordsIter<'a> {
        self.iter()
    }
}

/// Iterator over the records of a batch.
#[derive(Clone, Debug)]
pub struct RecordsIter<'a> {
    rest: &'a [u8],
    header: &'a BatchHeader,
    index: i32,
    failed: bool,
}

impl<'a> Iterator for RecordsIter<'a> {
    type Item = Result<Record<'a>, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.index >= self.header.record_count {
            self.failed = !self.rest.is_empty();
            let extra = BatchError::Record { index: self.index, reason: "bytes after the last record" };
            return self.failed.then_some(Err(extra));
        }
        let record =
            take_record(&mut self.rest, self.header).map_err(|reason| BatchError::Record { index: self.index, reason });
        self.failed = record.is_err();
        self.index += 1;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.header.record_count.saturating_sub(self.index).max(0) as usize + 1))
    }
}

fn take_record<'a>(input: &mut &'a [u8], header: &BatchHeader) -> Result<Record<'a>, &'static str> {
    let length = take_varint(input).ok_or("no length")?;
    let length = usize::try_from(length).map_err(|_| "negative length")?;
    let (mut body, rest) = input.split_at_checked(length).ok_or("longer than the batch")?;
    *input = rest;
    let body = &mut body;
    let (_attributes, after) = body.split_first().ok_or("no attributes")?;
    *body = after;
    let timestamp_delta = take_varlong(body).ok_or("no timestamp")?;
    let offset_delta = take_varint(body).ok_or("no offset")?;
    let key = take_bytes(body).ok_or("the key is cut off")?;
    let value = take_bytes(body).ok_or("the value is cut off")?;
    let count = take_varint(body).ok_or("no count of headers")?;
    if count < 0 {
        return Err("negative count of headers");
    }
    let raw = *body;
    for _ in 0..count {
        take_header(body).ok_or("a header is cut off")?;
    }
    if !body.is_empty() {
        return Err("bytes after the headers");
    }
    let timestamp = match header.timestamp_type() {
        TimestampType::CreateTime => Timestamp(header.base_timestamp.0.wrapping_add(timestamp_delta)),
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let offset = Offset(header.base_offset.0.saturating_add(i64::from(offset_delta)));
    Ok(Record { offset, timestamp, key, value, headers: Headers { raw, count } })
}

#[inline]
fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = take_varint(input)?;
    if length < 0 {
        return Some(None);
    }
    let (bytes, rest) = input.split_at_checked(length as usize)?;
    *input = rest;
    Some(Some(bytes))
}

fn take_header<'a>(input: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let key = take_bytes(input)??;
    Some((key, take_bytes(input)?))
}
