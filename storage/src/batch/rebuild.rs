//! A batch with fewer records than it had: all that is known by offset, time and sequence stays (Kafka:
//! MemoryRecords.buildRetainedRecordsInto, DefaultRecordBatch.writeEmptyHeader).

use bytes::Bytes;

use super::builder::put_record;
use super::header::{COMPRESSION_MASK, CONTROL, CRC_START, DELETE_HORIZON, LOG_APPEND_TIME, TRANSACTIONAL, put_crc};
use crate::batch::{BatchHeader, HEADER_SIZE, Record, TimestampType};
use crate::compress::Compression;
use crate::ids::Timestamp;

/// The batch of `header` with these of its records, compressed as it was. With a delete horizon, that takes the place of the base
/// timestamp (KIP-534).
pub(crate) fn rebuild_batch(header: &BatchHeader, records: &[Record<'_>], horizon: Option<Timestamp>) -> Bytes {
    let first = records.first().map_or(Timestamp::NONE, |record| record.timestamp);
    let base_timestamp = horizon.unwrap_or(first);
    let mut out = vec![0; HEADER_SIZE];
    let mut largest = Timestamp::NONE;
    for record in records {
        largest = largest.max(record.timestamp);
        let offset_delta = (record.offset.0 - header.base_offset.0) as i32;
        let timestamp_delta = record.timestamp.0.wrapping_sub(base_timestamp.0);
        put_record(&mut out, timestamp_delta, offset_delta, record.key, record.value, record.headers.iter());
    }
    let mut codec = header.compression().unwrap_or(Compression::None);
    if codec != Compression::None {
        match codec.compress(&out[HEADER_SIZE..]) {
            Ok(packed) => {
                out.truncate(HEADER_SIZE);
                out.extend_from_slice(&packed);
            }
            // A codec that fails costs space, not data.
            Err(_) => codec = Compression::None,
        }
    }
    let mut attributes = header.attributes & !(COMPRESSION_MASK | DELETE_HORIZON) | i16::from(codec.id());
    if horizon.is_some() {
        attributes |= DELETE_HORIZON;
    }
    let max_timestamp = match header.timestamp_type() {
        TimestampType::CreateTime => largest,
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    finish(
        out,
        BatchHeader { attributes, base_timestamp, max_timestamp, record_count: records.len() as i32, ..*header },
    )
}

/// The batch of `header` without records: it says where the batch was and what its producer's sequence is.
pub(crate) fn empty_batch(header: &BatchHeader) -> Bytes {
    let attributes = header.attributes & (LOG_APPEND_TIME | TRANSACTIONAL | CONTROL);
    let base_timestamp = Timestamp::NONE;
    finish(vec![0; HEADER_SIZE], BatchHeader { attributes, base_timestamp, record_count: 0, ..*header })
}

fn finish(mut out: Vec<u8>, mut header: BatchHeader) -> Bytes {
    header.batch_length = i32::try_from(out.len() - 12).expect("a batch is smaller than 2 GiB");
    out[..HEADER_SIZE].copy_from_slice(&header.encode());
    let crc = crc32c::crc32c(&out[CRC_START..]);
    put_crc(&mut out, crc);
    out.into()
}
