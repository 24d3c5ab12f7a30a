//! The records of share groups in `__consumer_offsets`: types 10 to 15, each with value version 0.
//!
//! The target assignment has the schemas of consumer groups, and their values here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use forebay_storage::ids::TopicId;
use uuid::Uuid;

use crate::group::records::{
    Assignment, Reader, RecordError, TargetAssignmentValue, TargetEpochValue, put_assignment, put_compact_count,
    put_compact_nullable_string, put_compact_string, put_no_tags, put_string, read_assignment,
};
use crate::machine::LogRecord;

const MEMBER: i16 = 10;
const EPOCH: i16 = 11;
const TARGET_EPOCH: i16 = 12;
const TARGET: i16 = 13;
const CURRENT: i16 = 14;
const STATE_PARTITIONS: i16 = 15;

/// A durable change of a share group, one record; `None` is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareGroupRecord {
    /// `ShareGroupMemberMetadata` (10): who a member is and what it reads.
    Member(Arc<str>, Option<ShareMemberValue>),
    /// `ShareGroupMetadata` (11): the group's epoch, or its end.
    Epoch(Option<ShareGroupEpochValue>),
    /// `ShareGroupTargetAssignmentMetadata` (12): the epoch of the target assignment.
    TargetEpoch(Option<TargetEpochValue>),
    /// `ShareGroupTargetAssignmentMember` (13): what a member shall have.
    Target(Arc<str>, Option<TargetAssignmentValue>),
    /// `ShareGroupCurrentMemberAssignment` (14): what a member has.
    Current(Arc<str>, Option<ShareCurrentAssignmentValue>),
    /// `ShareGroupStatePartitionMetadata` (15): which partitions have a state at the share coordinator.
    StatePartitions(Option<StatePartitionsValue>),
}

/// The group's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareGroupEpochValue {
    /// Grows whenever the assignment has to be computed anew.
    pub epoch: i32,
    /// Hash of the metadata of all topics that the group reads.
    pub metadata_hash: i64,
}

/// A member without its assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareMemberValue {
    /// `client.rack`.
    pub rack_id: Option<Arc<str>>,
    /// The client's id.
    pub client_id: Arc<str>,
    /// The client's address.
    pub client_host: Arc<str>,
    /// The topics that it reads.
    pub topics: BTreeSet<Arc<str>>,
}

/// What a member has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareCurrentAssignmentValue {
    /// The member's epoch.
    pub epoch: i32,
    /// The epoch before, which a member may still send when the answer with the new one was lost.
    pub previous_epoch: i32,
    /// Kafka's number of the member's state; 0, stable, in share groups.
    pub state: i8,
    /// The partitions.
    pub assigned: Assignment,
}

/// Partitions of a topic with or on the way to a state at the share coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTopic {
    /// The topic's name.
    pub name: Arc<str>,
    /// The partitions.
    pub partitions: BTreeSet<i32>,
}

/// Which partitions of a group have a state at the share coordinator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePartitionsValue {
    /// Asked for, not answered yet.
    pub initializing: BTreeMap<TopicId, StateTopic>,
    /// There.
    pub initialized: BTreeMap<TopicId, StateTopic>,
    /// Topics whose state is being deleted, with their names.
    pub deleting: BTreeMap<TopicId, Arc<str>>,
}

impl ShareGroupRecord {
    /// The record's bytes.
    #[must_use]
    pub fn encode(&self, group_id: &str) -> LogRecord {
        let mut key = BytesMut::new();
        key.put_i16(self.key_type());
        put_string(&mut key, group_id);
        let value = match self {
            ShareGroupRecord::Member(id, value) => {
                put_string(&mut key, id);
                value.as_ref().map(ShareMemberValue::encode)
            }
            ShareGroupRecord::Epoch(value) => value.as_ref().map(ShareGroupEpochValue::encode),
            ShareGroupRecord::TargetEpoch(value) => value.as_ref().map(TargetEpochValue::encode),
            ShareGroupRecord::Target(id, value) => {
                put_string(&mut key, id);
                value.as_ref().map(TargetAssignmentValue::encode)
            }
            ShareGroupRecord::Current(id, value) => {
                put_string(&mut key, id);
                value.as_ref().map(ShareCurrentAssignmentValue::encode)
            }
            ShareGroupRecord::StatePartitions(value) => value.as_ref().map(StatePartitionsValue::encode),
        };
        LogRecord { key: key.freeze(), value, producer: None }
    }

