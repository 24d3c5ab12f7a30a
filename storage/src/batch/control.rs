//! End-of-transaction markers (Kafka: ControlRecordType, EndTransactionMarker; schema EndTxnMarker).

use bytes::Bytes;

use crate::batch::{BatchBuilder, BatchError, BatchStamp, Record};
use crate::compress::Compression;
use crate::ids::{ProducerEpoch, ProducerId, Timestamp};

/// Version of key and value that is written; later versions may append fields.
const VERSION: i16 = 0;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Its records do not count.
    Abort,
    /// Its records count.
    Commit,
}

/// The marker that ends a transaction in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRecord {
    /// How it ended.
    pub kind: ControlKind,
    /// Epoch of the transaction coordinator that says so.
    pub coordinator_epoch: i32,
}

impl ControlRecord {
    /// Whether the transaction was committed.
    #[must_use]
    pub fn is_commit(&self) -> bool {
        self.kind == ControlKind::Commit
    }

    /// A whole control batch that ends the transaction of `producer_id`.
    #[must_use]
    pub fn encode(&self, producer_id: ProducerId, producer_epoch: ProducerEpoch, timestamp: Timestamp) -> Bytes {
        let kind: i16 = if self.is_commit() { 1 } else { 0 };
        let mut key = [0; 4];
        key[..2].copy_from_slice(&VERSION.to_be_bytes());
        key[2..].copy_from_slice(&kind.to_be_bytes());
        let mut value = [0; 6];
        value[..2].copy_from_slice(&VERSION.to_be_bytes());
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        let mut builder = BatchBuilder::new(Compression::None);
        builder.push(timestamp, Some(&key), Some(&value), &[]);
        builder.finish(&BatchStamp {
            producer_id,
            producer_epoch,
            transactional: true,
            control: true,
            ..BatchStamp::default()
        })
    }

    /// Reads the marker in a record of a control batch.
    pub fn decode(record: Record<'_>) -> Result<ControlRecord, BatchError> {
        ControlRecord::from_key_value(record.key, record.value)
    }

    /// Reads the marker in the key and value of a control record. Control records of other types are an error.
    pub fn from_key_value(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<ControlRecord, BatchError> {
        let key = key.and_then(|key| key.first_chunk::<4>()).ok_or(BatchError::Control("the key is cut off"))?;
        if i16::from_be_bytes([key[0], key[1]]) < 0 {
            return Err(BatchError::Control("negative version of the key"));
        }
        let kind = match i16::from_be_bytes([key[2], key[3]]) {
            0 => ControlKind::Abort,
            1 => ControlKind::Commit,
            _ => return Err(BatchError::Control("another type of control record")),
        };
        let value = value.and_then(|v| v.first_chunk::<6>()).ok_or(BatchError::Control("the value is cut off"))?;
        if i16::from_be_bytes([value[0], value[1]]) < 0 {
            return Err(BatchError::Control("negative version of the value"));
        }
        let coordinator_epoch = i32::from_be_bytes([value[2], value[3], value[4], value[5]]);
        Ok(ControlRecord { kind, coordinator_epoch })
    }
}
