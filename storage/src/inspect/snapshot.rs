//! The producers in a `.snapshot`.

use crate::ids::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use crate::producer::{ProducerEntry, read_snapshot};

/// A producer in a snapshot (Kafka: schema PidSnapshotMap).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotEntry {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its epoch.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of its last record, or [`Sequence::NONE`].
    pub last_sequence: Sequence,
    /// Offset of its last record; `None` if only markers were written.
    pub last_offset: Option<Offset>,
    /// Records of its last batch less one.
    pub offset_delta: i32,
    /// Timestamp of its last batch.
    pub last_timestamp: Timestamp,
    /// Epoch of the coordinator that wrote its last marker, or -1.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins.
    pub current_txn_first_offset: Option<Offset>,
}

/// Reads the bytes of a snapshot.
///
/// # Errors
/// What is wrong with them: version, checksum, size.
pub fn snapshot(bytes: &[u8]) -> Result<Vec<SnapshotEntry>, String> {
    Ok(read_snapshot(bytes)?.iter().map(entry).collect())
}

fn entry(entry: &ProducerEntry) -> SnapshotEntry {
    let last = entry.batches.back();
    SnapshotEntry {
        producer_id: entry.producer_id,
        producer_epoch: entry.epoch,
        last_sequence: entry.last_sequence(),
        last_offset: last.map(|batch| batch.last_offset),
        offset_delta: last.map_or(0, |batch| batch.offset_delta),
        last_timestamp: entry.last_timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_first_offset: entry.transaction_start,
    }
}
