//! The 61 bytes that open every record batch of version 2 (Kafka: DefaultRecordBatch).

use crate::batch::BatchError;
use crate::compress::{CompressError, Compression};
use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// Size of a batch's header in bytes.
pub const HEADER_SIZE: usize = 61;
/// Bytes of base offset and length, which the length field does not count.
const LOG_OVERHEAD: usize = 12;
/// Where the bytes begin that the checksum covers.
pub(super) const CRC_START: usize = 21;

pub(super) const COMPRESSION_MASK: i16 = 0x07;
pub(super) const LOG_APPEND_TIME: i16 = 0x08;
pub(super) const TRANSACTIONAL: i16 = 0x10;
pub(super) const CONTROL: i16 = 0x20;
pub(super) const DELETE_HORIZON: i16 = 0x40;

/// Who set the timestamps of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer.
    CreateTime,
    /// The broker, when it appended; all records of the batch share the header's maximum timestamp.
    LogAppendTime,
}

/// All fields of a batch's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; kept when compaction removes that record.
    pub base_offset: Offset,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended it.
    pub leader_epoch: LeaderEpoch,
    /// Format version; always 2 here.
    pub magic: i8,
    /// CRC-32C over the attributes and everything after them.
    pub crc: u32,
    /// Flags; see the methods.
    pub attributes: i16,
    /// Offset of the last record relative to the first.
    pub last_offset_delta: i32,
    /// The timestamp that record timestamps are relative to (or the delete horizon).
    pub base_timestamp: Timestamp,
    /// The largest timestamp of the batch.
    pub max_timestamp: Timestamp,
    /// The idempotent producer, or [`ProducerId::NONE`].
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record.
    pub base_sequence: Sequence,
    /// Number of records.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; the batch's body need not be there. Everything but version 2 is an error.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let truncated = BatchError::Truncated { needed: HEADER_SIZE, available: bytes.len() };
        // Old formats have shorter headers: name the version if it can be seen.
        let magic = *bytes.get(16).ok_or(truncated.clone())? as i8;
        if magic != 2 {
            return Err(BatchError::UnsupportedMagic(magic));
        }
        let head: &[u8; HEADER_SIZE] = bytes.first_chunk().ok_or(truncated)?;
        let header = BatchHeader {
            base_offset: Offset(i64_at(head, 0)),
            batch_length: i32_at(head, 8),
            leader_epoch: LeaderEpoch(i32_at(head, 12)),
            magic,
            crc: i32_at(head, 17) as u32,
            attributes: i16_at(head, 21),
            last_offset_delta: i32_at(head, 23),
            base_timestamp: Timestamp(i64_at(head, 27)),
            max_timestamp: Timestamp(i64_at(head, 35)),
            producer_id: ProducerId(i64_at(head, 43)),
            producer_epoch: ProducerEpoch(i16_at(head, 51)),
            base_sequence: Sequence(i32_at(head, 53)),
            record_count: i32_at(head, 57),
        };
        if header.batch_length < (HEADER_SIZE - LOG_OVERHEAD) as i32
            || header.batch_length > i32::MAX - LOG_OVERHEAD as i32
        {
            return Err(BatchError::InvalidLength(header.batch_length));
        }
        Ok(header)
    }

    /// Writes all fields as they are.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut head = [0; HEADER_SIZE];
        put(&mut head, 0, self.base_offset.0.to_be_bytes());
        put(&mut head, 8, self.batch_length.to_be_bytes());
        put(&mut head, 12, self.leader_epoch.0.to_be_bytes());
        put(&mut head, 16, self.magic.to_be_bytes());
        put(&mut head, 17, self.crc.to_be_bytes());
        put(&mut head, 21, self.attributes.to_be_bytes());
        put(&mut head, 23, self.last_offset_delta.to_be_bytes());
        put(&mut head, 27, self.base_timestamp.0.to_be_bytes());
        put(&mut head, 35, self.max_timestamp.0.to_be_bytes());
        put(&mut head, 43, self.producer_id.0.to_be_bytes());
        put(&mut head, 51, self.producer_epoch.0.to_be_bytes());
        put(&mut head, 53, self.base_sequence.0.to_be_bytes());
        put(&mut head, 57, self.record_count.to_be_bytes());
        head
    }

    /// Offset of the last record. Stops at the largest offset instead of wrapping on hostile input.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(i64::from(self.last_offset_delta)))
    }

    /// The offset after the batch.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Size of the whole batch, header included.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        self.batch_length as usize + LOG_OVERHEAD
    }

    /// The codec of the records; an error for the numbers 5 to 7, which Kafka has not given out.
    pub fn compression(&self) -> Result<Compression, CompressError> {
        Compression::from_id((self.attributes & COMPRESSION_MASK) as u8)
    }

    /// Who set the timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME != 0 { TimestampType::LogAppendTime } else { TimestampType::CreateTime }
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether it holds control records (markers) and no data.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether the base timestamp is the time from which on tombstones may go (KIP-534).
    #[must_use]
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & DELETE_HORIZON != 0
    }

    /// The time from which on tombstones and markers of the batch may go, once compaction has set it (KIP-534).
    #[must_use]
    pub fn delete_horizon(&self) -> Option<Timestamp> {
        self.has_delete_horizon().then_some(self.base_timestamp)
    }

    /// Whether an idempotent producer wrote it.
    #[must_use]
    pub fn has_producer(&self) -> bool {
        self.producer_id.0 > ProducerId::NONE.0
    }

    /// Sequence of the last record; [`Sequence::NONE`] if the batch has none.
    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        if self.base_sequence.0 < 0 || self.last_offset_delta < 0 {
            return Sequence::NONE;
        }
        self.base_sequence.plus(self.last_offset_delta)
    }
}

