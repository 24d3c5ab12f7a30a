//! The records of `__share_group_state`: `ShareSnapshot` (type 0) and `ShareUpdate` (type 1), each with value version 0.

use bytes::{BufMut, Bytes, BytesMut};
use forebay_storage::ids::{Timestamp, TopicId};
use uuid::Uuid;

use super::command::SharePartitionKey;
use super::share_state::{ShareState, ShareUpdate};
use crate::group::records::{Reader, RecordError, put_compact_count, put_no_tags, put_string, put_unsigned_varint};
use crate::share::partition::StateBatch;

const SNAPSHOT: i16 = 0;
const UPDATE: i16 = 1;
const VERSION: i16 = 0;
const DELIVERY_COMPLETE_COUNT_TAG: u32 = 0;

/// A durable change of a share-partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareRecord {
    /// The whole state.
    Snapshot(ShareState),
    /// What has changed since.
    Update(ShareUpdate),
    /// Nothing is kept any more; a tombstone of the snapshot's key.
    Deleted,
}

/// The key's bytes.
pub(super) fn encode_key(key: &SharePartitionKey, record: &ShareRecord) -> Bytes {
    let mut out = BytesMut::with_capacity(24 + key.group_id.len());
    out.put_i16(if matches!(record, ShareRecord::Update(_)) { UPDATE } else { SNAPSHOT });
    put_string(&mut out, &key.group_id);
    out.put_u128(key.topic_id.0.as_u128());
    out.put_i32(key.partition);
    out.freeze()
}

impl ShareRecord {
    /// The value's bytes; `None` for a tombstone.
    pub(super) fn encode(&self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        out.put_i16(VERSION);
        let (batches, delivery_complete_count) = match self {
            ShareRecord::Snapshot(state) => {
                out.put_i32(state.snapshot_epoch);
                out.put_i32(state.state_epoch);
                out.put_i32(state.leader_epoch);
                out.put_i64(state.start_offset);
                out.put_i64(state.created.0);
                out.put_i64(state.written.0);
                (&state.batches, state.delivery_complete_count)
            }
            ShareRecord::Update(update) => {
                out.put_i32(update.snapshot_epoch);
                out.put_i32(update.leader_epoch);
                out.put_i64(update.start_offset);
                (&update.batches, update.delivery_complete_count)
            }
            ShareRecord::Deleted => return None,
        };
        put_batches(&mut out, batches);
        put_delivery_complete_count(&mut out, delivery_complete_count);
        Some(out.freeze())
    }
}

fn put_batches(out: &mut BytesMut, batches: &[StateBatch]) {
    put_compact_count(out, batches.len());
    for batch in batches {
        out.put_i64(batch.first_offset);
        out.put_i64(batch.last_offset);
        out.put_i8(batch.delivery_state);
        out.put_i16(batch.delivery_count);
        put_no_tags(out);
    }
}

/// A tagged field that is left out at its default of -1.
fn put_delivery_complete_count(out: &mut BytesMut, count: i32) {
    if count == -1 {
        return put_no_tags(out);
    }
    put_unsigned_varint(out, 1);
    put_unsigned_varint(out, DELIVERY_COMPLETE_COUNT_TAG);
    put_unsigned_varint(out, 4);
    out.put_i32(count);
}

/// Reads a record; `None` for one of another type.
pub(super) fn parse(key: &[u8], value: Option<&[u8]>) -> Result<Option<(SharePartitionKey, ShareRecord)>, RecordError> {
    let mut reader = Reader::new("share coordinator key", key);
    let kind = reader.int16("type")?;
    if !matches!(kind, SNAPSHOT | UPDATE) {
        return Ok(None);
    }
    let group_id = reader.string("groupId", false)?;
    let topic_id = TopicId(Uuid::from_u128(reader.uuid("topicId")?));
    let key = SharePartitionKey { group_id, topic_id, partition: reader.int32("partition")? };
    let record = match (kind, value) {
        (SNAPSHOT, None) => ShareRecord::Deleted,
        // Kafka writes no tombstones of updates; they would change nothing.
        (_, None) => return Ok(None),
        (SNAPSHOT, Some(value)) => ShareRecord::Snapshot(snapshot(value)?),
        (_, Some(value)) => ShareRecord::Update(update(value)?),
    };
    Ok(Some((key, record)))
}

fn snapshot(value: &[u8]) -> Result<ShareState, RecordError> {
    let mut reader = Reader::new("ShareSnapshotValue", value);
    reader.version(VERSION)?;
    Ok(ShareState {
        snapshot_epoch: reader.int32("snapshotEpoch")?,
        state_epoch: reader.int32("stateEpoch")?,
        leader_epoch: reader.int32("leaderEpoch")?,
        start_offset: reader.int64("startOffset")?,
        created: Timestamp(reader.int64("createTimestamp")?),
        written: Timestamp(reader.int64("writeTimestamp")?),
        batches: batches(&mut reader)?,
        delivery_complete_count: delivery_complete_count(&mut reader)?,
    })
}

fn update(value: &[u8]) -> Result<ShareUpdate, RecordError> {
    let mut reader = Reader::new("ShareUpdateValue", value);
    reader.version(VERSION)?;
    Ok(ShareUpdate {
        snapshot_epoch: reader.int32("snapshotEpoch")?,
        leader_epoch: reader.int32("leaderEpoch")?,
        start_offset: reader.int64("startOffset")?,
        batches: batches(&mut reader)?,
        delivery_complete_count: delivery_complete_count(&mut reader)?,
    })
}

fn batches(reader: &mut Reader<'_>) -> Result<Vec<StateBatch>, RecordError> {
    (0..reader.count("stateBatches", true)?).map(|_| batch(reader)).collect()
}

fn batch(reader: &mut Reader<'_>) -> Result<StateBatch, RecordError> {
    let batch = StateBatch {
        first_offset: reader.int64("firstOffset")?,
        last_offset: reader.int64("lastOffset")?,
        delivery_state: reader.int8("deliveryState")?,
        delivery_count: reader.int16("deliveryCount")?,
    };
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(batch)
}

fn delivery_complete_count(reader: &mut Reader<'_>) -> Result<i32, RecordError> {
    let mut count = -1;
    reader.tagged_fields(|tag, field| {
        if tag == DELIVERY_COMPLETE_COUNT_TAG {
            count = field.int32("deliveryCompleteCount")?;
        }
        Ok(())
    })?;
    Ok(count)
}
