//! Reads a coordinator's log from its start, for the machine that it belongs to.

use bytes::Bytes;
use forebay_storage::batch::{ControlRecord, batches};
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId, TopicPartition};

use crate::partition::Partition;

/// How much is read at a time.
const STRETCH_BYTES: usize = 4 * 1024 * 1024;

/// One record of the log, or the end of a transaction in it.
pub enum Replayed {
    /// A record.
    Record {
        /// Its key.
        key: Option<Bytes>,
        /// Its value; `None` is a tombstone.
        value: Option<Bytes>,
        /// The producer in whose transaction it stands.
        producer: Option<(ProducerId, ProducerEpoch)>,
    },
    /// A marker: the transaction of that producer has ended here.
    Marker {
        /// The producer.
        producer_id: ProducerId,
        /// Whether it was committed.
        committed: bool,
    },
}

/// Why a coordinator's log cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{partition} cannot be read at offset {offset}: {reason}")]
pub struct ReplayError {
    partition: TopicPartition,
    offset: Offset,
    reason: String,
}

/// Hands every record to `each`, in order. An error from `each` names a record that is not understood and ends the replay.
pub fn replay(partition: &Partition, mut each: impl FnMut(Replayed) -> Result<(), String>) -> Result<(), ReplayError> {
    replay_at(partition, |_, item| each(item))
}

/// Like [`replay`], with the offset of each record.
pub fn replay_at(
    partition: &Partition,
    mut each: impl FnMut(Offset, Replayed) -> Result<(), String>,
) -> Result<(), ReplayError> {
    let (mut next, end) = partition.with_log(|log| (log.log_start_offset(), log.log_end_offset()));
    let name = partition.name();
    while next < end {
        let fail = |offset, reason: String| ReplayError { partition: name.clone(), offset, reason };
        let read = partition
            .with_log(|log| log.read(next, STRETCH_BYTES, end, true))
            .map_err(|e| fail(next, e.to_string()))?;
        let before = next;
        for batch in batches(read.bytes) {
            let batch = batch.map_err(|e| fail(next, e.to_string()))?;
            let header = batch.header;
            let producer = header.is_transactional().then_some((header.producer_id, header.producer_epoch));
            let records = batch.records().map_err(|e| fail(header.base_offset, e.to_string()))?;
            for record in records.iter() {
                let record = record.map_err(|e| fail(header.base_offset, e.to_string()))?;
                let item = if header.is_control() {
                    let control = ControlRecord::decode(record).map_err(|e| fail(header.base_offset, e.to_string()))?;
                    Replayed::Marker { producer_id: header.producer_id, committed: control.is_commit() }
                } else {
                    Replayed::Record {
                        key: record.key.map(Bytes::copy_from_slice),
                        value: record.value.map(Bytes::copy_from_slice),
                        producer,
                    }
                };
                each(record.offset, item).map_err(|reason| fail(record.offset, reason))?;
            }
            next = header.next_offset();
        }
        if next <= before {
            return Err(fail(next, "the log has no batch there".into()));
        }
    }
    Ok(())
}
