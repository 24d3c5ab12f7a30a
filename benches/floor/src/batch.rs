//! Record batches of version 2 as a producer makes them (Kafka: DefaultRecordBatch).

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Failure;

/// Bytes of a batch's header.
pub const HEADER: usize = 61;
/// Where the bytes begin that the checksum covers.
const CRC_START: usize = 21;
/// Bytes before those that a batch's length counts.
const LENGTH_OVERHEAD: usize = 12;
const LZ4: i16 = 3;
/// Where the attributes stand, and the bit of them that marks the end of a transaction.
const ATTRIBUTES: usize = 21;
const CONTROL: u8 = 0x20;

/// A batch, and what is in it.
pub struct Built {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its records.
    pub records: usize,
    /// Bytes of its records' values.
    pub value_bytes: usize,
}

/// As many records with `record_bytes` of value as fit into `batch_bytes`. `seed` makes batches differ.
pub fn build(record_bytes: usize, batch_bytes: usize, lz4: bool, seed: u64) -> Result<Built, Failure> {
    let mut letters = Letters(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15));
    let mut body = Vec::with_capacity(batch_bytes);
    let mut records = 0usize;
    loop {
        // With LZ4, two letters in three are repeated, so that there is something to compress.
        let fresh = if lz4 { record_bytes.div_ceil(3) } else { record_bytes };
        let drawn: Vec<u8> = (0..fresh).map(|_| letters.next()).collect();
        let value: Vec<u8> = drawn.iter().cycle().take(record_bytes).copied().collect();
        let before = body.len();
        push_record(&mut body, records as i64, &value);
        if records > 0 && HEADER + body.len() > batch_bytes {
            body.truncate(before);
            break;
        }
        records += 1;
    }
    if lz4 {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(&body)?;
        body = encoder.finish()?;
    }
    Ok(Built {
        bytes: with_header(&body, records, if lz4 { LZ4 } else { 0 })?,
        records,
        value_bytes: records * record_bytes,
    })
}

/// Adds record number `number` of a batch, without a key and headers.
fn push_record(body: &mut Vec<u8>, number: i64, value: &[u8]) {
    let mut record = vec![0u8]; // attributes
    varint(&mut record, 0); // timestamp delta
    varint(&mut record, number);
    varint(&mut record, -1); // no key
    varint(&mut record, value.len() as i64);
    record.extend_from_slice(value);
    varint(&mut record, 0); // no headers
    varint(body, record.len() as i64);
    body.extend_from_slice(&record);
}

fn with_header(body: &[u8], records: usize, attributes: i16) -> Result<Vec<u8>, Failure> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let count = i32::try_from(records)?;
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(0i64.to_be_bytes()); // base offset
    bytes.extend(i32::try_from(HEADER - LENGTH_OVERHEAD + body.len())?.to_be_bytes());
    bytes.extend((-1i32).to_be_bytes()); // leader epoch
    bytes.push(2); // format
    bytes.extend(0u32.to_be_bytes()); // checksum, see below
    bytes.extend(attributes.to_be_bytes());
    bytes.extend((count - 1).to_be_bytes());
    bytes.extend(now.to_be_bytes());
    bytes.extend(now.to_be_bytes());
    bytes.extend((-1i64).to_be_bytes()); // producer id
    bytes.extend((-1i16).to_be_bytes()); // its epoch
    bytes.extend((-1i32).to_be_bytes()); // sequence
    bytes.extend(count.to_be_bytes());
    bytes.extend_from_slice(body);
    let crc = crc32c::crc32c(&bytes[CRC_START..]);
    bytes[CRC_START - 4..CRC_START].copy_from_slice(&crc.to_be_bytes());
    Ok(bytes)
}

/// A batch with one record without a key.
pub fn of_one(value: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    push_record(&mut body, 0, value);
    with_header(&body, 1, 0)
}

/// The whole batches at the start of what was fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Their bytes.
    pub bytes: usize,
    /// Their records, without the markers of transactions.
    pub records: usize,
    /// The offset behind them, if there is one.
    pub next: Option<i64>,
}

/// What of `records` is whole batches; what follows is a part of one.
pub fn whole(mut records: &[u8]) -> Whole {
    let mut found = Whole::default();
    while records.len() >= HEADER {
        let number = |at: usize| i32::from_be_bytes([records[at], records[at + 1], records[at + 2], records[at + 3]]);
        let size = number(8) as usize + LENGTH_OVERHEAD;
        if size > records.len() {
            break;
        }
        let base = (i64::from(number(0)) << 32) | i64::from(number(4).cast_unsigned());
        let is_control = records[ATTRIBUTES + 1] & CONTROL != 0;
        found.next = Some(base + i64::from(number(23)) + 1);
        found.bytes += size;
        found.records += if is_control { 0 } else { number(57) as usize };
        records = &records[size..];
    }
    found
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

/// Random capital letters, as kafka-producer-perf-test sends them.
struct Letters(u64);

impl Letters {
    fn next(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        b'A' + (self.0 >> 33) as u8 % 26
    }
}