impl BatchHeader {
    /// The header of the same batch with other timestamps, and the checksum that goes with them and `body`.
    pub(crate) fn restamped(mut self, kind: TimestampType, max: Timestamp, body: &[u8]) -> BatchHeader {
        self.attributes &= !LOG_APPEND_TIME;
        if kind == TimestampType::LogAppendTime {
            self.attributes |= LOG_APPEND_TIME;
        }
        self.max_timestamp = max;
        self.crc = crc32c::crc32c_append(crc32c::crc32c(&self.encode()[CRC_START..]), body);
        self
    }
}

/// The attribute bits for a batch.
pub(super) fn attributes(compression: Compression, kind: TimestampType, transactional: bool, control: bool) -> i16 {
    let mut bits = i16::from(compression.id());
    if kind == TimestampType::LogAppendTime {
        bits |= LOG_APPEND_TIME;
    }
    if transactional {
        bits |= TRANSACTIONAL;
    }
    if control {
        bits |= CONTROL;
    }
    bits
}

/// Overwrites the checksum in the bytes of a header.
pub(super) fn put_crc(head: &mut [u8], crc: u32) {
    head[17..21].copy_from_slice(&crc.to_be_bytes());
}

fn put<const N: usize>(head: &mut [u8; HEADER_SIZE], at: usize, bytes: [u8; N]) {
    head[at..at + N].copy_from_slice(&bytes);
}

fn i16_at(head: &[u8; HEADER_SIZE], at: usize) -> i16 {
    i16::from_be_bytes([head[at], head[at + 1]])
}

fn i32_at(head: &[u8; HEADER_SIZE], at: usize) -> i32 {
    i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn i64_at(head: &[u8; HEADER_SIZE], at: usize) -> i64 {
    (i64::from(i32_at(head, at)) << 32) | i64::from(i32_at(head, at + 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_where_kafka_puts_them() {
        // Offsets of the fields as documented at kafka.apache.org/documentation/#recordbatch.
        let mut bytes = [0u8; 61];
        bytes[7] = 9;
        bytes[11] = 49;
        bytes[15] = 3;
        bytes[16] = 2;
        bytes[17..21].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
        bytes[22] = 0b0011_1010;
        bytes[26] = 4;
        bytes[34] = 5;
        bytes[42] = 6;
        bytes[50] = 7;
        bytes[52] = 8;
        bytes[56] = 10;
        bytes[60] = 11;
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!(header.base_offset, Offset(9));
        assert_eq!(header.leader_epoch, LeaderEpoch(3));
        assert_eq!(header.crc, 0xdead_beef);
        assert_eq!(header.compression(), Ok(Compression::Snappy));
        assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
        assert!(header.is_transactional() && header.is_control() && !header.has_delete_horizon());
        assert_eq!((header.last_offset(), header.next_offset()), (Offset(13), Offset(14)));
        assert_eq!((header.base_timestamp, header.max_timestamp), (Timestamp(5), Timestamp(6)));
        assert_eq!((header.producer_id, header.producer_epoch), (ProducerId(7), ProducerEpoch(8)));
        assert_eq!((header.base_sequence, header.last_sequence()), (Sequence(10), Sequence(14)));
        assert_eq!((header.record_count, header.size_in_bytes()), (11, 61));
        assert_eq!(header.encode(), bytes);
    }

    #[test]
    fn other_versions_and_short_lengths_are_refused() {
        let mut bytes = [0u8; 61];
        bytes[16] = 1;
        assert_eq!(BatchHeader::parse(&bytes[..20]), Err(BatchError::UnsupportedMagic(1)));
        bytes[16] = 2;
        bytes[11] = 48;
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::InvalidLength(48)));
        assert!(matches!(BatchHeader::parse(&bytes[..60]), Err(BatchError::Truncated { needed: 61, available: 60 })));
    }

    proptest! {
        #[test]
        fn any_header_reads_back(bytes in prop::collection::vec(any::<u8>(), 61)) {
            let mut bytes = bytes;
            bytes[16] = 2;
            if let Ok(header) = BatchHeader::parse(&bytes) {
                prop_assert_eq!(&header.encode()[..], &bytes[..]);
                let _ = (header.last_offset(), header.next_offset(), header.last_sequence(), header.size_in_bytes());
            }
        }
    }
}
