//! What the log answers.

use bytes::Bytes;

use crate::disk::FileRegion;
use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// Where appended records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOutcome {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// The time that the broker stamped on them, or [`Timestamp::NONE`]; of a duplicate, the newest time of the batch in the log.
    pub log_append_time: Timestamp,
    /// First offset of the log.
    pub log_start_offset: Offset,
    /// They were in the log already: the producer repeated itself, and nothing was written.
    pub duplicate: bool,
}

/// What a read found.
#[derive(Clone, Debug)]
pub struct ReadOutcome {
    /// Whole batches, a slice of the mapped file. The first one may begin before the offset asked for. May be empty.
    pub bytes: Bytes,
    /// The same bytes as a region of their file, to be sent as they are, where that is possible and pays.
    pub region: Option<FileRegion>,
    /// The offset after the last batch; of no meaning if there is none.
    pub end: Offset,
}

/// What the log knows of a producer (Kafka: DescribeProducers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerInfo {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its newest epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of its last record, or [`Sequence::NONE`].
    pub last_sequence: Sequence,
    /// Largest timestamp of its last batch.
    pub last_timestamp: Timestamp,
    /// Epoch of the coordinator that wrote its last marker, or -1.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins.
    pub current_txn_start_offset: Option<Offset>,
}