    /// The group and the change that a record of the log stands for; `None` for a record that is not a share group's.
    ///
    /// # Errors
    /// When the record is a share group's and cannot be read.
    pub fn parse(key: &[u8], value: Option<&[u8]>) -> Result<Option<(Arc<str>, ShareGroupRecord)>, RecordError> {
        let mut reader = Reader::new("ShareGroupKey", key);
        let key_type = reader.int16("type")?;
        if !(MEMBER..=STATE_PARTITIONS).contains(&key_type) {
            return Ok(None);
        }
        let group_id = reader.string("groupId", false)?;
        let mut member = || reader.string("memberId", false);
        let record = match key_type {
            MEMBER => ShareGroupRecord::Member(member()?, value.map(ShareMemberValue::decode).transpose()?),
            EPOCH => ShareGroupRecord::Epoch(value.map(ShareGroupEpochValue::decode).transpose()?),
            TARGET_EPOCH => ShareGroupRecord::TargetEpoch(value.map(TargetEpochValue::decode).transpose()?),
            TARGET => ShareGroupRecord::Target(member()?, value.map(TargetAssignmentValue::decode).transpose()?),
            CURRENT => {
                ShareGroupRecord::Current(member()?, value.map(ShareCurrentAssignmentValue::decode).transpose()?)
            }
            _ => ShareGroupRecord::StatePartitions(value.map(StatePartitionsValue::decode).transpose()?),
        };
        Ok(Some((group_id, record)))
    }

    /// Whether the record brings a group into being that is not there.
    pub(crate) fn creates(&self) -> bool {
        match self {
            ShareGroupRecord::Member(_, value) => value.is_some(),
            ShareGroupRecord::Epoch(value) => value.is_some(),
            ShareGroupRecord::TargetEpoch(value) => value.is_some(),
            ShareGroupRecord::Target(_, value) => value.is_some(),
            ShareGroupRecord::Current(_, value) => value.is_some(),
            ShareGroupRecord::StatePartitions(value) => value.is_some(),
        }
    }

    fn key_type(&self) -> i16 {
        match self {
            ShareGroupRecord::Member(..) => MEMBER,
            ShareGroupRecord::Epoch(_) => EPOCH,
            ShareGroupRecord::TargetEpoch(_) => TARGET_EPOCH,
            ShareGroupRecord::Target(..) => TARGET,
            ShareGroupRecord::Current(..) => CURRENT,
            ShareGroupRecord::StatePartitions(_) => STATE_PARTITIONS,
        }
    }
}

/// A value of version 0, whose fields `put` writes.
fn value(put: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(0);
    put(&mut out);
    put_no_tags(&mut out);
    out.freeze()
}

/// Reads a value of version 0, whose fields `read` reads.
fn read_value<T>(
    record: &'static str,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, RecordError>,
) -> Result<T, RecordError> {
    let mut reader = Reader::new(record, bytes);
    reader.version(0)?;
    let value = read(&mut reader)?;
    reader.tagged_fields(|_, _| Ok(()))?;
    Ok(value)
}

impl ShareGroupEpochValue {
    fn encode(&self) -> Bytes {
        value(|out| {
            out.put_i32(self.epoch);
            out.put_i64(self.metadata_hash);
        })
    }

    fn decode(bytes: &[u8]) -> Result<ShareGroupEpochValue, RecordError> {
        read_value("ShareGroupMetadataValue", bytes, |reader| {
            Ok(ShareGroupEpochValue { epoch: reader.int32("epoch")?, metadata_hash: reader.int64("metadataHash")? })
        })
    }
}

