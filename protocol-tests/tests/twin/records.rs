//! Batches, written by `kafka-protocol`'s own codec.

use bytes::{Bytes, BytesMut};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use std::sync::OnceLock;

/// The producer of a batch: id, epoch, first sequence.
#[derive(Clone, Copy)]
pub struct Origin {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// Number of the batch's first record.
    pub sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

/// A time for records, well within what brokers take: the same for both brokers, as answers tell it.
pub fn now_ms() -> i64 {
    static NOW: OnceLock<i64> = OnceLock::new();
    *NOW.get_or_init(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_millis()).unwrap()
    })
}

/// One batch of records without keys, all of now, of no producer in particular.
pub fn batch(values: &[&str]) -> Bytes {
    let now = now_ms();
    let records: Vec<(i64, &str)> = values.iter().map(|v| (now, *v)).collect();
    encode(&records, None)
}

/// One batch of records with their times.
pub fn batch_at(records: &[(i64, &str)]) -> Bytes {
    encode(records, None)
}

/// One batch of a producer.
pub fn batch_of(origin: Origin, values: &[&str]) -> Bytes {
    let now = now_ms();
    let records: Vec<(i64, &str)> = values.iter().map(|v| (now, *v)).collect();
    encode(&records, Some(origin))
}

/// One batch of records with their times, each with a key or without.
pub fn keyed_at(records: &[(i64, Option<&str>)]) -> Bytes {
    let record = |(at, (timestamp, key)): (usize, &(i64, Option<&str>))| Record {
        offset: i64::try_from(at).unwrap(),
        sequence: i32::try_from(at).unwrap() - 1,
        timestamp: *timestamp,
        key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
        ..plain(b"v")
    };
    in_one_batch(&records.iter().enumerate().map(record).collect::<Vec<Record>>())
}

/// One batch of one record with a key, of now.
pub fn keyed(key: &[u8], value: &[u8]) -> Bytes {
    in_one_batch(&[Record { key: Some(Bytes::copy_from_slice(key)), ..plain(value) }])
}

/// A record of now, without a key.
fn plain(value: &[u8]) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: now_ms(),
        key: None,
        value: Some(Bytes::copy_from_slice(value)),
        headers: Default::default(),
    }
}

fn encode(records: &[(i64, &str)], origin: Option<Origin>) -> Bytes {
    let record = |(at, (timestamp, value)): (usize, &(i64, &str))| {
        let at = i32::try_from(at).unwrap();
        Record {
            transactional: origin.is_some_and(|o| o.transactional),
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id: origin.map_or(-1, |o| o.id),
            producer_epoch: origin.map_or(-1, |o| o.epoch),
            timestamp_type: TimestampType::Creation,
            offset: i64::from(at),
            sequence: origin.map_or(-1 + at, |o| o.sequence + at),
            timestamp: *timestamp,
            key: None,
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: Default::default(),
        }
    };
    in_one_batch(&records.iter().enumerate().map(record).collect::<Vec<Record>>())
}

fn in_one_batch(records: &[Record]) -> Bytes {
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, records, &options).unwrap();
    out.freeze()
}

/// A batch whose bytes were changed, with the checksum that they have now.
pub fn seal(mut batch: Vec<u8>) -> Bytes {
    let sum = crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&sum.to_be_bytes());
    batch.into()
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
