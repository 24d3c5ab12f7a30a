//! Partitions by topic id, as the assignments of a consumer group hold them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, BytesMut};
use forebay_storage::ids::TopicId;
use uuid::Uuid;

use crate::group::records::codec::{Reader, RecordError, put_compact_count, put_no_tags, put_unsigned_varint};

/// Partitions by topic.
pub type Assignment = BTreeMap<TopicId, BTreeSet<i32>>;

/// Partitions by topic, each with the epoch in which the member got it (KIP-1251).
pub type EpochAssignment = BTreeMap<TopicId, BTreeMap<i32, i32>>;

const EPOCHS_TAG: u32 = 0;

fn put_topic<'a>(out: &mut BytesMut, topic: TopicId, partitions: impl ExactSizeIterator<Item = &'a i32>) {
    out.put_u128(topic.0.as_u128());
    put_compact_count(out, partitions.len());
    partitions.for_each(|p| out.put_i32(*p));
}

pub(crate) fn put_assignment(out: &mut BytesMut, assignment: &Assignment) {
    put_compact_count(out, assignment.len());
    for (topic, partitions) in assignment {
        put_topic(out, *topic, partitions.iter());
        put_no_tags(out);
    }
}

pub(super) fn put_epoch_assignment(out: &mut BytesMut, assignment: &EpochAssignment) {
    put_compact_count(out, assignment.len());
    for (topic, partitions) in assignment {
        put_topic(out, *topic, partitions.keys());
        let mut epochs = BytesMut::with_capacity(4 * partitions.len() + 5);
        put_compact_count(&mut epochs, partitions.len());
        partitions.values().for_each(|epoch| epochs.put_i32(*epoch));
        put_unsigned_varint(out, 1);
        put_unsigned_varint(out, EPOCHS_TAG);
        put_unsigned_varint(out, u32::try_from(epochs.len()).expect("memory bounds the partitions of a topic"));
        out.put_slice(&epochs);
    }
}

fn integers(reader: &mut Reader<'_>, field: &'static str) -> Result<Vec<i32>, RecordError> {
    let count = reader.count(field, true)?;
    (0..count).map(|_| reader.int32(field)).collect()
}

pub(crate) fn read_assignment(reader: &mut Reader<'_>) -> Result<Assignment, RecordError> {
    let mut assignment = Assignment::new();
    for _ in 0..reader.count("topicPartitions", true)? {
        let topic = TopicId(Uuid::from_u128(reader.uuid("topicId")?));
        let partitions = integers(reader, "partitions")?;
        reader.tagged_fields(|_, _| Ok(()))?;
        assignment.insert(topic, partitions.into_iter().collect());
    }
    Ok(assignment)
}

/// Before Kafka 4.3 there are no epochs: `default_epoch` is taken, or 0 below that (Kafka: Utils.assignmentFromTopicPartitions).
pub(super) fn read_epoch_assignment(
    reader: &mut Reader<'_>,
    field: &'static str,
    default_epoch: i32,
) -> Result<EpochAssignment, RecordError> {
    let mut assignment = EpochAssignment::new();
    for _ in 0..reader.count(field, true)? {
        let topic = TopicId(Uuid::from_u128(reader.uuid("topicId")?));
        let partitions = integers(reader, "partitions")?;
        let mut epochs = Vec::new();
        reader.tagged_fields(|tag, bytes| {
            // A null array is a count of 0.
            if tag == EPOCHS_TAG && bytes.rest() != [0] {
                epochs = integers(bytes, "assignmentEpochs")?;
            }
            Ok(())
        })?;
        if epochs.len() != partitions.len() {
            epochs = vec![default_epoch.max(0); partitions.len()];
        }
        assignment.insert(topic, partitions.into_iter().zip(epochs).collect());
    }
    Ok(assignment)
}