impl ShareMemberValue {
    fn encode(&self) -> Bytes {
        value(|out| {
            put_compact_nullable_string(out, self.rack_id.as_deref());
            put_compact_string(out, &self.client_id);
            put_compact_string(out, &self.client_host);
            put_compact_count(out, self.topics.len());
            self.topics.iter().for_each(|topic| put_compact_string(out, topic));
        })
    }

    fn decode(bytes: &[u8]) -> Result<ShareMemberValue, RecordError> {
        read_value("ShareGroupMemberMetadataValue", bytes, |reader| {
            let rack_id = reader.nullable_string("rackId", true)?;
            let client_id = reader.string("clientId", true)?;
            let client_host = reader.string("clientHost", true)?;
            let count = reader.count("subscribedTopicNames", true)?;
            let topics = (0..count).map(|_| reader.string("subscribedTopicNames", true)).collect::<Result<_, _>>()?;
            Ok(ShareMemberValue { rack_id, client_id, client_host, topics })
        })
    }
}

impl ShareCurrentAssignmentValue {
    fn encode(&self) -> Bytes {
        value(|out| {
            out.put_i32(self.epoch);
            out.put_i32(self.previous_epoch);
            out.put_i8(self.state);
            put_assignment(out, &self.assigned);
        })
    }

    fn decode(bytes: &[u8]) -> Result<ShareCurrentAssignmentValue, RecordError> {
        read_value("ShareGroupCurrentMemberAssignmentValue", bytes, |reader| {
            Ok(ShareCurrentAssignmentValue {
                epoch: reader.int32("memberEpoch")?,
                previous_epoch: reader.int32("previousMemberEpoch")?,
                state: reader.int8("state")?,
                assigned: read_assignment(reader)?,
            })
        })
    }
}

impl StatePartitionsValue {
    fn encode(&self) -> Bytes {
        value(|out| {
            put_topics(out, &self.initializing);
            put_topics(out, &self.initialized);
            put_compact_count(out, self.deleting.len());
            for (id, name) in &self.deleting {
                out.put_u128(id.0.as_u128());
                put_compact_string(out, name);
                put_no_tags(out);
            }
        })
    }

    fn decode(bytes: &[u8]) -> Result<StatePartitionsValue, RecordError> {
        read_value("ShareGroupStatePartitionMetadataValue", bytes, |reader| {
            let initializing = read_topics(reader, "initializingTopics")?;
            let initialized = read_topics(reader, "initializedTopics")?;
            let mut deleting = BTreeMap::new();
            for _ in 0..reader.count("deletingTopics", true)? {
                let id = TopicId(Uuid::from_u128(reader.uuid("topicId")?));
                deleting.insert(id, reader.string("topicName", true)?);
                reader.tagged_fields(|_, _| Ok(()))?;
            }
            Ok(StatePartitionsValue { initializing, initialized, deleting })
        })
    }
}

fn put_topics(out: &mut BytesMut, topics: &BTreeMap<TopicId, StateTopic>) {
    put_compact_count(out, topics.len());
    for (id, topic) in topics {
        out.put_u128(id.0.as_u128());
        put_compact_string(out, &topic.name);
        put_compact_count(out, topic.partitions.len());
        topic.partitions.iter().for_each(|partition| out.put_i32(*partition));
        put_no_tags(out);
    }
}

fn read_topics(reader: &mut Reader<'_>, field: &'static str) -> Result<BTreeMap<TopicId, StateTopic>, RecordError> {
    let mut topics = BTreeMap::new();
    for _ in 0..reader.count(field, true)? {
        let id = TopicId(Uuid::from_u128(reader.uuid("topicId")?));
        let name = reader.string("topicName", true)?;
        let count = reader.count("partitions", true)?;
        let partitions = (0..count).map(|_| reader.int32("partitions")).collect::<Result<_, _>>()?;
        reader.tagged_fields(|_, _| Ok(()))?;
        topics.insert(id, StateTopic { name, partitions });
    }
    Ok(topics)
}

#[cfg(test)]
mod tests {
    use forebay_storage::ids::Timestamp;
    use proptest::prelude::*;

    use super::*;

    const TOPIC: TopicId = TopicId(Uuid::from_u128(0x0123_4567_89ab_cdef_7edc_ba98_7654_3210));

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn topic(partitions: &[i32]) -> BTreeMap<TopicId, StateTopic> {
        [(TOPIC, StateTopic { name: "a".into(), partitions: partitions.iter().copied().collect() })].into()
    }

    /// Records, each with the bytes that Apache Kafka 4.3.1 writes (its generated ShareGroup* classes, by MessageUtil).
    fn cases() -> Vec<(ShareGroupRecord, &'static str, &'static str)> {
        let topics = ["a".into(), "b".into()].into();
        let member =
            ShareMemberValue { rack_id: Some("r".into()), client_id: "c".into(), client_host: "/h".into(), topics };
        let partitions: Assignment = [(TOPIC, [1, 2].into())].into();
        let current =
            ShareCurrentAssignmentValue { epoch: 5, previous_epoch: 4, state: 0, assigned: partitions.clone() };
        let epoch = ShareGroupEpochValue { epoch: 5, metadata_hash: 258 };
        let target_epoch = TargetEpochValue { epoch: 7, computed_at: Timestamp(3) };
        let state = StatePartitionsValue {
            initializing: topic(&[0]),
            initialized: topic(&[1, 2]),
            deleting: [(TOPIC, "a".into())].into(),
        };
        vec![
            (ShareGroupRecord::Member("m".into(), Some(member)), "000a00016700016d", "000002720263032f68030261026200"),
            (ShareGroupRecord::Epoch(Some(epoch)), "000b000167", "000000000005000000000000010200"),
            (ShareGroupRecord::TargetEpoch(Some(target_epoch)), "000c000167", "0000000000070100080000000000000003"),
            (
                ShareGroupRecord::Target("m".into(), Some(TargetAssignmentValue { partitions })),
                "000d00016700016d",
                "0000020123456789abcdef7edcba98765432100300000001000000020000",
            ),
            (
                ShareGroupRecord::Current("m".into(), Some(current)),
                "000e00016700016d",
                "0000000000050000000400020123456789abcdef7edcba98765432100300000001000000020000",
            ),
            (
                ShareGroupRecord::StatePartitions(Some(state)),
                "000f000167",
                "0000020123456789abcdef7edcba98765432100261020000000000020123456789abcdef7edcba98765432100261030000000100\
                 00000200020123456789abcdef7edcba987654321002610000",
            ),
        ]
    }

    #[test]
    fn records_are_kafkas() {
        for (record, key, value) in cases() {
            let written = record.encode("g");
            assert_eq!((&*written.key, written.value.as_deref()), (&*bytes(key), Some(&*bytes(value))));
            let read = ShareGroupRecord::parse(&written.key, written.value.as_deref());
            assert_eq!(read, Ok(Some(("g".into(), record))));
        }
    }

    #[test]
    fn tombstones_read_back_and_other_groups_records_are_passed_over() {
        let gone = ShareGroupRecord::Current("m".into(), None);
        let written = gone.encode("g");
        assert_eq!(written.value, None);
        assert_eq!(ShareGroupRecord::parse(&written.key, None), Ok(Some(("g".into(), gone))));
        assert_eq!(ShareGroupRecord::parse(b"\0\x03\0\x01g", None), Ok(None));
        assert_eq!(ShareGroupRecord::parse(b"\0\x10\0\x01g", None), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(value: Vec<u8>) {
            for (_, key, _) in cases() {
                let _ = ShareGroupRecord::parse(&bytes(key), Some(&value));
                let _ = ShareGroupRecord::parse(&value, None);
            }
        }
    }
}
